// SPDX-License-Identifier: Apache-2.0
// Rows of the behaviour table: replicas that do not agree what time it is.
#include "tests/e2e/redis/trouble_fixture.h"

namespace grantkeep::testing {
namespace {

class RedisTroubleClock : public RedisTrouble {
 protected:
  // Lets the wall clock of a daemon go wrong; not what it measures durations by.
  static std::map<std::string, std::string> Off(const std::string& seconds) {
    return {{"LD_PRELOAD", SKEWED_CLOCK}, {"WALL_CLOCK_SKEW", seconds}};
  }
  static int64_t WallClockOf(const World& world) {
    return world.caller().GetServerStatus({})->server_time().seconds();
  }
};

TEST_F(RedisTroubleClock, OneClockAnHourOff) {
  world_ = StartAnother(DefaultProviders(), Off("3600"));
  Prepare();
  const auto other = StartAnother(DefaultProviders());
  ASSERT_GT(WallClockOf(*world_), WallClockOf(*other) + 3500) << "the clock is off";
  // A token that is good for an hour is not taken for expired, nor an expired one for good.
  const auto here = world_->Refresh(valid_.grant_id());
  const auto there = other->Refresh(valid_.grant_id());
  ASSERT_TRUE(here.ok() && there.ok()) << here.status << there.status;
  EXPECT_EQ(here->generation(), 1u);
  EXPECT_EQ(there->generation(), 1u);
  EXPECT_EQ(here->expire_time().seconds(), there->expire_time().seconds());
  // A sign-in that is begun at one and completed at the other has not expired.
  const PendingSignIn pending = world_->Begin("practice");
  EXPECT_EQ(Word(other->Complete(pending, Visit(pending)).status), "ok");
  const PendingSignIn back = other->Begin("practice");
  EXPECT_EQ(Word(world_->Complete(back, Visit(back)).status), "ok");
  ExpectRow();
  // What the one has refreshed the other serves.
  EXPECT_EQ(other->Refresh(expired_.grant_id())->generation(), 2u);
  ExpectWhole();
}

TEST_F(RedisTroubleClock, OneClockAnHourBehind) {
  world_ = StartAnother(DefaultProviders(), Off("-3600"));
  Prepare();
  ASSERT_LT(WallClockOf(*world_), WallClockOf(*StartAnother(DefaultProviders())) - 3500)
      << "the clock is off";
  ExpectRow();
  ExpectWhole();
}

}  // namespace
}  // namespace grantkeep::testing
