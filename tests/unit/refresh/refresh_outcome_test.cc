// SPDX-License-Identifier: Apache-2.0
// What each of the four outcomes of a token request leads to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "tests/unit/refresh/refresher_fixture.h"

namespace grantkeep {
namespace {

using std::chrono::seconds;
using storage::v1::Grant;
using ::testing::HasSubstr;
using testing::kGrace;
using testing::kNone;
using testing::kStrict;
using testing::RefresherTest;
using testing::ScriptedHttp;
using Result = absl::StatusOr<AccessToken>;

TEST_F(RefresherTest, AFailedRenewalLeavesTheValidTokenServedAndIsNotRepeatedAtOnce) {
  Start(kStrict);
  rooms_->PutGrant("g", seconds(100));
  ProviderAnswers(429, R"({"error":"slow_down"})");
  rooms_->clock.Advance(seconds(85));
  ASSERT_TRUE(refresher_->FromMemory(Request())->ok());
  rooms_->loop.RunUntil([&] { return rooms_->LoadGrant("g").grant->failures() == 1; });
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(refresher_->FromMemory(Request())->ok());
    rooms_->loop.RunReady();
  }
  EXPECT_EQ(Requests(), 1u);
  rooms_->clock.Advance(seconds(7));
  const Result token = Refresh();
  ASSERT_TRUE(token.ok());
  EXPECT_EQ(token->freshness, Freshness::kStaleOk);
}

TEST_F(RefresherTest, InvalidGrantMeansSignInAgain) {
  Start(kStrict);
  rooms_->PutGrant("g", seconds(60));
  ProviderAnswers(400, R"({"error":"invalid_grant"})");
  rooms_->clock.Advance(seconds(61));
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kNeedsReauth));
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kNeedsReauth));
  EXPECT_EQ(Requests(), 1u) << "a dead refresh token is not presented again";
  const StoredGrant stored = rooms_->LoadGrant("g");
  EXPECT_EQ(stored.grant->state(), Grant::STATE_NEEDS_REAUTH);
  EXPECT_EQ(stored.grant->state_reason(), "INVALID_GRANT");
  EXPECT_EQ(stored.grant->refresh_token(), "rt-1") << "kept for a late success";
}

TEST_F(RefresherTest, A429EndsNoGrantWhateverItsBodySays) {
  for (const char* error : {"invalid_grant", "invalid_client"}) {
    Start(kStrict);
    rooms_->PutGrant("g", seconds(60));
    ProviderAnswers(429, fmt::format(R"({{"error":"{}"}})", error));
    rooms_->clock.Advance(seconds(61));
    EXPECT_TRUE(HasReason(Refresh().status(), Reason::kProviderThrottled)) << error;
    EXPECT_EQ(rooms_->LoadGrant("g").grant->state(), Grant::STATE_ACTIVE) << error;
  }
}

TEST_F(RefresherTest, WhatWasNotSentIsUnavailableWithARetryTimeAndConsumesNothing) {
  Start(kStrict);
  rooms_->PutGrant("g", seconds(60));
  rooms_->clock.Advance(seconds(61));  // no responder: connection refused
  const Result down = Refresh();
  EXPECT_TRUE(HasReason(down.status(), Reason::kProviderUnreachable)) << down.status();
  EXPECT_TRUE(RetryAfterOf(down.status()).has_value());
  EXPECT_EQ(rooms_->LoadGrant("g").grant->state(), Grant::STATE_ACTIVE);
  EXPECT_FALSE(rooms_->LoadGrant("g").grant->has_intent());

  ProviderGrants();
  rooms_->clock.Advance(seconds(2));
  EXPECT_TRUE(Refresh().ok());
}

TEST_F(RefresherTest, StrictKeepsItsOneLastAttemptForWhenTheTokenHasExpired) {
  Start(kStrict);
  rooms_->PutGrant("g", seconds(100));
  ProviderLosesTheAnswer();
  rooms_->clock.Advance(seconds(92));
  const Result first = Refresh();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->freshness, Freshness::kStaleOk);
  EXPECT_EQ(rooms_->LoadGrant("g").grant->state(), Grant::STATE_IN_DOUBT);
  ASSERT_TRUE(Refresh().ok());
  EXPECT_EQ(Requests(), 1u) << "not while the access token is valid";

  ProviderGrants();
  rooms_->clock.Advance(seconds(10));
  const Result last = Refresh();
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(Requests(), 2u);
  EXPECT_EQ(rooms_->LoadGrant("g").grant->state(), Grant::STATE_ACTIVE);
}

