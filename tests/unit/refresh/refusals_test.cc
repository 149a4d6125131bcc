// SPDX-License-Identifier: Apache-2.0
#include "refresh/refusals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "tests/support/test_loop.h"
#include "tests/unit/refresh/refresher_fixture.h"

namespace grantkeep {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::v1::Grant;
using testing::kStrict;

class RefusalsTest : public ::testing::Test {
 protected:
  // Grants number `first` to `last` are granted tokens.
  void Granted(int first, int last) {
    for (int i = first; i <= last; ++i) refusals_.CountGranted(provider_, TenantId("t"), Id(i));
  }
  // They are refused; how many of these refusals are doubted.
  int Doubted(int first, int last) {
    int doubted = 0;
    for (int i = first; i <= last; ++i) doubted += refusals_.Doubt(provider_, TenantId("t"), Id(i)) ? 1 : 0;
    return doubted;
  }
  static GrantId Id(int number) { return GrantId("g" + std::to_string(number)); }

  const ProviderId provider_{"p"};
  testing::ManualClock clock_;
  Refusals refusals_{clock_};
};

TEST_F(RefusalsTest, AreBelievedWhileTheyAreFew) {
  Granted(1, 200);
  EXPECT_EQ(Doubted(201, 209), 0);
  EXPECT_FALSE(refusals_.Paused(provider_));
}

TEST_F(RefusalsTest, OfMoreThanOneGrantInTwentyAndAtLeastTenAreDoubted) {
  Granted(1, 189);
  EXPECT_EQ(Doubted(201, 209), 0);
  EXPECT_EQ(Doubted(210, 210), 1) << "10 of 199";
  EXPECT_TRUE(refusals_.Paused(provider_));
  EXPECT_EQ(Doubted(211, 220), 10);
}

TEST_F(RefusalsTest, OfExactlyOneGrantInTwentyAreBelieved) {
  Granted(1, 190);
  EXPECT_EQ(Doubted(201, 210), 0) << "10 of 200";
}

TEST_F(RefusalsTest, OfTenGrantsOfAFewAreBelieved) {
  Granted(1, 8);
  EXPECT_EQ(Doubted(9, 19), 0) << "11 of 19";
  EXPECT_EQ(Doubted(20, 20), 1) << "12 of 20";
}

TEST_F(RefusalsTest, OfFewGrantsThatRepeatThemselvesAreBelieved) {
  Granted(1, 30);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Doubted(31, 39), 0);
  EXPECT_FALSE(refusals_.Paused(provider_));
}

TEST_F(RefusalsTest, ThatCameLongerAgoThanTenMinutesDoNotCount) {
  Granted(1, 30);
  EXPECT_EQ(Doubted(31, 39), 0);
  clock_.Advance(minutes(10));
  Granted(1, 30);
  EXPECT_EQ(Doubted(41, 49), 0);
  EXPECT_FALSE(refusals_.Paused(provider_));
}

TEST_F(RefusalsTest, OfOneProviderSayNothingOfAnother) {
  Granted(1, 30);
  EXPECT_GT(Doubted(31, 50), 0);
  EXPECT_FALSE(refusals_.Paused(ProviderId("q")));
  EXPECT_FALSE(refusals_.Doubt(ProviderId("q"), TenantId("t"), Id(51)));
}

TEST_F(RefusalsTest, TheSameGrantIdOfTwoTenantsIsTwoGrants) {
  Granted(1, 30);
  for (int i = 1; i <= 9; ++i) EXPECT_FALSE(refusals_.Doubt(provider_, TenantId("u"), Id(i)));
  EXPECT_TRUE(refusals_.Doubt(provider_, TenantId("u"), Id(10)));
}

TEST_F(RefusalsTest, AreBelievedOfAGrantThatWasDoubtedForAnHour) {
  Granted(1, 30);
  Doubted(31, 49);
  ASSERT_EQ(Doubted(50, 50), 1);
  for (int minute = 0; minute < 59; ++minute) {
    clock_.Advance(minutes(1));
    EXPECT_EQ(Doubted(31, 50), 20) << minute;
  }
  clock_.Advance(minutes(1));
  EXPECT_EQ(Doubted(50, 50), 0);
}

TEST_F(RefusalsTest, ThePauseEndsWhenTheProviderGrantsAgain) {
  Granted(1, 200);
  EXPECT_GT(Doubted(201, 220), 0);
  Granted(201, 212);
  EXPECT_TRUE(refusals_.Paused(provider_)) << "8 of 220: it does not end and begin again with every answer";
  Granted(213, 218);
  EXPECT_FALSE(refusals_.Paused(provider_)) << "2 of 220";
}

TEST_F(RefusalsTest, ThePauseEndsByItselfWhenNobodyIsRefusedAnyMore) {
  Granted(1, 30);
  ASSERT_GT(Doubted(31, 50), 0);
  clock_.Advance(minutes(10));
  EXPECT_FALSE(refusals_.Paused(provider_));
}

