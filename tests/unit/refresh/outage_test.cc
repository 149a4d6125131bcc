// SPDX-License-Identifier: Apache-2.0
// What is served while the store cannot be asked, and after it has failed over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "tests/unit/refresh/refresher_fixture.h"

namespace grantkeep {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::v1::Grant;
using testing::kStrict;
using Result = absl::StatusOr<AccessToken>;

class RefreshInAnOutage : public testing::RefresherTest {
 protected:
  void Start(const RefreshOptions& options = {}) {
    RefresherTest::Start(kStrict);
    refresher_ = std::make_unique<Refresher>(*rooms_->grants, *rooms_->store, *rooms_->catalogue,
                                             rooms_->clock, rooms_->random, rooms_->loop.context(), options);
    ProviderGrants();
  }
  // The store does not answer, and from now on nothing is provably the newest.
  void StoreGoesAway() {
    rooms_->store->failure = Error(Reason::kStoreUnavailable, "away");
    rooms_->store->current_until = rooms_->clock.Steady();
  }
  void StoreComesBack() {
    rooms_->store->failure.reset();
    rooms_->store->current_until.reset();
    ++rooms_->store->current_epoch;
  }
  absl::StatusOr<SeenGrant> Get(const std::string& subject = "u") {
    return rooms_->loop.Run(refresher_->Get(TenantId("t"), SubjectId(subject), GrantId("g"),
                                            rooms_->clock.Steady() + seconds(30)));
  }
};

TEST_F(RefreshInAnOutage, AValidTokenIsServedUnverifiedForAsLongAsIsAllowed) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  StoreGoesAway();
  EXPECT_FALSE(refresher_->FromMemory(Request()).has_value()) << "the store is asked first";
  for (const Duration passed : {Duration(0), Duration(minutes(5))}) {
    rooms_->clock.Advance(passed);
    const Result token = Refresh();
    ASSERT_TRUE(token.ok()) << token.status();
    EXPECT_EQ(token->token.Expose(), "at-1");
    EXPECT_EQ(token->freshness, Freshness::kUnverified);
  }
  rooms_->clock.Advance(milliseconds(1));
  const Result late = Refresh();
  EXPECT_TRUE(HasReason(late.status(), Reason::kStoreUnavailable)) << late.status();
  EXPECT_TRUE(RetryAfterOf(late.status()).has_value());
  StoreComesBack();
  EXPECT_EQ(Refresh()->freshness, Freshness::kFresh);
  EXPECT_EQ((*refresher_->FromMemory(Request()))->freshness, Freshness::kFresh);
}

TEST_F(RefreshInAnOutage, TheBoundIsConfigured) {
  Start({.outage_serve = seconds(10)});
  rooms_->PutGrant("g", minutes(60));
  StoreGoesAway();
  rooms_->clock.Advance(seconds(10));
  EXPECT_EQ(Refresh()->freshness, Freshness::kUnverified);
  rooms_->clock.Advance(seconds(1));
  EXPECT_FALSE(Refresh().ok());
}

TEST_F(RefreshInAnOutage, NothingIsServedUnverifiedWhenThatIsNotAllowed) {
  Start({.outage_serve = Duration(0)});
  rooms_->PutGrant("g", minutes(60));
  StoreGoesAway();
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kStoreUnavailable));
  EXPECT_TRUE(HasReason(Get().status(), Reason::kStoreUnavailable));
}

TEST_F(RefreshInAnOutage, ATokenThatWasReadInAnEpochOfUnknownEndIsNotServed) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  StoreGoesAway();
  rooms_->store->current_epoch = 2;
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kStoreUnavailable));
}

TEST_F(RefreshInAnOutage, WhatIsKnownToBeRevokedIsNeverServed) {
  Start();
  rooms_->PutGrant("g", minutes(60), [](Grant& grant) { grant.set_state(Grant::STATE_REVOKED); });
  StoreGoesAway();
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kGrantNotFound));
  EXPECT_EQ(Get()->stored.grant->state(), Grant::STATE_REVOKED);
  rooms_->clock.Advance(minutes(30));
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kGrantNotFound));
}

TEST_F(RefreshInAnOutage, AnotherSubjectsGrantIsNotServedEither) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  StoreGoesAway();
  RefreshRequest other = Request();
  other.subject = SubjectId("somebody else");
  EXPECT_TRUE(HasReason(Refresh(other).status(), Reason::kGrantNotFound));
  EXPECT_TRUE(HasReason(Get("somebody else").status(), Reason::kGrantNotFound));
}

TEST_F(RefreshInAnOutage, AnExpiredTokenIsNeverServed) {
  Start();
  rooms_->PutGrant("g", seconds(60));
  rooms_->clock.Advance(seconds(60));
  StoreGoesAway();
  const Result token = Refresh();
  EXPECT_TRUE(HasReason(token.status(), Reason::kStoreUnavailable)) << token.status();
  EXPECT_TRUE(RetryAfterOf(token.status()).has_value());
  EXPECT_EQ(Requests(), 0u);
}

TEST_F(RefreshInAnOutage, NoFlightIsStartedForATokenInsideItsWindow) {
  Start();
  rooms_->PutGrant("g", seconds(100));
  rooms_->clock.Advance(seconds(85));
  StoreGoesAway();
  const int commits = rooms_->store->commits;
  EXPECT_EQ(Refresh(Request(seconds(60)))->freshness, Freshness::kUnverified);
  rooms_->store->failure.reset();  // a flight could go on now
  rooms_->loop.RunReady();
  EXPECT_EQ(rooms_->store->commits, commits);
  EXPECT_EQ(Requests(), 0u);
}