TEST_F(RefresherTest, StrictAfterALostAnswerAndARefusedLastAttemptSaysInDoubt) {
  Start(kStrict);
  rooms_->PutGrant("g", seconds(60));
  ProviderLosesTheAnswer();
  rooms_->clock.Advance(seconds(61));
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kProviderError));
  ProviderAnswers(400, R"({"error":"invalid_grant"})");
  rooms_->clock.Advance(seconds(5));
  const Result lost = Refresh();
  EXPECT_TRUE(HasReason(lost.status(), Reason::kNeedsReauth));
  EXPECT_THAT(std::string(lost.status().message()), HasSubstr("IN_DOUBT"));
  EXPECT_EQ(Requests(), 2u);
}

TEST_F(RefresherTest, ALostAnswerInsideTheGraceIsRepeatedAtOnceByTheSameFlight) {
  Start(kGrace);
  rooms_->PutGrant("g", seconds(60));
  rooms_->http.OnRequest([this](const ScriptedHttp::Seen&) {
    if (Requests() == 1) {
      HttpOutcome lost;
      lost.error = absl::UnavailableError("connection reset");
      return lost;
    }
    return ScriptedHttp::Json(200, R"({"access_token":"at-2","token_type":"Bearer","expires_in":3600})");
  });
  rooms_->clock.Advance(seconds(61));
  const auto result = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(), Request()));
  AdvanceUntil([&] { return result->has_value(); });
  ASSERT_TRUE((*result)->ok()) << (*result)->status();
  EXPECT_EQ(Requests(), 2u);
  EXPECT_THAT(rooms_->http.seen()[1].body, HasSubstr("refresh_token=rt-1"));
}

TEST_F(RefresherTest, AfterACrashNobodyPresentsTheTokenBeforeTheIntentsEnd) {
  Start(kNone);
  rooms_->PutGrant("g", seconds(60), [&](Grant& grant) {
    grant.mutable_intent()->set_generation(1);
    grant.mutable_intent()->set_attempt(1);
    grant.mutable_intent()->set_owner("a process that is gone");
    grant.mutable_intent()->set_first_time_us(ToMicros(rooms_->clock.Now() + seconds(60)));
    grant.mutable_intent()->set_end_time_us(ToMicros(rooms_->clock.Now() + seconds(80)));
  });
  ProviderGrants();
  rooms_->clock.Advance(seconds(61));
  const int gets = rooms_->store->gets_answered;
  const auto result = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(), Request()));
  // It reads the grant once more, and then waits for the intent's end.
  rooms_->loop.RunUntil([&] { return rooms_->store->gets_answered == gets + 1; });
  rooms_->loop.RunReady();
  EXPECT_EQ(Requests(), 0u);
  rooms_->clock.Advance(seconds(20));
  rooms_->loop.RunUntil([&] { return result->has_value(); });
  ASSERT_TRUE((*result)->ok()) << (*result)->status();
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(RefresherTest, ARefreshTokenDoesNotFollowAnEndpointToAnotherOrigin) {
  Start(kStrict);
  rooms_->PutGrant("g", seconds(60),
                   [](Grant& grant) { grant.set_token_endpoint("https://old.example/token"); });
  ProviderGrants();
  rooms_->clock.Advance(seconds(61));
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kClientMisconfigured));
  EXPECT_EQ(Requests(), 0u);
}

TEST_F(RefresherTest, ARefreshTokenGoesOnlyToTheServerThatTheUserSignedInAt) {
  Start(kStrict);
  rooms_->PutGrant("g", seconds(60), [](Grant& grant) { grant.set_issuer("https://another.example"); });
  ProviderGrants();
  rooms_->clock.Advance(seconds(61));
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kClientMisconfigured));
  EXPECT_EQ(Requests(), 0u);
}

}  // namespace
}  // namespace grantkeep