TEST_F(RefusalsTest, APauseIsLoggedOnce) {
  ::testing::internal::CaptureStderr();
  Granted(1, 30);
  Doubted(31, 60);
  Doubted(31, 60);
  const std::string log = ::testing::internal::GetCapturedStderr();
  const size_t first = log.find("refuses the refresh tokens of many grants at once");
  EXPECT_NE(first, std::string::npos);
  EXPECT_EQ(log.find("refuses the refresh tokens", first + 1), std::string::npos);
}

// --- In the transaction

class MassRefusals : public testing::RefresherTest {
 protected:
  // Thirty grants that were granted tokens and expire again after a minute.
  void SetUp() override {
    Start(kStrict);
    for (int i = 0; i < 30; ++i) rooms_->PutGrant(Id(i), seconds(60));
    rooms_->clock.Advance(seconds(61));
    ProviderGrants(60);
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(Refresh(RequestFor(i)).ok());
    rooms_->clock.Advance(seconds(61));
  }
  static std::string Id(int i) { return "g" + std::to_string(i); }
  static RefreshRequest RequestFor(int i) {
    RefreshRequest request = Request();
    request.grant = GrantId(Id(i));
    return request;
  }
  void ProviderRefuses() { ProviderAnswers(400, R"({"error":"invalid_grant"})"); }
  size_t InState(Grant::State state) {
    size_t count = 0;
    for (int i = 0; i < 30; ++i) count += rooms_->LoadGrant(Id(i)).grant->state() == state ? 1 : 0;
    return count;
  }
};

TEST_F(MassRefusals, TheGrantsAreKeptAndServedAgainWhenTheProviderHasRecovered) {
  ProviderRefuses();
  for (int i = 0; i < 30; ++i) {
    const auto refused = Refresh(RequestFor(i));
    EXPECT_TRUE(HasReason(refused.status(), i < 9 ? Reason::kNeedsReauth : Reason::kProviderError)) << i;
    if (i >= 9) EXPECT_TRUE(RetryAfterOf(refused.status()).has_value());
  }
  EXPECT_EQ(InState(Grant::STATE_NEEDS_REAUTH), 9u) << "what was refused before it was too many";
  ProviderGrants();
  rooms_->clock.Advance(seconds(5));
  for (int i = 9; i < 30; ++i) {
    const auto token = Refresh(RequestFor(i));
    EXPECT_TRUE(token.ok()) << token.status();
  }
  EXPECT_EQ(InState(Grant::STATE_ACTIVE), 21u);
}

TEST_F(MassRefusals, AValidTokenIsServedAllAlong) {
  ProviderRefuses();
  for (int i = 0; i < 29; ++i) (void)Refresh(RequestFor(i));
  rooms_->PutGrant("valid", seconds(100));
  rooms_->clock.Advance(seconds(92));
  RefreshRequest request = Request();
  request.grant = GrantId("valid");
  const auto token = Refresh(request);
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->freshness, Freshness::kStaleOk);
  EXPECT_EQ(rooms_->LoadGrant("valid").grant->state(), Grant::STATE_ACTIVE);
}

TEST_F(MassRefusals, AfterAnHourAGrantsRefusalIsBelieved) {
  ProviderRefuses();
  for (int i = 0; i < 30; ++i) (void)Refresh(RequestFor(i));
  for (int minute = 0; minute < 66; ++minute) {
    rooms_->clock.Advance(seconds(75));
    for (int i = 0; i < 30; ++i) (void)Refresh(RequestFor(i));
    if (minute == 30) EXPECT_EQ(InState(Grant::STATE_NEEDS_REAUTH), 9u);
  }
  EXPECT_EQ(InState(Grant::STATE_NEEDS_REAUTH), 30u);
}

TEST_F(MassRefusals, ALastAttemptWaitsForTheirEnd) {
  rooms_->PutGrant("doubtful", seconds(10), [this](Grant& grant) {
    grant.set_state(Grant::STATE_IN_DOUBT);
    grant.mutable_intent()->set_generation(1);
    grant.mutable_intent()->set_attempt(1);
    grant.mutable_intent()->set_first_time_us(ToMicros(rooms_->clock.Now()));
  });
  rooms_->clock.Advance(seconds(11));
  ProviderRefuses();
  for (int i = 0; i < 20; ++i) (void)Refresh(RequestFor(i));
  const size_t requests = Requests();
  RefreshRequest request = Request();
  request.grant = GrantId("doubtful");
  EXPECT_TRUE(HasReason(Refresh(request).status(), Reason::kProviderError));
  EXPECT_EQ(Requests(), requests);
  rooms_->clock.Advance(minutes(10));
  ProviderGrants();
  EXPECT_TRUE(Refresh(request).ok());
}

}  // namespace
}  // namespace grantkeep
