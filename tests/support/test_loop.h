// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_TEST_LOOP_H_
#define GRANTKEEP_TESTS_SUPPORT_TEST_LOOP_H_

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace grantkeep::testing {

// A loop that runs on the test's own thread, and only while the test says so.
class TestLoop {
 public:
  boost::asio::io_context& context() { return context_; }

  // Starts `task`; the result appears in the returned object when it has ended.
  template <typename T>
  std::shared_ptr<std::optional<T>> Start(boost::asio::awaitable<T> task) {
    auto result = std::make_shared<std::optional<T>>();
    boost::asio::co_spawn(context(), std::move(task), [result](const std::exception_ptr& error, T value) {
      if (error) std::rethrow_exception(error);
      result->emplace(std::move(value));
    });
    return result;
  }

  // Runs the loop until `done` holds. Throws, so that the test fails, after `limit` of real time.
  void RunUntil(const std::function<bool()>& done, std::chrono::seconds limit = std::chrono::seconds(20)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!done()) {
      if (std::chrono::steady_clock::now() > end)
        throw std::runtime_error("TestLoop: condition not met in time");
      context_.run_one_for(std::chrono::milliseconds(20));
    }
  }

  // Runs everything that is ready now, without waiting.
  void RunReady() { context_.poll(); }

  // Destroys the coroutines that still wait, while what they refer to lives. Nothing runs afterwards.
  void Stop() { context_.DestroyPending(); }

  // Runs `task` to its end and returns its result.
  template <typename T>
  T Run(boost::asio::awaitable<T> task) {
    auto result = Start(std::move(task));
    RunUntil([&] { return result->has_value(); });
    return std::move(**result);
  }

 private:
  class Context : public boost::asio::io_context {
   public:
    Context() : io_context(1) {}
    void DestroyPending() { shutdown(); }
  };

  Context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
      boost::asio::make_work_guard(context_);
};

// Time that stands still until the test moves it. Moved and slept on by the test's thread only, read by
// any; outlives the loop.
class ManualClock final : public Clock {
 public:
  Time Now() const override { return now_.load(); }
  Tick Steady() const override { return steady_.load(); }
  boost::asio::awaitable<void> SleepUntil(Tick until) override;

  // Moves both clocks, and wakes who is due, earliest first.
  void Advance(Duration by);
  // Moves the wall clock alone, as an administrator would.
  void JumpWall(Duration by) { now_.store(Now() + by); }
  size_t sleepers() const { return sleepers_.size(); }

 private:
  struct Sleeper {
    Tick until;
    boost::asio::steady_timer* timer;
  };
  std::atomic<Time> now_{FromMicros(1'800'000'000'000'000)};
  std::atomic<Tick> steady_{Tick(std::chrono::hours(1))};
  std::vector<Sleeper> sleepers_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_SUPPORT_TEST_LOOP_H_
