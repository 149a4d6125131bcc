// SPDX-License-Identifier: Apache-2.0
// Two processes over one store that want to refresh the same grant, and one of them that is stopped
// for a while between any two steps.
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
using testing::kNone;
using testing::kStrict;
using testing::ScriptedHttp;
using Result = absl::StatusOr<AccessToken>;

class Replicas : public testing::RefresherTest {
 protected:
  // Both have seen the grant, whose token has expired.
  void Start(const std::string& yaml = kStrict) {
    RefresherTest::Start(yaml);
    other_grants_ =
        std::make_unique<Grants>(*rooms_->store, *rooms_->records, *rooms_->changes, rooms_->clock);
    other_ = std::make_unique<Refresher>(*other_grants_, *rooms_->store, *rooms_->catalogue, rooms_->clock,
                                         rooms_->random, rooms_->loop.context());
    ProviderGrants();
    rooms_->PutGrant("g", seconds(60));
    rooms_->clock.Advance(seconds(61));
  }
  ~Replicas() override {
    if (rooms_ != nullptr) rooms_->loop.Stop();
  }
  std::shared_ptr<std::optional<Result>> Begin(Refresher& refresher) {
    return rooms_->loop.Start(refresher.Refresh(rooms_->NewCall(minutes(10)), Request()));
  }
  void RunUntilAsked() {
    rooms_->loop.RunUntil([&] { return Requests() == 1; });
  }
  // One who has nothing in memory reads the grant, finds the intent, reads once more with its waiter
  // armed, and sleeps.
  std::shared_ptr<std::optional<Result>> BeginAndSleep(Refresher& refresher) {
    const int gets = rooms_->store->gets_answered;
    auto result = Begin(refresher);
    rooms_->loop.RunUntil([&] { return rooms_->store->gets_answered == gets + 2; });
    rooms_->loop.RunReady();
    EXPECT_FALSE(result->has_value());
    return result;
  }
  void RunUntilDone(const std::shared_ptr<std::optional<Result>>& result) {
    rooms_->loop.RunUntil([&] { return result->has_value(); });
  }
  // Before the next commit is done, the other one has written what `change` makes of the grant.
  void WriteElsewhereFirst(std::function<void(Grant&)> change) {
    rooms_->store->before_next_commit = [this, change = std::move(change)]() -> boost::asio::awaitable<void> {
      const TenantId tenant("t");
      const GrantId id("g");
      const Tick deadline = rooms_->clock.Steady() + seconds(5);
      auto loaded = co_await other_grants_->Load(tenant, id, deadline);
      StoredGrant stored = std::move(**loaded);
      change(*stored.grant);
      const auto commit =
          co_await other_grants_->Commit(tenant, std::move(stored.grant), stored.revision, {}, deadline);
      EXPECT_TRUE(commit.ok() && commit->outcome == CommitResult::Outcome::kDone);
    };
  }
  static void RefreshElsewhere(Grant& grant) {
    grant.set_generation(2);
    grant.set_access_token("at-elsewhere");
    grant.set_refresh_token("rt-elsewhere");
    grant.set_expire_time_us(grant.expire_time_us() + ToMicros(Time(minutes(60))));
    grant.clear_intent();
  }

  std::unique_ptr<Grants> other_grants_;
  std::unique_ptr<Refresher> other_;
};

