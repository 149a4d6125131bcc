// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_BASE_CLOCK_H_
#define GRANTKEEP_BASE_CLOCK_H_

#include <boost/asio/awaitable.hpp>
#include <chrono>

namespace grantkeep {

// Wall-clock time, in microseconds: what is stored, and what callers and providers see.
using Time = std::chrono::sys_time<std::chrono::microseconds>;
// Steady time: deadlines and waits inside this process.
using Tick = std::chrono::steady_clock::time_point;
using Duration = std::chrono::microseconds;

inline int64_t ToMicros(Time time) { return time.time_since_epoch().count(); }
inline Time FromMicros(int64_t micros) { return Time(Duration(micros)); }

// The only source of time in the rooms. Now() and Steady() may be called from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time Now() const = 0;
  virtual Tick Steady() const = 0;
  // Completes on the awaiting coroutine's executor at or after `until`, or early, without an
  // exception, when the coroutine's cancellation slot is signalled.
  virtual boost::asio::awaitable<void> SleepUntil(Tick until) = 0;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_BASE_CLOCK_H_
