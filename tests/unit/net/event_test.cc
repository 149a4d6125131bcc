// SPDX-License-Identifier: Apache-2.0
#include "net/event.h"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include "net/loop.h"
#include "tests/support/test_loop.h"

namespace grantkeep {
namespace {

using std::chrono::seconds;
using testing::ManualClock;
using testing::TestLoop;

class EventTest : public ::testing::Test {
 protected:
  std::shared_ptr<std::optional<bool>> StartWait(Event& event, Duration limit) {
    auto result = loop_.Start(event.Wait(clock_, clock_.Steady() + limit));
    loop_.RunReady();
    return result;
  }

  ManualClock clock_;  // outlives the loop, whose destruction ends the sleeps
  TestLoop loop_;
};

TEST_F(EventTest, SetWakesEveryWaiter) {
  Event event;
  auto first = StartWait(event, seconds(5));
  auto second = StartWait(event, seconds(9));
  EXPECT_FALSE(first->has_value());

  event.Set();
  EXPECT_FALSE(first->has_value()) << "a waiter ran inside Set()";
  loop_.RunReady();
  EXPECT_EQ(*first, true);
  EXPECT_EQ(*second, true);
  EXPECT_EQ(clock_.sleepers(), 0u) << "the deadline's sleep ends with the wait";
}

TEST_F(EventTest, EachWaiterEndsAtItsOwnDeadline) {
  Event event;
  auto early = StartWait(event, seconds(1));
  auto late = StartWait(event, seconds(2));
  clock_.Advance(seconds(1));
  loop_.RunReady();
  EXPECT_EQ(*early, false);
  EXPECT_FALSE(late->has_value());
  event.Set();
  loop_.RunReady();
  EXPECT_EQ(*late, true);
}

TEST_F(EventTest, EventBeforeTheWaitIsNotLost) {
  Event event;
  event.Set();
  event.Set();
  EXPECT_TRUE(event.IsSet());
  auto result = StartWait(event, seconds(1));
  EXPECT_EQ(*result, true);
}

TEST_F(EventTest, EventThatHappenedWinsOverAPastDeadline) {
  Event event;
  auto never = StartWait(event, seconds(-1));
  EXPECT_EQ(*never, false);
  event.Set();
  auto result = StartWait(event, seconds(-1));
  EXPECT_EQ(*result, true);
}

TEST_F(EventTest, EventAndDeadlineInTheSameTurnIsTheEvent) {
  Event event;
  auto result = StartWait(event, seconds(1));
  clock_.Advance(seconds(1));
  event.Set();
  loop_.RunReady();
  EXPECT_EQ(*result, true);
}

TEST_F(EventTest, WaiterSurvivesTheEventObject) {
  auto event = std::make_unique<Event>();
  auto result = StartWait(*event, seconds(1));
  event.reset();
  clock_.Advance(seconds(1));
  loop_.RunReady();
  EXPECT_EQ(*result, false);
}

TEST_F(EventTest, CopyIsTheSameEvent) {
  Event event;
  auto result = StartWait(event, seconds(1));
  Event copy = event;
  copy.Set();
  loop_.RunReady();
  EXPECT_EQ(*result, true);
}

TEST_F(EventTest, CancelledWaiterLeavesAndTheOthersStay) {
  Event event;
  auto stays = StartWait(event, seconds(5));
  boost::asio::cancellation_signal cancel;
  bool ended = false;
  boost::asio::co_spawn(loop_.context(), event.Wait(clock_, clock_.Steady() + seconds(5)),
                        boost::asio::bind_cancellation_slot(
                            cancel.slot(), [&](const std::exception_ptr&, bool) { ended = true; }));
  loop_.RunReady();
  cancel.emit(boost::asio::cancellation_type::terminal);
  loop_.RunReady();
  EXPECT_TRUE(ended);
  event.Set();
  loop_.RunReady();
  EXPECT_EQ(*stays, true);
}

TEST(EventLifetimeTest, WaiterMayBeDestroyedWithItsLoopBeforeTheEvent) {
  Event event;
  ManualClock clock;
  {
    TestLoop loop;
    auto result = loop.Start(event.Wait(clock, clock.Steady() + seconds(1)));
    loop.RunReady();
  }
  event.Set();
  EXPECT_TRUE(event.IsSet());
}

TEST(EventClockTest, WaitsOnTheRealClockToo) {
  TestLoop loop;
  SystemClock clock;
  Event event;
  EXPECT_FALSE(loop.Run(event.Wait(clock, clock.Steady() + std::chrono::milliseconds(5))));
}

}  // namespace
}  // namespace grantkeep
