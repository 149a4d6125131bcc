// SPDX-License-Identifier: Apache-2.0
// What is done with a grant that is due, and when grants are due.
#include "refresh/due_rules.h"

#include <gtest/gtest.h>

#include <set>

#include "refresh/due_queue.h"
#include "refresh/schedule.h"
#include "refresh/usage.h"

namespace grantkeep {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::v1::Grant;
using Do = DueStep::Kind;

const Time kNow = FromMicros(1'800'000'000'000'000);
constexpr Duration kDay = hours(24);

// Made `age` ago, with a token for an hour, and used just now.
Grant Made(Duration age) {
  Grant grant;
  grant.set_grant_id("g");
  grant.set_generation(1);
  grant.set_access_token("at");
  grant.set_refresh_token("rt");
  grant.set_state(Grant::STATE_ACTIVE);
  grant.set_create_time_us(ToMicros(kNow - age));
  grant.set_issue_time_us(ToMicros(kNow - age));
  grant.set_expire_time_us(ToMicros(kNow - age + hours(1)));
  grant.set_last_used_time_us(ToMicros(kNow));
  return grant;
}

config::v1::Provider With(config::v1::Rotation rotation) {
  config::v1::Provider provider;
  provider.set_rotation(rotation);
  return provider;
}
const config::v1::Provider kStrict = With(config::v1::ROTATION_STRICT);
const config::v1::Provider kNone = With(config::v1::ROTATION_NONE);

DueStep Step(const Grant& grant, const config::v1::Provider* provider = &kStrict,
             const RefreshOptions& options = {}) {
  return NextDueStep(grant, provider, options, 0.5, kNow);
}

TEST(Due, AGrantInUseIsRenewed) {
  EXPECT_EQ(Step(Made(minutes(36))).kind, Do::kRenew) << "after 60 % of its lifetime";
  const DueStep early = Step(Made(minutes(35)));
  EXPECT_EQ(early.kind, Do::kReschedule);
  EXPECT_EQ(early.due, kNow + minutes(7)) << "70 %, with this jitter";
}

TEST(Due, AGrantThatNobodyUsesIsLeftInPeace) {
  Grant grant = Made(8 * kDay);
  grant.set_last_used_time_us(ToMicros(kNow - 7 * kDay));
  EXPECT_EQ(Step(grant).kind, Do::kRenew);
  grant.set_last_used_time_us(ToMicros(kNow - 7 * kDay - seconds(1)));
  EXPECT_EQ(Step(grant).kind, Do::kReschedule);
  EXPECT_EQ(Step(grant).due, Time::max()) << "no entry";
  EXPECT_EQ(Step(grant, &kStrict, {.active_window = 8 * kDay}).kind, Do::kRenew);
}

TEST(Due, AGrantThatNobodyUsesIsKeptFromDyingOfInactivity) {
  config::v1::Provider provider = kStrict;
  provider.mutable_inactivity_limit()->set_seconds(int64_t{90} * 86400);
  Grant grant = Made(71 * kDay);
  grant.set_last_used_time_us(ToMicros(kNow - 71 * kDay));
  EXPECT_EQ(Step(grant, &provider).kind, Do::kReschedule);
  EXPECT_EQ(Step(grant, &provider).due, kNow + kDay) << "80 % of 90 days";
  grant.set_issue_time_us(ToMicros(kNow - 72 * kDay));
  EXPECT_EQ(Step(grant, &provider).kind, Do::kRenew);
}

TEST(Due, WithoutRefreshAheadAGrantIsOnlyKeptAliveAndRecovered) {
  const RefreshOptions options{.ahead = false};
  Grant grant = Made(minutes(50));
  EXPECT_EQ(Step(grant, &kStrict, options).kind, Do::kReschedule);
  grant.mutable_intent()->set_generation(1);
  grant.mutable_intent()->set_end_time_us(ToMicros(kNow));
  EXPECT_EQ(Step(grant, &kStrict, options).kind, Do::kRenew);
}

TEST(Due, AGrantThatBacksOffIsNotTriedBefore) {
  Grant grant = Made(minutes(55));
  grant.set_not_before_us(ToMicros(kNow + seconds(3)));
  EXPECT_EQ(Step(grant).kind, Do::kReschedule);
  EXPECT_EQ(Step(grant).due, kNow + seconds(3));
}

TEST(Due, AnIntentWhoseOwnerIsGoneIsRecoveredWhenItsTimeIsOver) {
  Grant grant = Made(minutes(1));
  grant.set_last_used_time_us(ToMicros(kNow - 30 * kDay));
  grant.mutable_intent()->set_generation(1);
  grant.mutable_intent()->set_end_time_us(ToMicros(kNow + seconds(1)));
  EXPECT_EQ(Step(grant).kind, Do::kLeave);
  grant.mutable_intent()->set_end_time_us(ToMicros(kNow));
  EXPECT_EQ(Step(grant).kind, Do::kRenew) << "whoever uses it or not";
}

TEST(Due, InDoubtIsRetriedWhenItsRulesAllow) {
  Grant grant = Made(minutes(59));
  grant.set_state(Grant::STATE_IN_DOUBT);
  grant.mutable_intent()->set_generation(1);
  EXPECT_EQ(Step(grant, &kStrict).kind, Do::kReschedule);
  EXPECT_EQ(Step(grant, &kStrict).due, kNow + minutes(1)) << "when the access token has expired";
  EXPECT_EQ(Step(grant, &kNone).kind, Do::kRenew);
}

TEST(Due, ARefreshTokenThatNeedsASignInIsForgottenAfterSevenDays) {
  Grant grant = Made(20 * kDay);
  grant.set_state(Grant::STATE_NEEDS_REAUTH);
  grant.set_state_time_us(ToMicros(kNow - 7 * kDay + seconds(1)));
  EXPECT_EQ(Step(grant, nullptr).kind, Do::kReschedule);
  EXPECT_EQ(Step(grant, nullptr).due, kNow + seconds(1));
  grant.set_state_time_us(ToMicros(kNow - 7 * kDay));
  EXPECT_EQ(Step(grant, nullptr).kind, Do::kForget);
  grant.set_state_time_us(0);
  EXPECT_EQ(Step(grant, nullptr).due, Time::max()) << "nobody knows since when";
  EXPECT_EQ(Step(grant, nullptr).kind, Do::kReschedule);
}

TEST(Due, ATombstoneHasAnOutbox) {
  Grant grant = Made(minutes(1));
  grant.set_state(Grant::STATE_REVOKED);
  EXPECT_EQ(Step(grant, nullptr).kind, Do::kRevoke);
}

TEST(Due, AGrantWithoutRefreshTokenIsNotLookedAtAgain) {
  Grant grant = Made(minutes(50));
  grant.clear_refresh_token();
  EXPECT_EQ(Step(grant).kind, Do::kReschedule);
  EXPECT_EQ(Step(grant).due, Time::max());
}

TEST(Due, AGrantOfAServerThatIsNotConfiguredIsLookedAtAgainInAWhile) {
  EXPECT_EQ(Step(Made(minutes(50)), nullptr).kind, Do::kReschedule);
  EXPECT_EQ(Step(Made(minutes(50)), nullptr).due, kNow + hours(1));
}

TEST(Schedule, GrantsThatWereMadeTogetherAreNotRenewedTogether) {
  const Grant grant = Made(Duration(0));
  EXPECT_EQ(RenewAheadTime(grant, 0), kNow + minutes(36));
  EXPECT_EQ(RenewAheadTime(grant, 0.5), kNow + minutes(42));
  EXPECT_EQ(RenewAheadTime(grant, 1), kNow + minutes(48));
}

TEST(Schedule, AShortLivedTokenIsRenewedBeforeCallersWantAnother) {
  Grant grant = Made(Duration(0));
  grant.set_expire_time_us(ToMicros(kNow + seconds(60)));
  EXPECT_EQ(RenewAheadTime(grant, 0), kNow + seconds(36));
  EXPECT_EQ(RenewAheadTime(grant, 1), kNow + seconds(45)) << "callers want it to be good for 10 s";
  grant.set_expire_time_us(ToMicros(kNow + seconds(20)));
  EXPECT_EQ(RenewAheadTime(grant, 1), kNow + seconds(12));
}

TEST(Use, IsWrittenAboutOnceAnHour) {
  Grant grant = Made(hours(5));
  const auto worth = [&](Duration unwritten, Duration window) {
    grant.set_last_used_time_us(ToMicros(kNow - unwritten));
    return UseIsWorthWriting(grant, window, kNow);
  };
  EXPECT_FALSE(worth(minutes(44), 7 * kDay));
  EXPECT_TRUE(worth(minutes(60), 7 * kDay));
  EXPECT_FALSE(worth(seconds(10), minutes(1)));
  EXPECT_TRUE(worth(seconds(15), minutes(1))) << "a quarter of a short window";
  grant.set_state(Grant::STATE_NEEDS_REAUTH);
  EXPECT_FALSE(worth(minutes(60), 7 * kDay)) << "there is nothing to renew";
}

TEST(Use, IsWrittenAtDifferentTimesOfDifferentGrants) {
  std::set<bool> answers;
  Grant grant = Made(hours(5));
  grant.set_last_used_time_us(ToMicros(kNow - minutes(52)));
  for (int i = 0; i < 50; ++i) {
    grant.set_grant_id("grant-" + std::to_string(i));
    answers.insert(UseIsWorthWriting(grant, 7 * kDay, kNow));
  }
  EXPECT_EQ(answers.size(), 2u);
}

DueRenewal Renewal(const std::string& id, seconds expiry, Tick claim_end = Tick::max()) {
  return {Grants::KeyOf(TenantId("t"), GrantId(id)), kNow + expiry, claim_end};
}

TEST(DueQueueOf, AProviderBeginsWithTheTokenThatExpiresFirst) {
  DueQueue queue(10);
  const ProviderId p("p");
  for (const int expiry : {3, 1, 2}) queue.Push(p, Renewal(std::to_string(expiry), seconds(expiry)));
  for (const int expiry : {1, 2, 3}) EXPECT_EQ(queue.Pop(p)->expiry, kNow + seconds(expiry));
  EXPECT_FALSE(queue.Pop(p).has_value());
}

TEST(DueQueueOf, AProviderThatDoesNotAnswerTakesNoRoomThatAnotherNeeds) {
  DueQueue queue(10);
  const ProviderId broken("broken");
  const ProviderId good("good");
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(queue.Push(broken, Renewal("b" + std::to_string(i), seconds(i))));
  for (int i = 0; i < 5; ++i) {
    const auto lost = queue.Push(good, Renewal("g" + std::to_string(i), seconds(100)));
    ASSERT_TRUE(lost.has_value());
    EXPECT_EQ(lost->expiry, kNow + seconds(9 - i)) << "the one of the broken that expires last";
  }
  EXPECT_EQ(queue.size(good), 5u);
  EXPECT_EQ(queue.size(broken), 5u);
}

TEST(DueQueueOf, WhatCanBeClaimedByOthersIsDropped) {
  DueQueue queue(10);
  const Tick now{hours(1)};
  queue.Push(ProviderId("p"), Renewal("a", seconds(1), now));
  queue.Push(ProviderId("p"), Renewal("b", seconds(2), now + seconds(1)));
  const auto lapsed = queue.DropLapsed(ProviderId("p"), now);
  ASSERT_EQ(lapsed.size(), 1u);
  EXPECT_EQ(lapsed.front().key.id, "a");
  EXPECT_EQ(queue.size(), 1u);
}

}  // namespace
}  // namespace grantkeep
