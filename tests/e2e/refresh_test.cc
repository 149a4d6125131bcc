// SPDX-License-Identifier: Apache-2.0
// Tokens that are good now, over real sockets: a workload, grantkeepd, and the practice provider.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/e2e/practice_fixture.h"

namespace grantkeep::testing {
namespace {

using practice::Fault;
using namespace std::chrono_literals;

class RefreshTest : public PracticeOverStores {};

// --- Refreshing

TEST_P(RefreshTest, ExpiredTokenIsRefreshed) {
  Start();
  const v1::Grant grant = SignInAndExpire();
  const auto token = world_->Refresh(grant.grant_id());
  ASSERT_TRUE(token.ok()) << token.status;
  EXPECT_EQ(token->generation(), 2u);
  EXPECT_EQ(token->freshness(), v1::FRESHNESS_FRESH);
  EXPECT_EQ(ResourceStatus(token->access_token()), 200);
}

TEST_P(RefreshTest, AThousandCallersOfAnExpiredGrantCauseOneTokenRequest) {
  Start();
  const v1::Grant grant = SignInAndExpire();
  practice_->SetLatency(300ms);
  std::vector<Answer<v1::RefreshResponse>> answers(1000);
  std::vector<std::thread> callers;
  callers.reserve(answers.size());
  for (auto& answer : answers) {
    callers.emplace_back([&] { answer = world_->Refresh(grant.grant_id()); });
  }
  for (std::thread& caller : callers) caller.join();
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer.ok()) << answer.status;
    EXPECT_EQ(answer->generation(), 2u);
    EXPECT_EQ(answer->access_token(), answers[0]->access_token());
  }
  EXPECT_EQ(practice_->Stats().refresh_requests, 1u);
  EXPECT_EQ(practice_->Stats().reuse_detections, 0u);
}

TEST_P(RefreshTest, StrictRotationNeverSeesATokenTwice) {
  Start();
  SetLifetime(1s);
  const v1::Grant grant = SignIn();
  std::atomic<bool> stop = false;
  std::vector<std::thread> callers(4);
  for (std::thread& caller : callers) {
    caller = std::thread([&] {
      while (!stop) {
        const auto token = world_->Refresh(grant.grant_id());
        EXPECT_TRUE(token.ok()) << token.status;
      }
    });
  }
  EXPECT_TRUE(Eventually([&] { return practice_->Stats().refresh_requests >= 4; }));
  stop = true;
  for (std::thread& caller : callers) caller.join();
  const practice::ProviderStats stats = practice_->Stats();
  EXPECT_EQ(stats.reuse_detections, 0u);
  for (const auto& [generation, count] : stats.families.at(0).presented) EXPECT_EQ(count, 1u) << generation;
}

TEST_P(RefreshTest, MissingRefreshTokenInTheAnswerKeepsTheOldOne) {
  Start();
  practice_->InjectFault({.kind = Fault::Kind::kDropScope});  // for the code: changes nothing
  const v1::Grant grant = SignInAndExpire();
  SetLifetime(1s);
  practice_->InjectFault({.kind = Fault::Kind::kDropRefreshToken});
  EXPECT_EQ(world_->Refresh(grant.grant_id())->generation(), 2u);
  SetLifetime(3600s);
  EXPECT_TRUE(Eventually([&] { return world_->Refresh(grant.grant_id())->generation() == 3; }));
  EXPECT_EQ(practice_->Stats().reuse_detections, 0u);
}

TEST_P(RefreshTest, RejectedGenerationForcesOneRefreshAndThenIsAnsweredByTheNewerToken) {
  Start();
  const v1::Grant grant = SignIn();
  practice_->ExpireAccessTokens();
  const auto forced = world_->Refresh(grant.grant_id(), 1);
  ASSERT_TRUE(forced.ok()) << forced.status;
  EXPECT_EQ(forced->generation(), 2u);
  EXPECT_EQ(ResourceStatus(forced->access_token()), 200);
  EXPECT_EQ(world_->Refresh(grant.grant_id(), 1)->generation(), 2u);
  EXPECT_EQ(practice_->Stats().refresh_requests, 1u);
}

TEST_P(RefreshTest, SecondForcedRefreshWithinHalfAMinuteIsThrottled) {
  Start();
  const v1::Grant grant = SignIn();
  EXPECT_TRUE(world_->Refresh(grant.grant_id(), 1).ok());
  const auto again = world_->Refresh(grant.grant_id(), 2);
  EXPECT_EQ(again.status.code, grpc::StatusCode::UNAVAILABLE) << again.status;
  EXPECT_EQ(again.status.reason, "PROVIDER_THROTTLED");
  EXPECT_TRUE(again.status.retry_after.has_value());
  EXPECT_EQ(practice_->Stats().refresh_requests, 1u);
}

