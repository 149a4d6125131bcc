// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_SERVER_TIME_H_
#define GRANTKEEP_STORE_REDIS_SERVER_TIME_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <mutex>

#include "base/clock.h"

namespace grantkeep {

// The clock of a server, from the times that its answers carry: steady time plus the greatest lead over
// it that was seen lately, for an answer can only be late. Follows a server whose clock is put back, or
// another server, within 20 s. Until the first answer it is the wall clock. Thread-safe.
class ServerTime {
 public:
  explicit ServerTime(const Clock& clock) : clock_(clock) {}

  // An answer that has just come says that it is `time` there.
  void Note(Time time) {
    const Tick now = clock_.Steady();
    const int64_t lead = ToMicros(time) - Micros(now);
    const std::lock_guard lock(mutex_);
    if (now - window_begin_ >= kWindow) {
      before_ = now - window_begin_ >= 2 * kWindow ? kNone : window_;
      window_ = kNone;
      window_begin_ = now;
    }
    window_ = std::max(window_, lead);
    lead_.store(std::max(window_, before_));
  }

  Time Now() const {
    const int64_t lead = lead_.load();
    return lead == kNone ? clock_.Now() : FromMicros(Micros(clock_.Steady()) + lead);
  }

 private:
  static constexpr auto kWindow = std::chrono::seconds(10);
  static constexpr int64_t kNone = std::numeric_limits<int64_t>::min();
  static int64_t Micros(Tick tick) {
    return std::chrono::duration_cast<Duration>(tick.time_since_epoch()).count();
  }

  const Clock& clock_;
  std::atomic<int64_t> lead_ = kNone;  // microseconds
  std::mutex mutex_;
  Tick window_begin_{};
  int64_t window_ = kNone;
  int64_t before_ = kNone;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_SERVER_TIME_H_
