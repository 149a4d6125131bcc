// SPDX-License-Identifier: Apache-2.0
// Work that nobody asks for: what is renewed, by whom and when.
#include "refresh/due_work.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "tests/unit/refresh/due_work_fixture.h"

namespace grantkeep {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::v1::Grant;
using ::testing::IsEmpty;
using testing::kNone;
using testing::kStrict;
using testing::Yaml;

constexpr Duration kDay = hours(24);

class DueWorkOn : public testing::DueWorkTest {};

TEST_F(DueWorkOn, AGrantIsRenewedBeforeAnybodyWaitsForIt) {
  Start(kStrict);
  due_work_->Start();
  lifetime_ = seconds(60);
  Keep("g", seconds(60));
  for (int second = 0; second < 300; ++second) {
    Pass(seconds(1));
    const auto token = refresher_->FromMemory(Request());
    ASSERT_TRUE(token.has_value()) << "after " << second << " s";
    ASSERT_EQ((*token)->freshness, Freshness::kFresh);
  }
  EXPECT_GE(asked_.size(), 5u);
  EXPECT_LE(asked_.size(), 8u);
}

TEST_F(DueWorkOn, AFleetThatWasProvisionedInOneSecondIsNotRefreshedInOneSecond) {
  Start(kStrict);
  for (int i = 0; i < 200; ++i) Keep("g" + std::to_string(i), hours(1));
  due_work_->Start();
  Leap(minutes(36) - seconds(10));
  Pass(minutes(12) + seconds(20));
  EXPECT_EQ(asked_.size(), 200u);
  EXPECT_LE(MostInASecond(), 12u);
  EXPECT_GT(asked_.back() - asked_.front(), minutes(10));
}

TEST_F(DueWorkOn, TwoReplicasDoNotBothRenew) {
  Start(kStrict);
  Grants other_grants(*rooms_->store, *rooms_->records, *rooms_->changes, rooms_->clock);
  Refresher other(other_grants, *rooms_->store, *rooms_->catalogue, rooms_->clock, rooms_->random,
                  rooms_->loop.context());
  const auto other_work = Work(other_grants, other);
  for (int i = 0; i < 50; ++i) Keep("g" + std::to_string(i), hours(1));
  Leap(minutes(50));
  due_work_->Start();
  other_work->Start();
  Pass(seconds(30));
  EXPECT_EQ(asked_.size(), 50u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(GenerationOf("g" + std::to_string(i)), 2u);
  rooms_->loop.Stop();
}

TEST_F(DueWorkOn, TheWorkOfAClaimerThatDiesIsDoneByAnother) {
  Start(kStrict);
  Keep("g", hours(1));
  Leap(minutes(50));
  EXPECT_EQ(Claim(DueWork::kClaim).size(), 1u);
  due_work_->Start();
  Pass(DueWork::kClaim - seconds(1));
  EXPECT_THAT(asked_, IsEmpty());
  Pass(seconds(1) + kRound);
  EXPECT_EQ(asked_.size(), 1u);
}

TEST_F(DueWorkOn, WhatADeadReplicaHasBegunIsRecovered) {
  Start(kNone);
  Keep("g", hours(1), [&](Grant& grant) {
    grant.mutable_intent()->set_generation(1);
    grant.mutable_intent()->set_owner("dead");
    grant.mutable_intent()->set_end_time_us(ToMicros(rooms_->clock.Now() + seconds(20)));
  });
  SetDueOf(Grants::KeyOf(TenantId("t"), GrantId("g")), rooms_->clock.Now() + seconds(20));
  due_work_->Start();
  Pass(seconds(20));
  EXPECT_THAT(asked_, IsEmpty()) << "its request may still be under way";
  Pass(kRound);
  EXPECT_EQ(asked_.size(), 1u);
  EXPECT_FALSE(rooms_->LoadGrant("g").grant->has_intent());
}

TEST_F(DueWorkOn, AGrantThatNobodyUsesIsNotRenewedUntilItIsUsedAgain) {
  Start(kStrict);
  Keep("g", hours(1));
  due_work_->Start();
  Leap(8 * kDay);
  Pass(2 * kRound);
  EXPECT_THAT(asked_, IsEmpty());
  Leap(kDay);
  EXPECT_THAT(Claim(), IsEmpty()) << "it is not even looked at";
  lifetime_ = seconds(600);
  ASSERT_TRUE(Refresh().ok());
  Settle();
  EXPECT_EQ(asked_.size(), 1u) << "the token had expired";
  EXPECT_EQ(rooms_->LoadGrant("g").grant->last_used_time_us(), ToMicros(rooms_->clock.Now()));
  Leap(seconds(480));
  Pass(2 * kRound);
  EXPECT_EQ(asked_.size(), 2u);
}

TEST_F(DueWorkOn, AUseIsWrittenOnceAnHourAndNotWhileARequestIsUnderWay) {
  Start(kStrict);
  Keep("g", 10 * kDay);
  const int before = rooms_->store->commits;
  for (int minute = 0; minute < 180; ++minute) {
    Leap(minutes(1));
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(refresher_->FromMemory(Request()).has_value());
    Settle();
  }
  EXPECT_GE(rooms_->store->commits - before, 3);
  EXPECT_LE(rooms_->store->commits - before, 4);

  StoredGrant stored = rooms_->LoadGrant("g");
  stored.grant->mutable_intent()->set_end_time_us(ToMicros(rooms_->clock.Now() + hours(5)));
  ASSERT_TRUE(
      rooms_->loop
          .Run(rooms_->grants->Commit(TenantId("t"), std::move(stored.grant), stored.revision, {}, Soon()))
          .ok());
  const int now = rooms_->store->commits;
  Leap(hours(2));
  ASSERT_TRUE(refresher_->FromMemory(Request()).has_value());
  Settle();
  EXPECT_EQ(rooms_->store->commits, now);
}

TEST_F(DueWorkOn, AGrantIsKeptFromDyingOfInactivity) {
  Start(Yaml("strict\n    inactivity_limit: 8640000s"));
  Keep("g", hours(1));
  due_work_->Start();
  Leap(8 * kDay);
  Pass(2 * kRound);
  EXPECT_THAT(asked_, IsEmpty());
  Leap(72 * kDay);
  Pass(2 * kRound);
  EXPECT_EQ(asked_.size(), 1u) << "after 80 of 100 days";
  Leap(kDay);
  Pass(2 * kRound);
  EXPECT_EQ(asked_.size(), 1u) << "and not again";
}

TEST_F(DueWorkOn, ARefreshTokenThatIsOfNoUseIsForgottenAfterSevenDays) {
  Start(kStrict);
  Keep("g", hours(1), [&](Grant& grant) {
    grant.set_state(Grant::STATE_NEEDS_REAUTH);
    grant.set_state_reason("INVALID_GRANT");
    grant.set_state_time_us(ToMicros(rooms_->clock.Now()));
  });
  due_work_->Start();
  Leap(7 * kDay - seconds(30));
  Pass(seconds(20));
  EXPECT_EQ(rooms_->LoadGrant("g").grant->refresh_token(), "rt-1");
  Pass(seconds(10) + 2 * kRound);
  EXPECT_EQ(rooms_->LoadGrant("g").grant->refresh_token(), "");
  EXPECT_EQ(rooms_->LoadGrant("g").grant->state(), Grant::STATE_NEEDS_REAUTH);
  Leap(kDay);
  EXPECT_THAT(Claim(), IsEmpty());
}

TEST_F(DueWorkOn, EntriesOfRecordsThatAreGoneOrOfAnotherKindAreTakenOut) {
  Start(kStrict);
  SetDueOf(Grants::KeyOf(TenantId("t"), GrantId("gone")), rooms_->clock.Now());
  SetDueOf(Key::Of(Kind::kFlow, TenantId("t"), "flow"), rooms_->clock.Now());
  due_work_->Start();
  Pass(2 * kRound);
  Leap(hours(1));
  EXPECT_THAT(Claim(), IsEmpty());
}

TEST_F(DueWorkOn, ATombstoneIsWorkedOnByWhoeverRevokes) {
  std::vector<std::string> revoked;
  const auto revoke = [&](TenantId, StoredGrant tombstone) -> boost::asio::awaitable<void> {
    revoked.push_back(tombstone.grant->grant_id());
    co_return;
  };
  Start(kStrict, {}, revoke);
  Keep("g", hours(1), [&](Grant& grant) {
    grant.set_state(Grant::STATE_REVOKED);
    grant.mutable_outbox()->set_not_before_us(ToMicros(rooms_->clock.Now()));
    grant.mutable_outbox()->add_tokens()->set_refresh_token("rt-1");
  });
  due_work_->Start();
  Pass(kRound + seconds(1));
  EXPECT_EQ(revoked, std::vector<std::string>{"g"}) << "and not again while it is claimed";
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(DueWorkOn, AnEntryThatAnotherReplicaHasMovedMeanwhileIsLeftAlone) {
  Start(kStrict);
  Keep("g", hours(1));
  const Time theirs = rooms_->clock.Now() + 9 * kDay;
  due_work_->Start();
  Leap(8 * kDay);
  // Before it is put aside as idle, somebody else writes it.
  rooms_->store->before_next_commit = [&]() -> boost::asio::awaitable<void> {
    auto loaded = co_await rooms_->grants->Load(TenantId("t"), GrantId("g"), Soon());
    StoredGrant stored = std::move(**loaded);
    Wiped<Grant> grant = std::move(stored.grant);
    std::vector<Write> also;
    also.push_back(DueAt(Grants::KeyOf(TenantId("t"), GrantId("g")), theirs));
    const auto commit = co_await rooms_->grants->Commit(TenantId("t"), std::move(grant), stored.revision,
                                                        std::move(also), Soon());
    EXPECT_TRUE(commit.ok());
  };
  Pass(2 * kRound);
  due_work_->Stop();
  Leap(2 * kDay);
  EXPECT_EQ(Claim()["g"], theirs);
}

TEST_F(DueWorkOn, OneProvidersGrantsAreNotKeptWaitingByAnothers) {
  std::string two = Yaml("strict\n    request_budget: {per_second: 1, concurrent: 1}");
  std::string second = two.substr(two.find("  - id: p"));
  second.replace(second.find("id: p"), 5, "id: q");
  second.erase(second.find("    request_budget"),
               std::string("    request_budget: {per_second: 1, concurrent: 1}\n").size());
  for (size_t at = 0; (at = second.find("as.example", at)) != std::string::npos; at += 10)
    second.replace(at, 10, "q.example");
  Start(two + second);
  const auto at_q = [](Grant& grant) {
    grant.set_provider("q");
    grant.set_token_endpoint("https://q.example/token");
  };
  // More of the slow one's than can be in hand, and expiring sooner.
  for (int i = 0; i < 1200; ++i) Keep("slow" + std::to_string(i), minutes(60));
  for (int i = 0; i < 20; ++i) Keep("g" + std::to_string(i), minutes(61), at_q);
  Leap(minutes(50));
  due_work_->Start();
  Pass(4 * kRound);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(GenerationOf("g" + std::to_string(i)), 2u) << i;
  EXPECT_LE(asked_.size(), 20u + 17u);
}

TEST_F(DueWorkOn, MoreThanFitsIntoTheQueueIsRenewedAsFastAsTheBudgetAllows) {
  Start(Yaml("strict\n    request_budget: {per_second: 400, concurrent: 400}"));
  for (int i = 0; i < 3000; ++i) Keep("g" + std::to_string(i), minutes(60));
  Leap(minutes(50));
  due_work_->Start();
  Pass(kRound + seconds(3000 / 320) + seconds(1));
  EXPECT_EQ(asked_.size(), 3000u);
  // Nothing was claimed and then lost for want of room.
  EXPECT_EQ(rooms_->store->claimed, 3000u);
  EXPECT_LE(MostInASecond(), 320u);
}

TEST_F(DueWorkOn, NothingIsClaimedWhileTheStoreHolds) {
  Start(kStrict);
  Keep("g", hours(1));
  Leap(minutes(50));
  rooms_->store->hold_until = rooms_->clock.Steady() + seconds(5);
  due_work_->Start();
  Pass(seconds(5) - kStep);
  EXPECT_EQ(rooms_->store->claims, 0);
  Pass(kRound + seconds(1));
  EXPECT_EQ(asked_.size(), 1u);
}

TEST_F(DueWorkOn, AStoreThatIsAwayIsNotAskedAllTheTime) {
  Start(kStrict);
  Keep("g", hours(1));
  Leap(minutes(50));
  rooms_->store->failure = Error(Reason::kStoreUnavailable, "away");
  due_work_->Start();
  Pass(minutes(1));
  EXPECT_LE(rooms_->store->claims, 70);
  rooms_->store->failure.reset();
  Pass(seconds(5) + kRound);
  EXPECT_EQ(asked_.size(), 1u);
}

TEST_F(DueWorkOn, NothingIsClaimedAfterStop) {
  Start(kStrict);
  due_work_->Start();
  Pass(seconds(1));
  EXPECT_GT(rooms_->store->claims, 0);
  due_work_->Stop();
  const int claims = rooms_->store->claims;
  Pass(kRound);
  EXPECT_EQ(rooms_->store->claims, claims);
}

TEST_F(DueWorkOn, VisitsAreSpreadEvenlyOverTheRound) {
  Start(kStrict);
  due_work_->Start();
  Pass(kRound);
  for (int i = 0; i < 20; ++i) {
    const int claims = rooms_->store->claims;
    Pass(kRound / 4);
    EXPECT_NEAR(rooms_->store->claims - claims, kPartitions / 4.0, 8);
  }
}

}  // namespace
}  // namespace grantkeep
