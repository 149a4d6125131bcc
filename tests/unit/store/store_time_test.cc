// SPDX-License-Identifier: Apache-2.0
#include "store/store_time.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "net/loop.h"
#include "tests/support/test_loop.h"

namespace grantkeep {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

TEST(StoreTime, IsTheWallClockWhileThatOnlyRunsOrJumpsForward) {
  testing::ManualClock clock;
  StoreTime time(clock);
  EXPECT_EQ(time.Now(), clock.Now());
  clock.Advance(seconds(5));
  EXPECT_EQ(time.Now(), clock.Now());
  clock.JumpWall(hours(1));
  EXPECT_EQ(time.Now(), clock.Now());
  clock.Advance(Duration(1));
  EXPECT_EQ(time.Now(), clock.Now());
}

TEST(StoreTime, GoesOnAtTheSteadyClocksPaceWhenTheWallClockJumpsBack) {
  testing::ManualClock clock;
  StoreTime time(clock);
  const Time before = time.Now();
  clock.JumpWall(-hours(1));
  EXPECT_EQ(time.Now(), before);
  clock.Advance(seconds(7));
  EXPECT_EQ(time.Now(), before + seconds(7));
}

TEST(StoreTime, FollowsTheWallClockAgainOnceThatHasCaughtUp) {
  testing::ManualClock clock;
  StoreTime time(clock);
  const Time before = time.Now();
  clock.JumpWall(-hours(1));
  EXPECT_EQ(time.Now(), before);
  clock.JumpWall(hours(2));
  EXPECT_EQ(time.Now(), clock.Now());
}

TEST(StoreTime, DoesNotGoBackFromOneThreadToAnother) {
  SystemClock clock;
  StoreTime time(clock);
  std::atomic<int64_t> latest = 0;
  std::atomic<int> went_back = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10000; ++n) {
        const int64_t seen = latest.load();
        const int64_t now = ToMicros(time.Now());
        if (now < seen) ++went_back;
        latest.store(now);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(went_back, 0);
}

}  // namespace
}  // namespace grantkeep
