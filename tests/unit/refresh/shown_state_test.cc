// SPDX-License-Identifier: Apache-2.0
#include "refresh/shown_state.h"

#include <gtest/gtest.h>

#include "tests/unit/refresh/refresher_fixture.h"

namespace grantkeep {
namespace {

using std::chrono::seconds;
using storage::v1::Grant;

const Time kNow = FromMicros(1'800'000'000'000'000);

Grant WithoutRefreshToken(Time expire) {
  Grant grant;
  grant.set_state(Grant::STATE_ACTIVE);
  grant.set_state_time_us(1);
  grant.set_access_token("at");
  grant.set_issue_time_us(ToMicros(expire - seconds(60)));
  grant.set_expire_time_us(ToMicros(expire));
  return grant;
}

TEST(ShowState, AGrantWithoutRefreshTokenNeedsASignInSinceItsTokenHasExpired) {
  Grant grant = WithoutRefreshToken(kNow - seconds(5));
  ShowState(grant, kNow);
  EXPECT_EQ(grant.state(), Grant::STATE_NEEDS_REAUTH);
  EXPECT_EQ(grant.state_reason(), "NO_REFRESH_TOKEN");
  EXPECT_EQ(grant.state_time_us(), ToMicros(kNow - seconds(5)));
}

TEST(ShowState, IsAsStoredWhileTheTokenIsValidOrThereIsARefreshToken) {
  Grant valid = WithoutRefreshToken(kNow + seconds(1));
  Grant unknown = WithoutRefreshToken(kNow);
  unknown.clear_expire_time_us();
  Grant refreshable = WithoutRefreshToken(kNow - seconds(5));
  refreshable.set_refresh_token("rt");
  Grant revoked = WithoutRefreshToken(kNow - seconds(5));
  revoked.set_state(Grant::STATE_REVOKED);
  Grant refused = WithoutRefreshToken(kNow - seconds(5));
  refused.set_state(Grant::STATE_NEEDS_REAUTH);
  refused.set_state_reason("INVALID_GRANT");
  for (const Grant& stored : {valid, unknown, refreshable, revoked, refused}) {
    Grant shown = stored;
    ShowState(shown, kNow);
    EXPECT_EQ(shown.SerializeAsString(), stored.SerializeAsString());
  }
}

using testing::RefresherTest;

TEST_F(RefresherTest, WhatIsShownOfAGrantWithoutRefreshTokenIsNotStored) {
  Start(testing::kStrict);
  rooms_->PutGrant("g", seconds(60), [](Grant& grant) { grant.clear_refresh_token(); });
  const auto get = [this] {
    return rooms_->loop.Run(
        refresher_->Get(TenantId("t"), SubjectId("u"), GrantId("g"), rooms_->clock.Steady() + seconds(5)));
  };
  EXPECT_EQ(get()->stored.grant->state(), Grant::STATE_ACTIVE);
  rooms_->clock.Advance(seconds(60));
  EXPECT_EQ(get()->stored.grant->state(), Grant::STATE_NEEDS_REAUTH);
  EXPECT_EQ(rooms_->LoadGrant("g").grant->state(), Grant::STATE_ACTIVE);
}

}  // namespace
}  // namespace grantkeep