TEST_F(Replicas, TheLoserSleepsUntilTheWinnerHasStoredItsTokens) {
  Start();
  rooms_->http.Hold();
  const auto winner = Begin(*refresher_);
  RunUntilAsked();
  const auto loser = BeginAndSleep(*other_);
  const int gets = rooms_->store->gets;
  for (int i = 0; i < 10; ++i) {
    rooms_->clock.Advance(milliseconds(100));
    rooms_->loop.RunReady();
  }
  EXPECT_EQ(rooms_->store->gets, gets) << "it does not poll";
  rooms_->http.Release();
  const Tick released = rooms_->clock.Steady();
  RunUntilDone(winner);
  RunUntilDone(loser);
  EXPECT_EQ(rooms_->clock.Steady(), released) << "and does not sleep on";
  for (const auto& result : {winner, loser}) {
    ASSERT_TRUE((*result)->ok()) << (*result)->status();
    EXPECT_EQ((**result)->token.Expose(), "at-new-1");
  }
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(Replicas, AMissedInvalidationHangsNobody) {
  Start(kNone);
  rooms_->http.Hold();
  const auto winner = Begin(*refresher_);
  RunUntilAsked();
  const auto loser = BeginAndSleep(*other_);
  rooms_->sqlite->OnChange(nullptr);
  rooms_->http.Release();
  RunUntilDone(winner);
  rooms_->loop.RunReady();
  EXPECT_FALSE(loser->has_value());
  rooms_->clock.Advance(seconds(20));  // the intent's end
  RunUntilDone(loser);
  EXPECT_EQ((**loser)->token.Expose(), "at-new-1");
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(Replicas, AChangeBetweenTheReadAndTheWaitIsNotSleptThrough) {
  Start();
  rooms_->http.Hold();
  const auto winner = Begin(*refresher_);
  RunUntilAsked();
  // The loser has seen the intent; the winner ends before the loser's waiter is armed.
  const Tick deadline = rooms_->clock.Steady() + seconds(5);
  ASSERT_TRUE(rooms_->loop.Run(other_grants_->Load(TenantId("t"), GrantId("g"), deadline)).ok());
  rooms_->sqlite->OnChange(nullptr);
  rooms_->http.Release();
  RunUntilDone(winner);
  const Tick before = rooms_->clock.Steady();
  const auto loser = Begin(*other_);
  RunUntilDone(loser);
  EXPECT_EQ(rooms_->clock.Steady(), before);
  EXPECT_EQ((**loser)->token.Expose(), "at-new-1");
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(Replicas, WhoFindsALeaseWaitsForItsEndOrAChange) {
  Start();
  const Key key = Grants::KeyOf(TenantId("t"), GrantId("g"));
  std::vector<Write> writes;
  writes.emplace_back(TakeLease{key, "somebody", seconds(30)});
  ASSERT_TRUE(
      rooms_->loop.Run(rooms_->sqlite->Commit(std::move(writes), rooms_->clock.Steady() + seconds(5))).ok());
  const int before = rooms_->store->commits_answered;
  const auto result = Begin(*refresher_);
  rooms_->loop.RunUntil([&] { return rooms_->store->commits_answered == before + 1; });
  rooms_->loop.RunReady();
  const int commits = rooms_->store->commits_answered;
  rooms_->store->Tell(key);  // woken: the lease is still held
  rooms_->loop.RunUntil([&] { return rooms_->store->commits_answered == commits + 1; });
  rooms_->loop.RunReady();
  EXPECT_EQ(Requests(), 0u);
  rooms_->clock.Advance(seconds(30));
  RunUntilDone(result);
  EXPECT_TRUE((*result)->ok()) << (*result)->status();
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(Replicas, WhoMayNotPresentTheTokenAnyMoreLeavesTheVerdictToTheLeasesOwner) {
  Start();
  const TenantId tenant("t");
  const Key key = Grants::KeyOf(tenant, GrantId("g"));
  const auto commit = [&](StoredGrant stored, Write also) {
    std::vector<Write> writes;
    writes.push_back(std::move(also));
    const auto done =
        rooms_->loop.Run(other_grants_->Commit(tenant, std::move(stored.grant), stored.revision,
                                               std::move(writes), rooms_->clock.Steady() + seconds(5)));
    EXPECT_TRUE(done.ok() && done->outcome == CommitResult::Outcome::kDone);
  };
  // The last attempt has been made, and its owner is about to write how it ended.
  StoredGrant attempted = rooms_->LoadGrant("g");
  storage::v1::RefreshIntent& intent = *attempted.grant->mutable_intent();
  intent.set_generation(1);
  intent.set_attempt(2);
  intent.set_last_attempt(true);
  intent.set_owner("somebody");
  intent.set_end_time_us(ToMicros(rooms_->clock.Now()));
  commit(std::move(attempted), TakeLease{key, "somebody", seconds(30)});
  const int before = rooms_->store->commits_answered;
  const auto result = Begin(*refresher_);
  rooms_->loop.RunUntil([&] { return rooms_->store->commits_answered == before + 1; });
  rooms_->loop.RunReady();
  EXPECT_FALSE(result->has_value());
  StoredGrant refreshed = rooms_->LoadGrant("g");
  EXPECT_EQ(refreshed.grant->state(), Grant::STATE_ACTIVE);
  RefreshElsewhere(*refreshed.grant);
  commit(std::move(refreshed), EndLease{key, "somebody"});
  RunUntilDone(result);
  ASSERT_TRUE((*result)->ok()) << (*result)->status();
  EXPECT_EQ((**result)->token.Expose(), "at-elsewhere");
  EXPECT_EQ(Requests(), 0u);
}

// The intent.

TEST_F(Replicas, AnIntentThatNobodyConfirmedIsRecognisedAsOnesOwn) {
  Start();
  rooms_->store->commit_answers_lost = 1;
  const auto result = Begin(*refresher_);
  AdvanceUntil([&] { return result->has_value(); }, milliseconds(10));
  ASSERT_TRUE((*result)->ok()) << (*result)->status();
  EXPECT_EQ(Requests(), 1u);
  EXPECT_EQ(rooms_->LoadGrant("g").grant->refresh_token(), "rt-new-1");
}

TEST_F(Replicas, AnIntentIsWrittenOnceAndCountsOnceHoweverOftenItIsTried) {
  Start();
  rooms_->store->commit_answers_lost = 2;
  rooms_->http.Hold();
  const auto result = Begin(*refresher_);
  AdvanceUntil([&] { return Requests() == 1; }, milliseconds(10));
  const StoredGrant during = rooms_->LoadGrant("g");
  EXPECT_EQ(during.grant->intent().attempt(), 1u);
  EXPECT_EQ(during.revision, 2u);
  rooms_->http.Release();
  RunUntilDone(result);
}

TEST_F(Replicas, AnIntentThatWasNotWrittenIsTriedAgain) {
  Start();
  rooms_->store->commits_refused = 2;
  const auto result = Begin(*refresher_);
  AdvanceUntil([&] { return result->has_value(); }, milliseconds(10));
  ASSERT_TRUE((*result)->ok()) << (*result)->status();
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(Replicas, TheTimeOfACallCountsFromTheFirstTryAtItsIntent) {
  Start();
  rooms_->store->commit_answers_lost = 1;
  rooms_->store->after_next_commit = [this] { rooms_->clock.Advance(milliseconds(4800)); };
  rooms_->http.Hold();
  const Tick asked = rooms_->clock.Steady();
  const int commits = rooms_->store->commits_answered;
  const auto result = Begin(*refresher_);
  rooms_->loop.RunUntil([&] { return rooms_->store->commits_answered == commits + 1; });
  rooms_->loop.RunReady();
  rooms_->clock.Advance(milliseconds(50));
  RunUntilAsked();
  const Duration passed = std::chrono::ceil<Duration>(rooms_->clock.Steady() - asked);
  rooms_->clock.Advance(seconds(20) - passed - milliseconds(1));
  rooms_->loop.RunReady();
  EXPECT_FALSE(result->has_value());
  rooms_->clock.Advance(
      milliseconds(1));  // the first try's intent has ended, though nobody knows if it was it
  RunUntilDone(result);
  EXPECT_EQ(rooms_->LoadGrant("g").grant->state(), Grant::STATE_IN_DOUBT);
}

// A process that is stopped beyond its lease, and continued.

TEST_F(Replicas, StoppedBeforeTheIntentIsWrittenItPresentsNoToken) {
  Start();
  rooms_->store->before_next_commit = [this]() -> boost::asio::awaitable<void> {
    rooms_->clock.Advance(seconds(60));
    co_return;
  };
  const auto result = Begin(*refresher_);
  RunUntilDone(result);
  EXPECT_FALSE((*result)->ok());
  EXPECT_EQ(Requests(), 0u);
}

TEST_F(Replicas, StoppedAfterTheIntentItPresentsNoTokenAndOverwritesNothing) {
  Start();
  rooms_->store->after_next_commit = [this] {
    rooms_->clock.Advance(seconds(60));
    // Meanwhile the other one has taken over.
    WriteElsewhereFirst(&RefreshElsewhere);
  };
  const auto result = Begin(*refresher_);
  RunUntilDone(result);
  EXPECT_EQ(Requests(), 0u);
  const StoredGrant stored = rooms_->LoadGrant("g");
  EXPECT_EQ(stored.grant->refresh_token(), "rt-elsewhere");
  EXPECT_EQ(stored.grant->state(), Grant::STATE_ACTIVE);
  ASSERT_TRUE((*result)->ok()) << (*result)->status();
  EXPECT_EQ((**result)->token.Expose(), "at-elsewhere");
}

TEST_F(Replicas, StoppedBeforeItStoresItsTokensItDropsThemForNewerOnes) {
  Start();
  rooms_->http.OnRequest([this](const ScriptedHttp::Seen&) {
    rooms_->clock.Advance(seconds(60));
    WriteElsewhereFirst(&RefreshElsewhere);
    return ScriptedHttp::Json(
        200, R"({"access_token":"late","token_type":"Bearer","refresh_token":"rt-late","expires_in":3600})");
  });
  const auto result = Begin(*refresher_);
  RunUntilDone(result);
  const StoredGrant stored = rooms_->LoadGrant("g");
  EXPECT_EQ(stored.grant->refresh_token(), "rt-elsewhere");
  EXPECT_EQ(stored.grant->generation(), 2u);
  EXPECT_EQ((**result)->token.Expose(), "at-elsewhere");
  EXPECT_EQ(Requests(), 1u) << "and nothing is revoked";
}

TEST_F(Replicas, StoppedBeforeItStoresItsTokensItStoresThemWhereNobodyHasNewerOnes) {
  Start();
  rooms_->http.OnRequest([this](const ScriptedHttp::Seen&) {
    rooms_->clock.Advance(seconds(60));
    WriteElsewhereFirst([](Grant& grant) { grant.set_state(Grant::STATE_IN_DOUBT); });
    return ScriptedHttp::Json(
        200, R"({"access_token":"late","token_type":"Bearer","refresh_token":"rt-late","expires_in":3600})");
  });
  const auto result = Begin(*refresher_);
  RunUntilDone(result);
  const StoredGrant stored = rooms_->LoadGrant("g");
  EXPECT_EQ(stored.grant->refresh_token(), "rt-late") << "the old one is dead";
  EXPECT_EQ(stored.grant->generation(), 2u);
  EXPECT_EQ(stored.grant->state(), Grant::STATE_ACTIVE);
}

TEST_F(Replicas, StoppedBeforeItStoresAFailureItDemotesNobody) {
  for (const auto& [status, body] :
       {std::pair(400, R"({"error":"invalid_grant"})"), {429, "{}"}, {500, "oops"}}) {
    Start();
    rooms_->http.OnRequest([this, status, body](const ScriptedHttp::Seen&) {
      rooms_->clock.Advance(seconds(60));
      WriteElsewhereFirst(&RefreshElsewhere);
      return ScriptedHttp::Json(status, body);
    });
    const auto result = Begin(*refresher_);
    RunUntilDone(result);
    const StoredGrant stored = rooms_->LoadGrant("g");
    EXPECT_EQ(stored.grant->refresh_token(), "rt-elsewhere") << status;
    EXPECT_EQ(stored.grant->state(), Grant::STATE_ACTIVE) << status;
    EXPECT_EQ(stored.grant->failures(), 0u) << status;
    rooms_->loop.Stop();
  }
}

TEST_F(Replicas, StoppedBeforeItStoresAFailureItWritesNothingWithoutItsLease) {
  Start();
  rooms_->http.OnRequest([this](const ScriptedHttp::Seen&) {
    rooms_->store->before_next_commit = [this]() -> boost::asio::awaitable<void> {
      rooms_->clock.Advance(seconds(60));
      co_return;
    };
    return ScriptedHttp::Json(400, R"({"error":"invalid_grant"})");
  });
  const auto result = Begin(*refresher_);
  RunUntilDone(result);
  EXPECT_EQ(rooms_->LoadGrant("g").grant->state(), Grant::STATE_ACTIVE);
  EXPECT_TRUE(rooms_->LoadGrant("g").grant->has_intent()) << "the next one finds it in doubt";
}

}  // namespace
}  // namespace grantkeep
