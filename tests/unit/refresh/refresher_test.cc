// SPDX-License-Identifier: Apache-2.0
// Who gets which token: memory, flights, renewal behind the answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "tests/unit/refresh/refresher_fixture.h"

namespace grantkeep {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using testing::kStrict;
using testing::RefresherTest;
using Result = absl::StatusOr<AccessToken>;

TEST_F(RefresherTest, AYoungTokenIsAnsweredFromMemoryWithoutARequest) {
  Start(kStrict);
  rooms_->PutGrant("g", minutes(60));
  const auto answer = refresher_->FromMemory(Request());
  ASSERT_TRUE(answer.has_value());
  ASSERT_TRUE(answer->ok()) << answer->status();
  EXPECT_EQ((*answer)->token.Expose(), "at-1");
  EXPECT_EQ((*answer)->generation.value, 1u);
  EXPECT_EQ(Requests(), 0u);
}

TEST_F(RefresherTest, AnotherSubjectsOrTenantsGrantIsAnsweredAsOneThatDoesNotExist) {
  Start(kStrict);
  rooms_->PutGrant("g", minutes(60));
  const Result missing = [&] {
    RefreshRequest request = Request();
    request.grant = GrantId("none");
    return Refresh(request);
  }();
  RefreshRequest other = Request();
  other.subject = SubjectId("somebody else");
  EXPECT_EQ(Refresh(other).status(), missing.status());
  EXPECT_EQ(refresher_->FromMemory(other)->status(), missing.status());
  other = Request();
  other.tenant = TenantId("t2");
  EXPECT_EQ(Refresh(other).status(), missing.status());
}

TEST_F(RefresherTest, AnExpiredTokenIsRefreshedOnceAndTheNewSetIsStored) {
  Start(kStrict);
  rooms_->PutGrant("g", seconds(60));
  ProviderGrants();
  rooms_->clock.Advance(seconds(61));
  const Result token = Refresh();
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->token.Expose(), "at-new-1");
  EXPECT_EQ(token->generation.value, 2u);
  EXPECT_EQ(token->freshness, Freshness::kFresh);
  ASSERT_EQ(Requests(), 1u);
  EXPECT_THAT(rooms_->http.seen()[0].body, HasSubstr("refresh_token=rt-1"));

  const StoredGrant stored = rooms_->LoadGrant("g");
  EXPECT_EQ(stored.grant->refresh_token(), "rt-new-1");
  EXPECT_FALSE(stored.grant->has_intent());
  EXPECT_TRUE(refresher_->FromMemory(Request())->ok());
}

TEST_F(RefresherTest, TheIntentIsStoredBeforeTheTokenIsSent) {
  Start(kStrict);
  rooms_->PutGrant("g", seconds(60));
  ProviderGrants();
  rooms_->http.Hold();
  rooms_->clock.Advance(seconds(61));
  const auto result = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(), Request()));
  rooms_->loop.RunUntil([&] { return Requests() == 1; });
  const StoredGrant during = rooms_->LoadGrant("g");
  ASSERT_TRUE(during.grant->has_intent());
  EXPECT_EQ(during.grant->intent().attempt(), 1u);
  EXPECT_EQ(during.grant->intent().generation(), 1u);
  EXPECT_GT(during.grant->intent().end_time_us(), ToMicros(rooms_->clock.Now()));
  rooms_->http.Release();
  rooms_->loop.RunUntil([&] { return result->has_value(); });
  EXPECT_TRUE((*result)->ok());
}

TEST_F(RefresherTest, AThousandCallersShareOneRequest) {
  Start(kStrict);
  rooms_->PutGrant("g", seconds(60));
  ProviderGrants();
  rooms_->http.Hold();
  rooms_->clock.Advance(seconds(61));
  std::vector<std::shared_ptr<std::optional<Result>>> results;
  results.reserve(1000);
  for (int i = 0; i < 1000; ++i) {
    results.push_back(rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(), Request())));
  }
  rooms_->loop.RunUntil([&] { return Requests() == 1; });
  rooms_->http.Release();
  rooms_->loop.RunUntil([&] { return results.back()->has_value() && results.front()->has_value(); });
  for (const auto& result : results) {
    rooms_->loop.RunUntil([&] { return result->has_value(); });
    ASSERT_TRUE((*result)->ok());
    EXPECT_EQ((**result)->token.Expose(), "at-new-1");
  }
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(RefresherTest, ADeadlineEndsTheWaitButNotTheFlight) {
  Start(kStrict);
  rooms_->PutGrant("g", seconds(60));
  ProviderGrants();
  rooms_->http.Hold();
  rooms_->clock.Advance(seconds(61));
  const auto impatient = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(seconds(1)), Request()));
  rooms_->loop.RunUntil([&] { return Requests() == 1; });
  rooms_->clock.Advance(seconds(1));
  rooms_->loop.RunUntil([&] { return impatient->has_value(); });
  EXPECT_TRUE(HasReason((*impatient)->status(), Reason::kDeadline));
  rooms_->http.Release();
  const Result patient = Refresh();
  ASSERT_TRUE(patient.ok());
  EXPECT_EQ(patient->generation.value, 2u);
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(RefresherTest, InsideTheWindowTheTokenIsServedAndRenewedBehindTheAnswer) {
  Start(kStrict);
  rooms_->PutGrant("g", seconds(100));
  ProviderGrants();
  rooms_->clock.Advance(seconds(81));
  for (int i = 0; i < 50; ++i) {
    const auto answer = refresher_->FromMemory(Request());
    ASSERT_TRUE(answer.has_value() && answer->ok());
    EXPECT_EQ((*answer)->generation.value, 1u);
  }
  rooms_->loop.RunUntil([&] {
    const auto answer = refresher_->FromMemory(Request());
    return answer.has_value() && answer->ok() && (*answer)->generation.value == 2;
  });
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(RefresherTest, AWallClockThatWentBackDoesNotMakeNewTokensExpired) {
  Start(kStrict);
  rooms_->PutGrant("g", seconds(60));
  ProviderGrants();
  rooms_->clock.Advance(seconds(61));
  ASSERT_GT(rooms_->store->Now(), Time());  // the store has seen the later time
  rooms_->clock.JumpWall(-minutes(120));
  const Result token = Refresh();
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->freshness, Freshness::kFresh);
  EXPECT_TRUE(refresher_->FromMemory(Request())->ok());
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(RefresherTest, DrainWaitsForFlightsAndStartsNoNewOnes) {
  Start(kStrict);
  rooms_->PutGrant("g", seconds(60));
  rooms_->PutGrant("g2", seconds(60));
  ProviderGrants();
  rooms_->http.Hold();
  rooms_->clock.Advance(seconds(61));
  const auto under_way = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(), Request()));
  rooms_->loop.RunUntil([&] { return Requests() == 1; });
  bool drained = false;
  boost::asio::co_spawn(rooms_->loop.context(), refresher_->Drain(rooms_->clock.Steady() + seconds(60)),
                        [&](const std::exception_ptr&) { drained = true; });
  rooms_->loop.RunReady();
  EXPECT_FALSE(drained);
  RefreshRequest other = Request();
  other.grant = GrantId("g2");
  EXPECT_TRUE(HasReason(Refresh(other).status(), Reason::kShuttingDown));
  rooms_->http.Release();
  rooms_->loop.RunUntil([&] { return drained && under_way->has_value(); });
  EXPECT_TRUE((*under_way)->ok());
  EXPECT_EQ(rooms_->LoadGrant("g").grant->generation(), 2u);
}

}  // namespace
}  // namespace grantkeep
