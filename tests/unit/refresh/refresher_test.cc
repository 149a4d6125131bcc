// SPDX-License-Identifier: Apache-2.0
// The refresh transaction with the real vault and store; time and the provider's answers are the
// test's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "refresh/refresh.h"
#include "tests/support/rooms.h"

namespace grantkeep {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::v1::Grant;
using ::testing::HasSubstr;
using testing::Rooms;
using testing::ScriptedHttp;
using Result = absl::StatusOr<AccessToken>;

std::string Yaml(const std::string& rotation) {
  return fmt::format(R"(
providers:
  - id: p
    kind: oauth
    authorization_endpoint: https://as.example/authorize
    token_endpoint: https://as.example/token
    client_authentication: client_secret_post
    rotation: {}
    request_timeout: 20s
    redirect_uris: [https://app.example/cb]
    client:
      client_id: me
      client_secrets: [{{env: CLIENT_SECRET}}]
)",
                     rotation);
}
const std::string kStrict = Yaml("strict");
const std::string kGrace = Yaml("grace\n    rotation_grace: 60s");
const std::string kNone = Yaml("none");

class RefresherTest : public ::testing::Test {
 protected:
  void Start(const std::string& yaml) {
    rooms_ = std::make_unique<Rooms>(yaml);
    refresher_ = std::make_unique<Refresher>(*rooms_->grants, *rooms_->store, *rooms_->catalogue,
                                             rooms_->clock, rooms_->random, rooms_->loop.context());
  }

  static RefreshRequest Request(Duration min_ttl = seconds(10)) {
    RefreshRequest request;
    request.tenant = TenantId("t");
    request.subject = SubjectId("u");
    request.grant = GrantId("g");
    request.min_ttl = min_ttl;
    return request;
  }

  Result Refresh(RefreshRequest request = Request()) {
    return rooms_->loop.Run(refresher_->Refresh(rooms_->NewCall(), std::move(request)));
  }

  // Answers every token request with generation after generation.
  void ProviderGrants(int lifetime = 3600) {
    rooms_->http.OnRequest([this, lifetime](const ScriptedHttp::Seen&) {
      const int n = static_cast<int>(rooms_->http.seen().size());
      return ScriptedHttp::Json(
          200,
          fmt::format(
              R"({{"access_token":"at-new-{0}","token_type":"Bearer","refresh_token":"rt-new-{0}","expires_in":{1}}})",
              n, lifetime));
    });
  }
  void ProviderAnswers(int status, const std::string& body) {
    rooms_->http.OnRequest(
        [status, body](const ScriptedHttp::Seen&) { return ScriptedHttp::Json(status, body); });
  }
  void ProviderLosesTheAnswer() {
    rooms_->http.OnRequest([](const ScriptedHttp::Seen&) {
      HttpOutcome lost;
      lost.error = absl::UnavailableError("connection reset");
      return lost;
    });
  }
  size_t Requests() const { return rooms_->http.seen().size(); }
  // Moves time on in steps, so that whoever sleeps wakes in order, until `done`.
  void AdvanceUntil(const std::function<bool()>& done, Duration step = milliseconds(500)) {
    rooms_->loop.RunUntil([&] {
      if (done()) return true;
      rooms_->clock.Advance(step);
      return false;
    });
  }

  std::unique_ptr<Rooms> rooms_;
  std::unique_ptr<Refresher> refresher_;
};

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
  const auto result = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(), Request()));
  rooms_->loop.RunUntil(
      [&] { return rooms_->clock.sleepers() >= 2; });  // the intent's end, the caller's deadline
  EXPECT_EQ(Requests(), 0u);
  rooms_->clock.Advance(seconds(20));
  rooms_->loop.RunUntil([&] { return result->has_value(); });
  ASSERT_TRUE((*result)->ok()) << (*result)->status();
  EXPECT_EQ(Requests(), 1u);
}

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