TEST_P(RefreshTest, InvalidGrantMeansTheUserMustSignInAgain) {
  Start();
  const v1::Grant grant = SignInAndExpire();
  practice_->KillAllFamilies();
  for (int calls = 0; calls < 3; ++calls) {
    const auto token = world_->Refresh(grant.grant_id());
    EXPECT_EQ(token.status.code, grpc::StatusCode::FAILED_PRECONDITION) << token.status;
    EXPECT_EQ(token.status.reason, "NEEDS_REAUTH");
  }
  EXPECT_EQ(practice_->Stats().refresh_requests, 1u);
  const v1::Grant dead = world_->GetGrant(grant.grant_id());
  EXPECT_EQ(dead.state(), v1::GRANT_STATE_NEEDS_REAUTH);
  EXPECT_EQ(dead.state_reason(), "INVALID_GRANT");
}

TEST_P(RefreshTest, CallersDeadlineDoesNotEndTheRefresh) {
  Start();
  const v1::Grant grant = SignInAndExpire();
  practice_->SetLatency(500ms);
  const auto impatient = world_->caller().Refresh(World::RefreshRequest(grant.grant_id()), 100ms);
  EXPECT_EQ(impatient.status.code, grpc::StatusCode::DEADLINE_EXCEEDED) << impatient.status;
  EXPECT_EQ(world_->Refresh(grant.grant_id())->generation(), 2u);
  EXPECT_EQ(practice_->Stats().refresh_requests, 1u);
}

