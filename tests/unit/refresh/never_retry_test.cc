// SPDX-License-Identifier: Apache-2.0
// A provider at which a refresh token is never presented again while nobody knows how its last presentation
// ended (in_doubt: never_retry).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "refresh/grant_changes.h"
#include "refresh/schedule.h"
#include "tests/unit/refresh/refresher_fixture.h"

namespace grantkeep {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::v1::Grant;
using ::testing::HasSubstr;
using testing::Yaml;

const std::string kStrictNever = Yaml("strict\n    in_doubt: never_retry");
const std::string kGraceNever = Yaml("grace\n    rotation_grace: 60s\n    in_doubt: never_retry");

config::v1::Provider Never(config::v1::Rotation rotation) {
  config::v1::Provider provider;
  provider.set_rotation(rotation);
  provider.set_in_doubt(config::v1::IN_DOUBT_NEVER_RETRY);
  if (rotation == config::v1::ROTATION_GRACE) provider.mutable_rotation_grace()->set_seconds(60);
  return provider;
}

const Time kNow = FromMicros(1'800'000'000'000'000);

Grant Presented(Time expire) {
  Grant grant;
  grant.set_generation(1);
  grant.set_state(Grant::STATE_IN_DOUBT);
  grant.set_access_token("at");
  grant.set_refresh_token("rt");
  grant.set_issue_time_us(ToMicros(expire - hours(1)));
  grant.set_expire_time_us(ToMicros(expire));
  RecordIntent(grant, "somebody", seconds(20), false, false, kNow);
  return grant;
}

TEST(NeverRetry, NoRotationAllowsASecondPresentation) {
  for (const auto rotation :
       {config::v1::ROTATION_STRICT, config::v1::ROTATION_GRACE, config::v1::ROTATION_UNSPECIFIED}) {
    const auto provider = Never(rotation);
    const Grant valid = Presented(kNow + minutes(5));
    EXPECT_EQ(MayPresent(valid, provider, seconds(20), false, kNow), Presentation::kNotWhileValid);
    EXPECT_EQ(MayPresent(valid, provider, seconds(20), true, kNow), Presentation::kNever)
        << "the API refuses the token: it is not valid";
    EXPECT_EQ(MayPresent(Presented(kNow), provider, seconds(20), false, kNow), Presentation::kNever);
    Grant first = valid;
    first.clear_intent();
    EXPECT_EQ(MayPresent(first, provider, seconds(20), false, kNow), Presentation::kAllowed);
  }
}

TEST(NeverRetry, TheGrantIsDueWhenItsTokenExpiresWhateverTheRotation) {
  const Grant grant = Presented(kNow + minutes(5));
  EXPECT_EQ(DueTime(grant, Never(config::v1::ROTATION_GRACE), 0.5), kNow + minutes(5));
  EXPECT_EQ(DueTime(grant, Never(config::v1::ROTATION_STRICT), 0.5), kNow + minutes(5));
  auto prompt = Never(config::v1::ROTATION_GRACE);
  prompt.set_in_doubt(config::v1::IN_DOUBT_BY_ROTATION);
  EXPECT_EQ(DueTime(grant, prompt, 0.5), kNow + seconds(20)) << "the intent's end";
}

class NeverRetryTest : public testing::RefresherTest {};

TEST_F(NeverRetryTest, TheTokenIsServedWhileItIsValidAndThenTheUserSignsInAgainWithoutARequest) {
  for (const std::string& yaml : {kStrictNever, kGraceNever}) {
    Start(yaml);
    rooms_->PutGrant("g", seconds(100));
    ProviderLosesTheAnswer();
    rooms_->clock.Advance(seconds(92));
    const auto served = Refresh();
    ASSERT_TRUE(served.ok()) << served.status();
    EXPECT_EQ(served->freshness, Freshness::kStaleOk);
    EXPECT_EQ(rooms_->LoadGrant("g").grant->state(), Grant::STATE_IN_DOUBT);
    EXPECT_EQ(Requests(), 1u);

    ProviderGrants();
    rooms_->clock.Advance(seconds(10));
    const auto ended = Refresh();
    EXPECT_TRUE(HasReason(ended.status(), Reason::kNeedsReauth)) << ended.status();
    EXPECT_THAT(std::string(ended.status().message()), HasSubstr("IN_DOUBT"));
    EXPECT_EQ(Requests(), 1u) << "the token was never presented again";
    EXPECT_EQ(rooms_->LoadGrant("g").grant->state_reason(), "IN_DOUBT");
  }
}

TEST_F(NeverRetryTest, WithoutAValidTokenTheUserSignsInAgainAtOnce) {
  Start(kGraceNever);
  rooms_->PutGrant("g", seconds(60));
  ProviderLosesTheAnswer();
  rooms_->clock.Advance(seconds(61));
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kNeedsReauth));
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(NeverRetryTest, WhatWasCertainlyNotSentIsTriedAgain) {
  Start(kStrictNever);
  rooms_->PutGrant("g", seconds(60));
  rooms_->clock.Advance(seconds(61));
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kProviderUnreachable));
  ProviderGrants();
  rooms_->clock.Advance(seconds(5));
  EXPECT_TRUE(Refresh().ok());
}

TEST_F(NeverRetryTest, ATokenThatADeadProcessMayHavePresentedIsNotPresentedAgain) {
  Start(kGraceNever);
  rooms_->PutGrant("g", seconds(60), [&](Grant& grant) {
    grant.mutable_intent()->set_generation(1);
    grant.mutable_intent()->set_attempt(1);
    grant.mutable_intent()->set_owner("a process that is gone");
    grant.mutable_intent()->set_first_time_us(ToMicros(rooms_->clock.Now() + seconds(60)));
    grant.mutable_intent()->set_end_time_us(ToMicros(rooms_->clock.Now() + seconds(61)));
  });
  ProviderGrants();
  rooms_->clock.Advance(seconds(62));
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kNeedsReauth));
  EXPECT_EQ(Requests(), 0u);
}

}  // namespace
}  // namespace grantkeep
