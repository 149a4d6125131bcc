// SPDX-License-Identifier: Apache-2.0
#include "refresh/freshness.h"

#include <gtest/gtest.h>

#include "base/reason.h"

namespace grantkeep {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using storage::v1::Grant;
using Kind = Decision::Kind;

const Time kIssued = FromMicros(1'800'000'000'000'000);

// A token of 100 s with a refresh token.
Grant HundredSeconds() {
  Grant grant;
  grant.set_provider("p");
  grant.set_generation(3);
  grant.set_state(Grant::STATE_ACTIVE);
  grant.set_access_token("at");
  grant.set_refresh_token("rt");
  grant.set_issue_time_us(ToMicros(kIssued));
  grant.set_expire_time_us(ToMicros(kIssued + seconds(100)));
  return grant;
}

RefreshRequest MinTtl(Duration min_ttl) {
  RefreshRequest request;
  request.min_ttl = min_ttl;
  return request;
}

Decision At(const Grant& grant, Duration age, Duration min_ttl = seconds(10)) {
  return Decide(grant, MinTtl(min_ttl), kIssued + age);
}

TEST(Decide, ServesAYoungTokenAndRenewsBehindTheAnswerAfterEightyPercent) {
  const Grant grant = HundredSeconds();
  EXPECT_EQ(At(grant, seconds(0)).kind, Kind::kServe);
  EXPECT_EQ(At(grant, seconds(79)).kind, Kind::kServe);
  EXPECT_EQ(At(grant, seconds(80)).kind, Kind::kServeAndRenew);
  EXPECT_EQ(At(grant, seconds(90)).kind, Kind::kServeAndRenew);
  EXPECT_EQ(At(grant, seconds(90)).freshness, Freshness::kFresh);
}

TEST(Decide, WaitsWhenTheTokenDoesNotOutliveMinTtl) {
  EXPECT_EQ(At(HundredSeconds(), seconds(91)).kind, Kind::kWait);
  EXPECT_EQ(At(HundredSeconds(), seconds(100)).kind, Kind::kWait);
  EXPECT_EQ(At(HundredSeconds(), hours(5)).kind, Kind::kWait);
}

TEST(Decide, ATokenInItsFirstHalfIsNeverRefreshedForMinTtl) {
  const Decision young = At(HundredSeconds(), seconds(49), hours(1));
  EXPECT_EQ(young.kind, Kind::kServe);
  EXPECT_EQ(young.freshness, Freshness::kBelowMinTtl);
  EXPECT_EQ(At(HundredSeconds(), seconds(51), hours(1)).kind, Kind::kWait);
}

TEST(Decide, AnUnknownLifetimeIsNeitherZeroNorRenewed) {
  Grant grant = HundredSeconds();
  grant.set_expire_time_us(0);
  const Decision decision = At(grant, hours(1000));
  EXPECT_EQ(decision.kind, Kind::kServe);
  EXPECT_EQ(decision.freshness, Freshness::kFresh);
}

TEST(Decide, WithoutARefreshTokenServesUntilExpiryThenAsksForASignIn) {
  Grant grant = HundredSeconds();
  grant.clear_refresh_token();
  EXPECT_EQ(At(grant, seconds(95)).kind, Kind::kServe);
  EXPECT_EQ(At(grant, seconds(95)).freshness, Freshness::kStaleOk);
  const Decision expired = At(grant, seconds(100));
  EXPECT_EQ(expired.kind, Kind::kRefuse);
  EXPECT_TRUE(HasReason(expired.status, Reason::kNeedsReauth));
}

TEST(Decide, AValidTokenIsServedWhileBackingOffAnExpiredOneNever) {
  Grant grant = HundredSeconds();
  grant.set_not_before_us(ToMicros(kIssued + seconds(110)));
  EXPECT_EQ(At(grant, seconds(85)).kind, Kind::kServe);
  EXPECT_EQ(At(grant, seconds(95)).kind, Kind::kServe);
  EXPECT_EQ(At(grant, seconds(95)).freshness, Freshness::kStaleOk);
  const Decision expired = At(grant, seconds(104));
  EXPECT_EQ(expired.kind, Kind::kRefuse);
  EXPECT_EQ(RetryAfterOf(expired.status), Duration(seconds(6)));
  EXPECT_EQ(At(grant, seconds(110)).kind, Kind::kWait);
}

TEST(Decide, InDoubtServesTheValidTokenAndKeepsItsAttemptForLater) {
  Grant grant = HundredSeconds();
  grant.set_state(Grant::STATE_IN_DOUBT);
  EXPECT_EQ(At(grant, seconds(85)).kind, Kind::kServe);
  EXPECT_EQ(At(grant, seconds(95)).kind, Kind::kServe);
  EXPECT_EQ(At(grant, seconds(100)).kind, Kind::kWait);
}

TEST(Decide, NeedsReauthServesWhatIsStillValidAndNothingAfter) {
  Grant grant = HundredSeconds();
  grant.set_state(Grant::STATE_NEEDS_REAUTH);
  grant.set_state_reason("INVALID_GRANT");
  EXPECT_EQ(At(grant, seconds(50)).kind, Kind::kServe);
  EXPECT_EQ(At(grant, seconds(100)).kind, Kind::kRefuse);
}

TEST(Decide, ARejectedGenerationForcesOneRefreshPerInterval) {
  Grant grant = HundredSeconds();
  RefreshRequest request;
  request.rejected_generation = {3};
  EXPECT_EQ(Decide(grant, request, kIssued).kind, Kind::kWait);

  grant.set_forced_time_us(ToMicros(kIssued));
  const Decision limited = Decide(grant, request, kIssued + seconds(29));
  EXPECT_EQ(limited.kind, Kind::kRefuse);
  EXPECT_EQ(RetryAfterOf(limited.status), Duration(seconds(1)));
  EXPECT_EQ(Decide(grant, request, kIssued + seconds(30)).kind, Kind::kWait);
}

TEST(Decide, AnOlderRejectedGenerationIsAnsweredWithTheNewestToken) {
  RefreshRequest request;
  request.rejected_generation = {2};
  EXPECT_EQ(Decide(HundredSeconds(), request, kIssued).kind, Kind::kServe);
}

TEST(Decide, AGenerationThatWasNeverIssuedIsAnError) {
  RefreshRequest request;
  request.rejected_generation = {4};
  const Decision decision = Decide(HundredSeconds(), request, kIssued);
  EXPECT_EQ(decision.kind, Kind::kRefuse);
  EXPECT_EQ(FieldOf(decision.status), "rejected_generation");
}

TEST(DecideAfterFlight, ServesAValidTokenWhateverHappenedAndAnExpiredOneNever) {
  const absl::Status failed = RetryableError(Reason::kProviderError, "down", seconds(1));
  const Decision stale =
      DecideAfterFlight(HundredSeconds(), MinTtl(seconds(10)), failed, kIssued + seconds(95));
  EXPECT_EQ(stale.kind, Kind::kServe);
  EXPECT_EQ(stale.freshness, Freshness::kStaleOk);
  const Decision expired =
      DecideAfterFlight(HundredSeconds(), MinTtl(seconds(10)), failed, kIssued + seconds(100));
  EXPECT_EQ(expired.kind, Kind::kRefuse);
  EXPECT_EQ(expired.status, failed);
}

TEST(DecideAfterFlight, DoesNotHandBackTheTokenThatTheApiRefused) {
  RefreshRequest request;
  request.rejected_generation = {3};
  const absl::Status failed = RetryableError(Reason::kProviderError, "down", seconds(1));
  EXPECT_EQ(DecideAfterFlight(HundredSeconds(), request, failed, kIssued).kind, Kind::kRefuse);
}

TEST(DecideAfterFlight, AnExpiredNewTokenIsNotServed) {
  const Decision decision =
      DecideAfterFlight(HundredSeconds(), MinTtl(seconds(10)), absl::OkStatus(), kIssued + seconds(101));
  EXPECT_EQ(decision.kind, Kind::kRefuse);
}

}  // namespace
}  // namespace grantkeep
