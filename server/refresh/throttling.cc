// SPDX-License-Identifier: Apache-2.0
#include "refresh/throttling.h"

#include <algorithm>
#include <set>
#include <utility>

namespace grantkeep {

void Throttling::Throttled(const GrantId& grant, std::optional<std::chrono::seconds> retry_after, Tick now) {
  Add({now, grant});
  if (!IsAboutAll()) return;
  if (retry_after.has_value()) {
    paused_until_ = std::max(paused_until_, now + *retry_after);
    return;
  }
  // Requests that were under way together are told the same: that is one pause.
  if (now < paused_until_) return;
  paused_until_ = now + pause_;
  pause_ = std::min(pause_ * 2, kLongestPause);
}

void Throttling::Answered(Tick now) {
  Add({now, std::nullopt});
  pause_ = kFirstPause;
}

void Throttling::Add(Answer answer) {
  while (!answers_.empty() && answers_.front().at + kTogether <= answer.at) answers_.pop_front();
  answers_.push_back(std::move(answer));
  if (answers_.size() > kAnswers) answers_.pop_front();
}

bool Throttling::IsAboutAll() const {
  size_t throttled = 0;
  std::set<GrantId> grants;
  for (const Answer& answer : answers_) {
    if (!answer.throttled.has_value()) continue;
    ++throttled;
    grants.insert(*answer.throttled);
  }
  return grants.size() >= kGrants && throttled * 2 > answers_.size();
}

}  // namespace grantkeep
