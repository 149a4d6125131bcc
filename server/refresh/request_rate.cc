// SPDX-License-Identifier: Apache-2.0
#include "refresh/request_rate.h"

#include <algorithm>

namespace grantkeep {

Tick RequestRate::ReadyAt(size_t limit, Tick now) {
  constexpr auto kSecond = std::chrono::seconds(1);
  while (!sent_.empty() && sent_.front() + kSecond <= now) sent_.pop_front();
  if (sent_.size() < limit) return now;
  return sent_[sent_.size() - limit] + kSecond;
}

void RequestRate::Remove(Tick at) {
  const auto found = std::find(sent_.rbegin(), sent_.rend(), at);
  if (found != sent_.rend()) sent_.erase(std::next(found).base());
}

}  // namespace grantkeep
