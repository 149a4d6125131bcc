// SPDX-License-Identifier: Apache-2.0
#include "refresh/throttling.h"

#include <algorithm>

namespace grantkeep {

void Throttling::Throttled(const GrantId& grant, std::optional<std::chrono::seconds> retry_after, Tick now) {
  if (retry_after.has_value()) {
    if (IsAboutAll(grant, now)) paused_until_ = std::max(paused_until_, now + *retry_after);
    return;
  }
  // Requests that were under way together are told the same: that is one pause.
  if (now < paused_until_) return;
  paused_until_ = now + pause_;
  pause_ = std::min(pause_ * 2, kLongestPause);
}

bool Throttling::IsAboutAll(const GrantId& grant, Tick now) {
  std::erase_if(told_, [&](const Told& told) { return told.grant == grant || told.at + kTogether <= now; });
  told_.push_back({now, grant});
  if (told_.size() > kGrants) told_.pop_front();
  return told_.size() == kGrants;
}

}  // namespace grantkeep
