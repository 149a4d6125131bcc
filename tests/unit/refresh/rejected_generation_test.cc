// SPDX-License-Identifier: Apache-2.0
// "The API refused generation g."
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "tests/unit/refresh/refresher_fixture.h"

namespace grantkeep {
namespace {

using std::chrono::minutes;
using storage::v1::Grant;
using testing::kStrict;
using testing::RefresherTest;
using Result = absl::StatusOr<AccessToken>;

TEST_F(RefresherTest, ARejectedGenerationForcesOneRefreshAndThenWaits) {
  Start(kStrict);
  rooms_->PutGrant("g", minutes(60));
  ProviderGrants();
  RefreshRequest rejected = Request();
  rejected.rejected_generation = {1};
  EXPECT_EQ(refresher_->FromMemory(rejected), std::nullopt);
  const Result first = Refresh(rejected);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->generation.value, 2u);
  EXPECT_EQ(Refresh(rejected)->generation.value, 2u) << "generation 1 was refused: 2 is the answer";
  rejected.rejected_generation = {2};
  const Result limited = Refresh(rejected);
  EXPECT_TRUE(HasReason(limited.status(), Reason::kProviderThrottled)) << limited.status();
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(RefresherTest, WhoeverHasTheSameTokenRejectedJoinsTheForcedFlight) {
  Start(kStrict);
  rooms_->PutGrant("g", minutes(60));
  ProviderGrants();
  rooms_->http.Hold();
  RefreshRequest rejected = Request();
  rejected.rejected_generation = {1};
  const auto first = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(), rejected));
  rooms_->loop.RunUntil([&] { return Requests() == 1; });
  EXPECT_EQ(refresher_->FromMemory(rejected), std::nullopt) << "not refused: the answer is under way";
  const auto second = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(), rejected));
  rooms_->loop.RunReady();
  EXPECT_FALSE(second->has_value());
  rooms_->http.Release();
  rooms_->loop.RunUntil([&] { return first->has_value() && second->has_value(); });
  ASSERT_TRUE((*first)->ok());
  ASSERT_TRUE((*second)->ok()) << (*second)->status();
  EXPECT_EQ((**second)->generation.value, 2u);
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(RefresherTest, AForcedRefreshHonoursTheBackoff) {
  Start(kStrict);
  rooms_->PutGrant("g", minutes(60), [&](Grant& grant) {
    grant.set_not_before_us(ToMicros(rooms_->clock.Now() + minutes(30)));
  });
  ProviderGrants();
  RefreshRequest rejected = Request();
  rejected.rejected_generation = {1};
  EXPECT_EQ(RetryAfterOf(Refresh(rejected).status()), Duration(minutes(30)));
  EXPECT_EQ(Requests(), 0u);
}

}  // namespace
}  // namespace grantkeep
