// SPDX-License-Identifier: Apache-2.0
#include "vault/change_waiters.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <thread>

#include "net/loop.h"
#include "tests/support/test_loop.h"

namespace grantkeep {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::ManualClock;
using testing::TestLoop;

class ChangeWaitersTest : public ::testing::Test {
 protected:
  using Armed = ChangeWaiters::Armed;

  boost::asio::awaitable<bool> Wait(Armed& armed, Tick until) {
    co_await armed.Wait(clock_, until);
    co_return true;
  }
  std::shared_ptr<std::optional<bool>> StartWaiting(Armed& armed, Duration at_most = hours(1)) {
    auto waiting = loop_.Start(Wait(armed, clock_.Steady() + at_most));
    loop_.RunReady();
    return waiting;
  }
  void RunUntilDone(const std::shared_ptr<std::optional<bool>>& waiting) {
    loop_.RunUntil([&] { return waiting->has_value(); });
  }

  const Key key_ = Key::Of(Kind::kGrant, TenantId("acme"), "g1");
  const Key other_ = Key::Of(Kind::kGrant, TenantId("acme"), "g2");
  ManualClock clock_;
  ChangeWaiters waiters_;
  TestLoop loop_;
};

TEST_F(ChangeWaitersTest, AreWokenByAnyThread) {
  Armed armed = waiters_.Arm(key_);
  const auto waiting = StartWaiting(armed);
  EXPECT_FALSE(waiting->has_value());
  std::thread([this] { waiters_.Tell(key_); }).join();
  RunUntilDone(waiting);
}

TEST_F(ChangeWaitersTest, AChangeBeforeTheWaitEndsItAtOnce) {
  Armed armed = waiters_.Arm(key_);
  waiters_.Tell(key_);
  EXPECT_TRUE(StartWaiting(armed)->has_value());
}

TEST_F(ChangeWaitersTest, AChangeBeforeTheReadThatFollowsIsForgotten) {
  Armed armed = waiters_.Arm(key_);
  waiters_.Tell(key_);
  armed.Rearm();
  const auto waiting = StartWaiting(armed);
  EXPECT_FALSE(waiting->has_value());
  waiters_.Tell(key_);
  RunUntilDone(waiting);
}

TEST_F(ChangeWaitersTest, AMissedChangeHangsNobody) {
  Armed armed = waiters_.Arm(key_);
  const auto waiting = StartWaiting(armed, seconds(20));
  clock_.Advance(seconds(19));
  loop_.RunReady();
  EXPECT_FALSE(waiting->has_value());
  clock_.Advance(seconds(1));
  RunUntilDone(waiting);
}

TEST_F(ChangeWaitersTest, OnlyTheRecordsOwnWaitersAreWokenAndAllOfThem) {
  Armed first = waiters_.Arm(key_);
  Armed second = waiters_.Arm(key_);
  Armed other = waiters_.Arm(other_);
  const auto a = StartWaiting(first);
  const auto b = StartWaiting(second);
  const auto c = StartWaiting(other);
  waiters_.Tell(key_);
  RunUntilDone(a);
  RunUntilDone(b);
  loop_.RunReady();
  EXPECT_FALSE(c->has_value());
  waiters_.Tell(other_);
  RunUntilDone(c);
}

TEST_F(ChangeWaitersTest, AWaiterThatHasGoneIsNotTold) {
  {
    const Armed gone = waiters_.Arm(key_);
  }
  waiters_.Tell(key_);
  loop_.RunReady();
}

// On a real loop, changes come while waiters come and go.
TEST(ChangeWaitersOnALoop, EveryWaitEndsWhileAnotherThreadTellsOfChanges) {
  constexpr int kWaits = 500;
  const Key key = Key::Of(Kind::kGrant, TenantId("acme"), "g1");
  SystemClock clock;
  ChangeWaiters waiters;
  std::atomic<int> ended{0};
  Loop loop("waiters");
  const auto wait = [&]() -> boost::asio::awaitable<void> {
    for (int i = 0; i < kWaits; ++i) {
      ChangeWaiters::Armed armed = waiters.Arm(key);
      co_await armed.Wait(clock, clock.Steady() + hours(1));
      ++ended;
    }
  };
  Spawn(loop.context(), wait());
  Spawn(loop.context(), wait());
  while (ended < 2 * kWaits) {
    waiters.Tell(key);
    std::this_thread::yield();
  }
  loop.Stop();
}

}  // namespace
}  // namespace grantkeep