TEST_F(RefreshInAnOutage, ATokenThatTheApiRefusesIsNotServed) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  StoreGoesAway();
  RefreshRequest rejected = Request();
  for (const uint64_t generation : {1, 2}) {
    rejected.rejected_generation = {generation};
    EXPECT_TRUE(HasReason(Refresh(rejected).status(), Reason::kStoreUnavailable)) << generation;
  }
}

TEST_F(RefreshInAnOutage, AGrantIsShownAndSaysThatItIsUnverified) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  EXPECT_FALSE(Get()->unverified);
  StoreGoesAway();
  const auto seen = Get();
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_TRUE(seen->unverified);
  EXPECT_EQ(seen->stored.grant->grant_id(), "g");
}

TEST_F(RefreshInAnOutage, AStoreThatHangsIsNotWaitedForWhenThereIsAToken) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  rooms_->store->current_until = rooms_->clock.Steady();
  rooms_->store->before_get = [this]() -> boost::asio::awaitable<void> {
    co_await rooms_->clock.SleepUntil(rooms_->clock.Steady() + milliseconds(500));
    rooms_->store->failure = Error(Reason::kDeadline, "no answer");
  };
  const auto token = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(), Request()));
  rooms_->loop.RunReady();
  rooms_->clock.Advance(milliseconds(500));
  rooms_->loop.RunUntil([&] { return token->has_value(); });
  EXPECT_EQ((**token)->freshness, Freshness::kUnverified);
}

TEST_F(RefreshInAnOutage, ADamagedRecordIsNotPaperedOver) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  StoreGoesAway();
  rooms_->store->failure = Error(Reason::kStoreCorrupt, "damaged");
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kStoreCorrupt));
}

class RefreshAfterAFailover : public RefreshInAnOutage {
 protected:
  void StoreFailsOver() {
    ++rooms_->store->current_epoch;
    rooms_->store->hold_until = rooms_->clock.Steady() + seconds(5);
  }
};

TEST_F(RefreshAfterAFailover, NobodyPresentsATokenBeforeTheHoldHasPassed) {
  Start();
  rooms_->PutGrant("g", seconds(60));
  rooms_->clock.Advance(seconds(61));
  StoreFailsOver();
  const int commits = rooms_->store->commits;
  const auto token = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(), Request()));
  rooms_->loop.RunUntil([&] { return rooms_->clock.sleepers() >= 2; });  // the hold, the deadline
  rooms_->clock.Advance(milliseconds(4999));
  rooms_->loop.RunReady();
  EXPECT_EQ(rooms_->store->commits, commits) << "nor writes an intent";
  rooms_->clock.Advance(milliseconds(1));
  rooms_->loop.RunUntil([&] { return token->has_value(); });
  ASSERT_TRUE((*token)->ok()) << (*token)->status();
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(RefreshAfterAFailover, WhatSomebodyHasPutBackDuringTheHoldIsTheNewest) {
  Start();
  rooms_->PutGrant("g", seconds(60));
  rooms_->clock.Advance(seconds(61));
  StoreFailsOver();
  const auto token = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(), Request()));
  rooms_->loop.RunUntil([&] { return rooms_->clock.sleepers() >= 2; });
  // Another process, which remembers a later revision.
  rooms_->sqlite->OnChange(nullptr);
  Grants elsewhere(*rooms_->store, *rooms_->records, *rooms_->changes, rooms_->clock);
  Wiped<Grant> next = rooms_->LoadGrant("g").grant.Clone();
  next->set_generation(2);
  next->set_access_token("at-elsewhere");
  next->set_expire_time_us(ToMicros(rooms_->clock.Now() + minutes(60)));
  ASSERT_TRUE(
      rooms_->loop
          .Run(elsewhere.Commit(TenantId("t"), std::move(next), 1, {}, rooms_->clock.Steady() + seconds(5)))
          .ok());
  rooms_->clock.Advance(seconds(5));
  rooms_->loop.RunUntil([&] { return token->has_value(); });
  ASSERT_TRUE((*token)->ok()) << (*token)->status();
  EXPECT_EQ((**token)->token.Expose(), "at-elsewhere");
  EXPECT_EQ(Requests(), 0u);
}

TEST_F(RefreshAfterAFailover, AHoldThatIsExtendedIsWaitedOut) {
  Start();
  rooms_->PutGrant("g", seconds(60));
  rooms_->clock.Advance(seconds(61));
  StoreFailsOver();
  const auto token = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(), Request()));
  rooms_->loop.RunUntil([&] { return rooms_->clock.sleepers() >= 2; });
  StoreFailsOver();
  rooms_->store->hold_until += seconds(3);
  rooms_->clock.Advance(seconds(7));
  for (int i = 0; i < 10; ++i) rooms_->loop.RunReady();
  EXPECT_EQ(Requests(), 0u);
  rooms_->clock.Advance(seconds(1));
  rooms_->loop.RunUntil([&] { return token->has_value(); });
  EXPECT_TRUE((*token)->ok());
}

TEST_F(RefreshAfterAFailover, WhoHasAValidTokenIsServedAtOnce) {
  Start();
  rooms_->PutGrant("g", seconds(100));
  rooms_->clock.Advance(seconds(95));
  StoreFailsOver();
  const Result token = Refresh(Request(seconds(10)));  // shorter than asked for
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->token.Expose(), "at-1");
  EXPECT_EQ(token->freshness, Freshness::kStaleOk);
  EXPECT_EQ(Requests(), 0u);
  // And a flight goes on behind the answer.
  AdvanceUntil([&] { return Requests() == 1; });
}

}  // namespace
}  // namespace grantkeep