TEST_P(RefreshTest, GrantOfAnotherSubjectOrTenantLooksLikeNone) {
  Start();
  const v1::Grant grant = SignIn();
  auto other_subject = World::RefreshRequest(grant.grant_id());
  other_subject.set_subject("user-2");
  auto other_tenant = World::RefreshRequest(grant.grant_id());
  other_tenant.set_tenant("another");
  const auto none = world_->Refresh("gr_none");
  EXPECT_EQ(none.status.code, grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(none.status.reason, "GRANT_NOT_FOUND");
  for (const auto& request : {other_subject, other_tenant}) {
    const auto answer = world_->caller().Refresh(request);
    EXPECT_EQ(answer.status.code, none.status.code) << answer.status;
    EXPECT_EQ(answer.status.reason, none.status.reason);
    EXPECT_EQ(answer.status.message, none.status.message);
  }
}

// --- Refreshes that fail

// 500, reset, hang: the outcome is not known, and the token rotates strictly.
class DoubtTest : public PracticeTest, public ::testing::WithParamInterface<Fault::Kind> {};

TEST_P(DoubtTest, ValidTokenIsServedAndOneLastAttemptIsMadeWhenItHasExpired) {
  Start();
  SetLifetime(6s);
  const v1::Grant grant = SignIn();
  SetLifetime(3600s);
  practice_->InjectFault({.kind = GetParam()});
  // From half of its lifetime on a caller that wants more waits for a refresh.
  Answer<v1::RefreshResponse> token;
  ASSERT_TRUE(Eventually([&] {
    token = world_->Refresh(grant.grant_id());
    return !token.ok() || token->freshness() != v1::FRESHNESS_BELOW_MIN_TTL;
  }));
  ASSERT_TRUE(token.ok()) << token.status;
  EXPECT_EQ(token->freshness(), v1::FRESHNESS_STALE_OK);
  EXPECT_EQ(ResourceStatus(token->access_token()), 200);
  EXPECT_EQ(world_->GetGrant(grant.grant_id()).state(), v1::GRANT_STATE_IN_DOUBT);
  EXPECT_EQ(practice_->Stats().refresh_requests, 1u);
  EXPECT_TRUE(Eventually([&] {
    token = world_->Refresh(grant.grant_id());
    return token.ok() && token->generation() == 2;
  })) << token.status;
  EXPECT_EQ(practice_->Stats().refresh_requests, 2u);
  EXPECT_EQ(practice_->Stats().reuse_detections, 0u);
  EXPECT_EQ(world_->GetGrant(grant.grant_id()).state(), v1::GRANT_STATE_ACTIVE);
}

TEST_P(DoubtTest, ExpiredTokenIsUnavailableUntilTheLastAttempt) {
  Start();
  const v1::Grant grant = SignInAndExpire();
  practice_->InjectFault({.kind = GetParam()});
  const auto failed = world_->Refresh(grant.grant_id());
  EXPECT_EQ(failed.status.code, grpc::StatusCode::UNAVAILABLE) << failed.status;
  EXPECT_EQ(failed.status.reason, "PROVIDER_ERROR");
  EXPECT_TRUE(failed.status.retry_after.has_value());
  Answer<v1::RefreshResponse> token;
  EXPECT_TRUE(Eventually([&] {
    token = world_->Refresh(grant.grant_id());
    return token.ok();
  })) << token.status;
  EXPECT_EQ(token->generation(), 2u);
  EXPECT_EQ(practice_->Stats().refresh_requests, 2u);
}

TEST_P(DoubtTest, FamilyLostWithTheAnswerIsFoundOutByOneAttempt) {
  Start();
  const v1::Grant grant = SignInAndExpire();
  practice_->InjectFault({.kind = GetParam(), .after_processing = true});
  Answer<v1::RefreshResponse> token;
  EXPECT_TRUE(Eventually([&] {
    token = world_->Refresh(grant.grant_id());
    return token.status.code == grpc::StatusCode::FAILED_PRECONDITION;
  })) << token.status;
  EXPECT_EQ(token.status.reason, "NEEDS_REAUTH");
  EXPECT_EQ(world_->GetGrant(grant.grant_id()).state_reason(), "IN_DOUBT");
  EXPECT_EQ(practice_->Stats().refresh_requests, 2u);
}

TEST_P(DoubtTest, RetryIsFreeWhereTheTokenDoesNotRotate) {
  Start(DefaultProviders("none"));
  const v1::Grant grant = SignInAndExpire();
  practice_->SetTokenPolicy({practice::Rotation::kNone, 0s, 3600s});
  practice_->InjectFault({.kind = GetParam(), .after_processing = true});
  const auto token = world_->Refresh(grant.grant_id());
  EXPECT_TRUE(token.ok()) << token.status;
  EXPECT_EQ(world_->GetGrant(grant.grant_id()).state(), v1::GRANT_STATE_ACTIVE);
}

INSTANTIATE_TEST_SUITE_P(Faults, DoubtTest,
                         ::testing::Values(Fault::Kind::kServerError, Fault::Kind::kReset,
                                           Fault::Kind::kHang),
                         [](const auto& info) { return std::string(practice::FaultName(info.param)); });

TEST_P(RefreshTest, ThrottledProviderIsAskedAgainWhenItSays) {
  Start();
  const v1::Grant grant = SignInAndExpire();
  practice_->InjectFault({.kind = Fault::Kind::kTooManyRequests, .retry_after = 7s});
  const auto throttled = world_->Refresh(grant.grant_id());
  EXPECT_EQ(throttled.status.code, grpc::StatusCode::UNAVAILABLE) << throttled.status;
  ASSERT_TRUE(throttled.status.retry_after.has_value());
  EXPECT_GE(*throttled.status.retry_after, 6s);
  EXPECT_FALSE(world_->Refresh(grant.grant_id()).ok());
  EXPECT_EQ(practice_->Stats().refresh_requests, 1u);
  EXPECT_EQ(world_->GetGrant(grant.grant_id()).state(), v1::GRANT_STATE_ACTIVE);
}

TEST_P(RefreshTest, UnreachableProviderConsumesNothing) {
  Start();
  const v1::Grant grant = SignInAndExpire();
  practice_.reset();
  const auto token = world_->Refresh(grant.grant_id());
  EXPECT_EQ(token.status.code, grpc::StatusCode::UNAVAILABLE) << token.status;
  EXPECT_EQ(token.status.reason, "PROVIDER_UNREACHABLE");
  EXPECT_TRUE(token.status.retry_after.has_value());
  EXPECT_EQ(world_->GetGrant(grant.grant_id()).state(), v1::GRANT_STATE_ACTIVE) << world_->daemon().Output();
}

// --- Ahead of everybody

class RefreshAheadTest : public PracticeOverStores {
 protected:
  RefreshAheadTest() { configuration_.clear(); }
};

TEST_P(RefreshAheadTest, TokensAreRenewedWhileNobodyAsks) {
  Start();
  SetLifetime(4s);
  const v1::Grant grant = SignIn();
  EXPECT_TRUE(Eventually([&] { return practice_->Stats().refresh_requests >= 2; }));
  practice_->SetLatency(10s);  // what waits for the provider would take so long
  v1::RefreshRequest request = World::RefreshRequest(grant.grant_id());
  request.mutable_min_ttl()->set_nanos(100'000'000);
  const auto token = world_->caller().Refresh(request, 3s);
  ASSERT_TRUE(token.ok()) << token.status;
  EXPECT_GE(token->generation(), 2u);
  EXPECT_EQ(ResourceStatus(token->access_token()), 200);
  EXPECT_EQ(practice_->Stats().reuse_detections, 0u);
}

INSTANTIATE_TEST_SUITE_P(Stores, RefreshAheadTest, kStoreKinds, StoreKindName);
INSTANTIATE_TEST_SUITE_P(Stores, RefreshTest, kStoreKinds, StoreKindName);

}  // namespace
}  // namespace grantkeep::testing
