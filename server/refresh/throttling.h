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

// What a provider's 429s say about all of its grants. One that comes with Retry-After is about its grant,
// which backs off by itself; when kGrants different ones are told so within kTogether it is about us. So is
// one without Retry-After: then the pause doubles from kFirstPause to kLongestPause. Belongs to one thread.
class Throttling {
 public:
  static constexpr size_t kGrants = 3;
  static constexpr Duration kTogether = std::chrono::seconds(10);
  static constexpr Duration kFirstPause = std::chrono::seconds(1);
  static constexpr Duration kLongestPause = std::chrono::seconds(60);

  // A grant's request was answered with 429.
  void Throttled(const GrantId& grant, std::optional<std::chrono::seconds> retry_after, Tick now);
  // A request was answered with something else.
  void Answered() { pause_ = kFirstPause; }

  // Nothing is to be sent before; in the past when it does not matter.
  Tick paused_until() const { return paused_until_; }

 private:
  struct Told {
    Tick at;
    GrantId grant;
  };

  bool IsAboutAll(const GrantId& grant, Tick now);

  std::deque<Told> told_;
  Duration pause_ = kFirstPause;
  Tick paused_until_ = Tick::min();
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_THROTTLING_H_
