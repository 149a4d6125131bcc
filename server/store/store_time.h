// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_STORE_TIME_H_
#define GRANTKEEP_STORE_STORE_TIME_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>

#include "base/clock.h"

namespace grantkeep {

// Wall time that never goes back: it is steady time plus the greatest lead that the wall clock has
// ever had over it. While the wall clock only runs, this is the wall clock; after a jump back it
// goes on at the steady clock's pace, so that leases and lifetimes still end. Thread-safe.
class StoreTime {
 public:
  explicit StoreTime(const Clock& clock) : clock_(clock) {}

  Time Now() {
    // In this order: a thread that is held up between the two sees too small a lead, never too great.
    const Time wall = clock_.Now();
    const Tick steady = clock_.Steady();
    const int64_t lead = Lead(wall, steady);
    int64_t greatest = lead_.load();
    while (greatest < lead && !lead_.compare_exchange_weak(greatest, lead)) {
    }
    const auto now = steady.time_since_epoch() + std::chrono::nanoseconds(std::max(lead, greatest));
    return Time(std::chrono::floor<Duration>(now));
  }

 private:
  static int64_t Lead(Time wall, Tick steady) {
    const std::chrono::nanoseconds lead = wall.time_since_epoch() - steady.time_since_epoch();
    return lead.count();
  }

  const Clock& clock_;
  std::atomic<int64_t> lead_ = std::numeric_limits<int64_t>::min();  // nanoseconds
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_STORE_TIME_H_
