// SPDX-License-Identifier: Apache-2.0
#include "net/loop.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <future>

#include "tests/support/test_loop.h"

namespace grantkeep {
namespace {

using testing::TestLoop;

// Runs `function` on the loop and waits for it.
template <typename F>
auto On(Loop& loop, F function) {
  std::packaged_task<std::invoke_result_t<F>()> task(std::move(function));
  auto result = task.get_future();
  boost::asio::post(loop.context(), std::move(task));
  return result.get();
}

TEST(LoopTest, RunsOnAThreadOfItsOwnName) {
  Loop loop("a-name-longer-than-the-kernel-keeps");
  const std::string name = On(loop, [] {
    char buffer[16] = {};
    pthread_getname_np(pthread_self(), buffer, sizeof(buffer));
    return std::string(buffer);
  });
  EXPECT_EQ(name, "a-name-longer-t");
}

TEST(LoopTest, SpawnedTaskStartsAfterTheCallAlsoOnTheLoopItself) {
  Loop loop("test");
  std::promise<void> ran;
  auto task = [](std::promise<void>& done) -> boost::asio::awaitable<void> {
    done.set_value();
    co_return;
  };
  auto future = ran.get_future();
  const bool inside = On(loop, [&] {
    Spawn(loop.context(), task(ran));
    return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  });
  EXPECT_FALSE(inside);
  future.get();
}

TEST(LoopTest, StopDestroysPendingCoroutines) {
  struct Witness {
    std::atomic<bool>& gone;
    ~Witness() { gone = true; }
  };
  std::atomic<bool> gone = false;
  std::promise<void> started;
  SystemClock clock;
  auto task = [&]() -> boost::asio::awaitable<void> {
    const Witness witness{gone};
    started.set_value();
    co_await clock.SleepUntil(Tick::max());
  };
  Loop loop("test");
  Spawn(loop.context(), task());
  started.get_future().get();
  EXPECT_FALSE(gone);
  loop.Stop();
  EXPECT_TRUE(gone);
  loop.Stop();
}

TEST(LoopTest, SocketsAndTimersMayOutliveStop) {
  Loop loop("test");
  boost::asio::steady_timer timer(loop.context(), Tick::max());
  On(loop, [&] { timer.async_wait([](boost::system::error_code) { FAIL() << "ran after Stop()"; }); });
  loop.Stop();
  timer.cancel();
}

TEST(LoopTest, LagOfAHandlerThatBlocksIsSeenWhileItBlocks) {
  Loop loop("test");
  std::promise<void> release;
  std::promise<void> blocking;
  boost::asio::post(loop.context(), [&, released = release.get_future().share()] {
    blocking.set_value();
    released.wait();
  });
  blocking.get_future().get();
  // Ends only if the lag becomes visible; the heartbeat is due within 100 ms.
  while (loop.TakeMaxLag() < std::chrono::milliseconds(30)) std::this_thread::yield();
  release.set_value();
}

TEST(LoopTest, LagIsZeroAfterStop) {
  Loop loop("test");
  loop.Stop();
  loop.TakeMaxLag();
  EXPECT_EQ(loop.TakeMaxLag(), Duration::zero());
}

TEST(SpawnDeathTest, TaskThatThrowsEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Loop loop("test");
        auto task = []() -> boost::asio::awaitable<void> {
          throw std::runtime_error("thrown by a task");
          co_return;
        };
        Spawn(loop.context(), task());
        On(loop, [] {});
        std::promise<void>().get_future().wait();
      },
      "thrown by a task");
}

TEST(SystemClockTest, SleepReachesItsTime) {
  TestLoop loop;
  SystemClock clock;
  auto task = [&]() -> boost::asio::awaitable<bool> {
    const Tick until = clock.Steady() + std::chrono::milliseconds(5);
    co_await clock.SleepUntil(until);
    co_return clock.Steady() >= until;
  };
  EXPECT_TRUE(loop.Run(task()));
}

TEST(SystemClockTest, CancelledSleepEndsEarlyWithoutAnException) {
  TestLoop loop;
  SystemClock clock;
  boost::asio::cancellation_signal cancel;
  std::optional<std::exception_ptr> result;
  boost::asio::co_spawn(
      loop.context(), clock.SleepUntil(Tick::max()),
      boost::asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr e) { result = e; }));
  loop.RunReady();
  ASSERT_FALSE(result.has_value());
  cancel.emit(boost::asio::cancellation_type::terminal);
  loop.RunReady();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(*result, nullptr);
}

TEST(SystemClockTest, WallClockIsInMicrosecondsSinceTheEpoch) {
  SystemClock clock;
  const auto system = std::chrono::system_clock::now();
  EXPECT_LT(std::chrono::abs(clock.Now() - system), std::chrono::seconds(5));
}

}  // namespace
}  // namespace grantkeep
