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
  // `thread_name` as tools show it; the kernel keeps 15 characters.
  explicit Loop(const std::string& thread_name);
  // Stop()s.
  ~Loop();

  boost::asio::io_context& context() { return context_; }
  // Ends the loop: the handler under way finishes, the thread is joined, pending coroutines are
  // destroyed on the calling thread. What these coroutines refer to must still live; sockets and
  // timers of this context may be destroyed afterwards. Idempotent; not for the loop's own thread.
  void Stop();
  // Longest delay of a 100 ms heartbeat since the last call, one that is due and has not happened
  // yet included; any thread.
  Duration TakeMaxLag();

 private:
  class Context final : public boost::asio::io_context {
   public:
    Context() : io_context(1) {}
    // Destroys all pending handlers, and with them the coroutines that wait for them.
    void DestroyPending() { shutdown(); }
  };

  boost::asio::awaitable<void> MeasureLag();

  Context context_;
  std::atomic<int64_t> max_lag_us_{0};
  std::atomic<int64_t> next_beat_us_;  // steady clock; int64 max once stopped
  std::thread thread_;
};

// Starts `task` on `loop`, never inside this call; any thread. A task that throws ends the process.
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
