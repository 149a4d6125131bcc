// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_NET_LOOP_H_
#define GRANTKEEP_NET_LOOP_H_

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <string>
#include <thread>

#include "base/clock.h"

namespace grantkeep {

// The thread on which everything waits. State that is touched only by coroutines of one loop
// needs no lock.
class Loop {
 public:
  explicit Loop(std::string thread_name);
  // Stop()s and joins.
  ~Loop();

  boost::asio::io_context& context() { return context_; }
  // Ends the loop: handlers under way finish, pending coroutines are destroyed. Idempotent.
  void Stop();
  // Longest delay of a 100 ms heartbeat since the last call; any thread.
  Duration TakeMaxLag();

 private:
  boost::asio::awaitable<void> MeasureLag();

  boost::asio::io_context context_{1};
  std::atomic<int64_t> max_lag_us_{0};
  std::thread thread_;
};

// Starts `task` on `loop`; any thread. A task that throws ends the process.
void Spawn(boost::asio::io_context& loop, boost::asio::awaitable<void> task);

// The real clocks, on whatever executor the awaiting coroutine has. Thread-safe.
class SystemClock final : public Clock {
 public:
  Time Now() const override;
  Tick Steady() const override;
  boost::asio::awaitable<void> SleepUntil(Tick until) override;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_NET_LOOP_H_
