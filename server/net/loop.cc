// SPDX-License-Identifier: Apache-2.0
#include "net/loop.h"

#include <pthread.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <limits>
#include <utility>

namespace grantkeep {
namespace {

constexpr auto kHeartbeat = std::chrono::milliseconds(100);
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

int64_t Micros(Tick tick) { return std::chrono::duration_cast<Duration>(tick.time_since_epoch()).count(); }

}  // namespace

Loop::Loop(const std::string& thread_name) : next_beat_us_(kNever) {
  Spawn(context_, MeasureLag());
  thread_ = std::thread([this, name = thread_name.substr(0, 15)] {
    pthread_setname_np(pthread_self(), name.c_str());
    context_.run();
  });
}

Loop::~Loop() { Stop(); }

void Loop::Stop() {
  if (!thread_.joinable()) return;
  context_.stop();
  thread_.join();
  context_.DestroyPending();
  next_beat_us_ = kNever;
}

Duration Loop::TakeMaxLag() {
  const int64_t beaten = max_lag_us_.exchange(0);
  const int64_t overdue = Micros(std::chrono::steady_clock::now()) - next_beat_us_.load();
  return Duration(std::max(beaten, overdue));
}

// Never returns, and so keeps the context from running out of work.
boost::asio::awaitable<void> Loop::MeasureLag() {
  boost::asio::steady_timer timer(context_);
  for (;;) {
    const Tick due = std::chrono::steady_clock::now() + kHeartbeat;
    next_beat_us_ = Micros(due);
    timer.expires_at(due);
    co_await timer.async_wait(boost::asio::use_awaitable);
    const int64_t lag = Micros(std::chrono::steady_clock::now()) - Micros(due);
    int64_t longest = max_lag_us_.load();
    while (lag > longest && !max_lag_us_.compare_exchange_weak(longest, lag)) {
    }
  }
}

void Spawn(boost::asio::io_context& loop, boost::asio::awaitable<void> task) {
  boost::asio::post(loop, [&loop, task = std::move(task)]() mutable {
    // What is thrown here leaves the handler and, on a Loop's thread, terminates.
    boost::asio::co_spawn(loop, std::move(task), [](const std::exception_ptr& error) {
      if (error) std::rethrow_exception(error);
    });
  });
}

Time SystemClock::Now() const {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

Tick SystemClock::Steady() const { return std::chrono::steady_clock::now(); }

boost::asio::awaitable<void> SystemClock::SleepUntil(Tick until) {
  const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
  if (cancellation.cancelled() != boost::asio::cancellation_type::none) co_return;
  const auto executor = co_await boost::asio::this_coro::executor;
  boost::asio::steady_timer timer(executor, until);
  boost::system::error_code ignored;  // operation_aborted: the sleeper was cancelled
  co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
}

}  // namespace grantkeep
