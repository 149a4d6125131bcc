// SPDX-License-Identifier: Apache-2.0
#include "refresh/grant_changes.h"

#include <gtest/gtest.h>

namespace grantkeep {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using storage::v1::Grant;

const Time kNow = FromMicros(1'800'000'000'000'000);
constexpr Duration kCallLimit = seconds(20);

config::v1::Provider WithRotation(config::v1::Rotation rotation, int grace_seconds = 0) {
  config::v1::Provider provider;
  provider.set_rotation(rotation);
  provider.mutable_rotation_grace()->set_seconds(grace_seconds);
  return provider;
}
const config::v1::Provider kStrict = WithRotation(config::v1::ROTATION_STRICT);
const config::v1::Provider kUnknown = WithRotation(config::v1::ROTATION_UNSPECIFIED);
const config::v1::Provider kGrace = WithRotation(config::v1::ROTATION_GRACE, 60);
const config::v1::Provider kNone = WithRotation(config::v1::ROTATION_NONE);
const config::v1::Provider kKeepsOld = WithRotation(config::v1::ROTATION_KEEPS_OLD);

Grant Expired() {
  Grant grant;
  grant.set_generation(1);
  grant.set_state(Grant::STATE_ACTIVE);
  grant.set_access_token("old-at");
  grant.set_refresh_token("old-rt");
  grant.set_issue_time_us(ToMicros(kNow - hours(1)));
  grant.set_expire_time_us(ToMicros(kNow - seconds(1)));
  return grant;
}

Grant WithIntent(Grant grant, Time first) {
  RecordIntent(grant, "somebody", kCallLimit, false, false, first);
  return grant;
}

TokenOutcome Outcome(TokenOutcome::Kind kind, std::string error = "") {
  TokenOutcome outcome;
  outcome.kind = kind;
  outcome.error = std::move(error);
  outcome.sent_time = kNow;
  return outcome;
}

TEST(MayPresent, TheFirstTimeAlways) {
  EXPECT_EQ(MayPresent(Expired(), kStrict, kCallLimit, false, kNow), Presentation::kAllowed);
}

TEST(MayPresent, AgainFreelyWhereTheOldTokenStaysGood) {
  const Grant grant = WithIntent(Expired(), kNow - hours(1));
  EXPECT_EQ(MayPresent(grant, kNone, kCallLimit, false, kNow), Presentation::kAllowed);
  EXPECT_EQ(MayPresent(grant, kKeepsOld, kCallLimit, false, kNow), Presentation::kAllowed);
}

TEST(MayPresent, InsideTheGraceCountedFromTheFirstIntentWithCallLimitAndMargin) {
  const Grant grant = WithIntent(Expired(), kNow);
  EXPECT_EQ(MayPresent(grant, kGrace, kCallLimit, false, kNow + seconds(37)), Presentation::kAllowed);
  EXPECT_EQ(MayPresent(grant, kGrace, kCallLimit, false, kNow + seconds(38)), Presentation::kLast);
  Grant repeated = grant;
  RecordIntent(repeated, "me", kCallLimit, false, false, kNow + seconds(30));
  EXPECT_EQ(repeated.intent().attempt(), 2u);
  EXPECT_EQ(MayPresent(repeated, kGrace, kCallLimit, false, kNow + seconds(38)), Presentation::kLast)
      << "a repeat must not start the grace anew";
}

TEST(MayPresent, AClockThatWentBackEndsTheGrace) {
  Grant grant = WithIntent(Expired(), kNow);
  grant.set_expire_time_us(ToMicros(kNow - hours(1)));
  EXPECT_EQ(MayPresent(grant, kGrace, kCallLimit, false, kNow - seconds(5)), Presentation::kLast);
}

TEST(MayPresent, StrictServesTheValidTokenFirstThenTriesOnceMore) {
  Grant grant = WithIntent(Expired(), kNow - hours(1));
  EXPECT_EQ(MayPresent(grant, kStrict, kCallLimit, false, kNow), Presentation::kLast);
  EXPECT_EQ(MayPresent(grant, kUnknown, kCallLimit, false, kNow), Presentation::kLast);
  grant.set_expire_time_us(ToMicros(kNow + seconds(1)));
  EXPECT_EQ(MayPresent(grant, kStrict, kCallLimit, false, kNow), Presentation::kNotWhileValid);
  EXPECT_EQ(MayPresent(grant, kStrict, kCallLimit, /*forced=*/true, kNow), Presentation::kLast);
  RecordIntent(grant, "me", kCallLimit, /*last_attempt=*/true, false, kNow);
  grant.set_expire_time_us(ToMicros(kNow - seconds(1)));
  EXPECT_EQ(MayPresent(grant, kStrict, kCallLimit, false, kNow), Presentation::kNever);
}

TEST(MayPresent, AnIntentOfAnOlderGenerationMeansNothing) {
  Grant grant = WithIntent(Expired(), kNow);
  grant.set_generation(2);
  EXPECT_EQ(MayPresent(grant, kStrict, kCallLimit, false, kNow), Presentation::kAllowed);
}

TEST(RecordFailure, NotSentAndRefusedConsumeNothing) {
  for (const auto kind : {TokenOutcome::Kind::kNotSent, TokenOutcome::Kind::kRefused}) {
    const Grant before = Expired();
    Grant grant = WithIntent(before, kNow);
    EXPECT_EQ(RecordFailure(grant, before, Outcome(kind), kStrict, 0.5, kNow), Grant::STATE_ACTIVE);
    EXPECT_FALSE(grant.has_intent());
    EXPECT_EQ(grant.refresh_token(), "old-rt");
    EXPECT_EQ(grant.not_before_us(), ToMicros(kNow + seconds(1)));
  }
}

TEST(RecordFailure, NotSentPutsTheEarlierIntentBack) {
  const Grant before = WithIntent(Expired(), kNow - hours(1));
  Grant grant = before;
  RecordIntent(grant, "me", kCallLimit, true, false, kNow);
  RecordFailure(grant, before, Outcome(TokenOutcome::Kind::kNotSent), kStrict, 0.5, kNow);
  EXPECT_EQ(grant.intent().attempt(), 1u);
  EXPECT_FALSE(grant.intent().last_attempt()) << "the last attempt was not spent";
}

TEST(RecordFailure, RetryAfterIsHonoured) {
  const Grant before = Expired();
  Grant grant = WithIntent(before, kNow);
  TokenOutcome throttled = Outcome(TokenOutcome::Kind::kRefused);
  throttled.retry_after = seconds(300);
  RecordFailure(grant, before, throttled, kStrict, 0.5, kNow);
  EXPECT_EQ(grant.not_before_us(), ToMicros(kNow + seconds(300)));
}

TEST(RecordFailure, BackoffDoublesToAMinute) {
  Grant grant = Expired();
  const Duration expected[] = {seconds(1),  seconds(2),  seconds(4),  seconds(8),
                               seconds(16), seconds(32), seconds(60), seconds(60)};
  for (const Duration wait : expected) {
    const Grant before = grant;
    RecordFailure(grant, before, Outcome(TokenOutcome::Kind::kNotSent), kNone, 0.5, kNow);
    EXPECT_EQ(grant.not_before_us(), ToMicros(kNow + wait));
  }
}

TEST(RecordFailure, InvalidGrantEndsTheGrantButKeepsItsTokens) {
  const Grant before = Expired();
  Grant grant = WithIntent(before, kNow);
  const auto dead = Outcome(TokenOutcome::Kind::kRefused, "invalid_grant");
  EXPECT_EQ(RecordFailure(grant, before, dead, kStrict, 0.5, kNow), Grant::STATE_NEEDS_REAUTH);
  EXPECT_EQ(grant.state_reason(), "INVALID_GRANT");
  EXPECT_EQ(grant.refresh_token(), "old-rt");
}

TEST(RecordFailure, InvalidGrantAfterALostAnswerSaysInDoubt) {
  const Grant before = WithIntent(Expired(), kNow - hours(1));
  Grant grant = before;
  RecordIntent(grant, "me", kCallLimit, true, false, kNow);
  const auto dead = Outcome(TokenOutcome::Kind::kRefused, "invalid_grant");
  RecordFailure(grant, before, dead, kStrict, 0.5, kNow);
  EXPECT_EQ(grant.state_reason(), "IN_DOUBT");
}

TEST(RecordFailure, ALostAnswerIsInDoubtOnlyWhereTheTokenMayBeConsumed) {
  for (const auto* provider : {&kStrict, &kUnknown, &kGrace}) {
    const Grant before = Expired();
    Grant grant = WithIntent(before, kNow);
    EXPECT_EQ(RecordFailure(grant, before, Outcome(TokenOutcome::Kind::kInDoubt), *provider, 0.5, kNow),
              Grant::STATE_IN_DOUBT);
    EXPECT_TRUE(grant.has_intent());
    EXPECT_EQ(grant.intent().end_time_us(), ToMicros(kNow)) << "the call is over";
  }
  const Grant before = Expired();
  Grant grant = WithIntent(before, kNow);
  EXPECT_EQ(RecordFailure(grant, before, Outcome(TokenOutcome::Kind::kInDoubt), kNone, 0.5, kNow),
            Grant::STATE_ACTIVE);
  EXPECT_FALSE(grant.has_intent());
}

TEST(RecordFailure, TheLastAttemptIsTheLast) {
  const Grant before = WithIntent(Expired(), kNow - hours(1));
  Grant grant = before;
  RecordIntent(grant, "me", kCallLimit, true, false, kNow);
  EXPECT_EQ(RecordFailure(grant, before, Outcome(TokenOutcome::Kind::kInDoubt), kStrict, 0.5, kNow),
            Grant::STATE_NEEDS_REAUTH);
  EXPECT_EQ(grant.state_reason(), "IN_DOUBT");
}

TokenOutcome Granted() {
  TokenOutcome outcome = Outcome(TokenOutcome::Kind::kGranted);
  outcome.tokens.access_token = Secret("new-at");
  outcome.tokens.token_type = "Bearer";
  outcome.tokens.refresh_token = Secret("new-rt");
  outcome.tokens.expires_in = seconds(3600);
  return outcome;
}

TEST(InstallTokens, ReplacesTheWholeSetAndEndsEveryDoubt) {
  Grant grant = WithIntent(Expired(), kNow);
  grant.set_state(Grant::STATE_IN_DOUBT);
  grant.set_failures(4);
  InstallTokens(grant, Granted(), kStrict, kNow + seconds(3));
  EXPECT_EQ(grant.generation(), 2u);
  EXPECT_EQ(grant.access_token(), "new-at");
  EXPECT_EQ(grant.refresh_token(), "new-rt");
  EXPECT_EQ(grant.expire_time_us(), ToMicros(kNow + seconds(3600)))
      << "counted from when the request was sent";
  EXPECT_EQ(grant.state(), Grant::STATE_ACTIVE);
  EXPECT_FALSE(grant.has_intent());
  EXPECT_EQ(grant.failures(), 0u);
}

TEST(InstallTokens, ALateSuccessOverridesNeedsReauth) {
  Grant grant = Expired();
  grant.set_state(Grant::STATE_NEEDS_REAUTH);
  InstallTokens(grant, Granted(), kStrict, kNow);
  EXPECT_EQ(grant.state(), Grant::STATE_ACTIVE);
}

TEST(InstallTokens, KeepsTheOldRefreshTokenWhenNoneComesBack) {
  Grant grant = Expired();
  TokenOutcome outcome = Granted();
  outcome.tokens.refresh_token.reset();
  InstallTokens(grant, outcome, kNone, kNow);
  EXPECT_EQ(grant.refresh_token(), "old-rt");
}

TEST(InstallTokens, WithoutExpiresInTheLifetimeIsTheConfiguredOneOrUnknown) {
  TokenOutcome outcome = Granted();
  outcome.tokens.expires_in.reset();
  Grant grant = Expired();
  InstallTokens(grant, outcome, kNone, kNow);
  EXPECT_EQ(grant.expire_time_us(), 0);
  config::v1::Provider with_default = kNone;
  with_default.mutable_default_lifetime()->set_seconds(60);
  InstallTokens(grant, outcome, with_default, kNow);
  EXPECT_EQ(grant.expire_time_us(), ToMicros(kNow + seconds(60)));
}

TEST(InstallTokens, ANewRefreshTokenIsKeptEvenIfTheRestIsUnusable) {
  Grant grant = Expired();
  TokenOutcome outcome = Granted();
  outcome.tokens.access_token = Secret();
  outcome.status = absl::UnavailableError("access_token is missing");
  InstallTokens(grant, outcome, kStrict, kNow);
  EXPECT_EQ(grant.refresh_token(), "new-rt");
  EXPECT_EQ(grant.access_token(), "old-at");
  EXPECT_EQ(grant.generation(), 2u);
  EXPECT_GT(grant.not_before_us(), ToMicros(kNow)) << "not hammered";
}

}  // namespace
}  // namespace grantkeep
