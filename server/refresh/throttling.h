// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_THROTTLING_H_
#define GRANTKEEP_REFRESH_THROTTLING_H_

#include <chrono>
#include <deque>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/ids.h"

namespace grantkeep {

// What a provider's 429s say about all of its grants. One by itself is about its grant, which backs off (some
// providers limit each user). When more than half of the last answers, at most kAnswers of the last
// kTogether, are 429s and they went to kGrants different grants, it is about us: nothing is sent for as long
// as Retry-After says, or without it for a pause that doubles from kFirstPause to kLongestPause while nothing
// else is answered. Belongs to one thread.
class Throttling {
 public:
  static constexpr size_t kGrants = 3;
  static constexpr size_t kAnswers = 20;
  static constexpr Duration kTogether = std::chrono::seconds(10);
  static constexpr Duration kFirstPause = std::chrono::seconds(1);
  static constexpr Duration kLongestPause = std::chrono::seconds(60);

  // A grant's request was answered with 429.
  void Throttled(const GrantId& grant, std::optional<std::chrono::seconds> retry_after, Tick now);
  // A request was answered with something else.
  void Answered(Tick now);

  // Nothing is to be sent before; in the past when it does not matter.
  Tick paused_until() const { return paused_until_; }

 private:
  struct Answer {
    Tick at;
    std::optional<GrantId> throttled;
  };

  void Add(Answer answer);
  bool IsAboutAll() const;

  std::deque<Answer> answers_;
  Duration pause_ = kFirstPause;
  Tick paused_until_ = Tick::min();
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_THROTTLING_H_
