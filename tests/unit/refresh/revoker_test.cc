// SPDX-License-Identifier: Apache-2.0
// Grants that are revoked: alone, against refreshes that are under way, by several replicas, and while
// store or provider fail.
#include "refresh/revoker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "refresh/tombstone.h"
#include "tests/unit/refresh/refresher_fixture.h"

namespace grantkeep {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::v1::Grant;
using ::testing::ElementsAre;
using testing::ScriptedHttp;
using Result = absl::StatusOr<RevokedGrant>;

const std::string kRevocable = testing::kStrict + "    revocation_endpoint: https://as.example/revoke\n";

class RevokerTest : public testing::RefresherTest {
 protected:
  void Start(const std::string& yaml = kRevocable) {
    RefresherTest::Start(yaml);
    revoker_ = NewRevoker(*rooms_->grants);
    other_grants_ =
        std::make_unique<Grants>(*rooms_->store, *rooms_->records, *rooms_->changes, rooms_->clock);
    other_ = NewRevoker(*other_grants_);
    Provider(200);
  }
  ~RevokerTest() override {
    if (rooms_ != nullptr) rooms_->loop.Stop();
  }
  std::unique_ptr<Revoker> NewRevoker(Grants& grants) {
    return std::make_unique<Revoker>(grants, *rooms_->store, *rooms_->catalogue, rooms_->clock,
                                     rooms_->random, rooms_->loop.context());
  }
  // Revocations are answered so; token requests with generation after generation.
  void Provider(int revocation_status, const std::string& retry_after = "") {
    rooms_->http.OnRequest([=](const ScriptedHttp::Seen& seen) {
      if (seen.url == "https://as.example/revoke") {
        HttpOutcome answer = ScriptedHttp::Json(revocation_status, "");
        if (!retry_after.empty()) answer.response->headers.emplace_back("retry-after", retry_after);
        return answer;
      }
      return ScriptedHttp::Json(
          200, R"({"access_token":"at-2","token_type":"Bearer","refresh_token":"rt-2","expires_in":3600})");
    });
  }
  std::shared_ptr<std::optional<Result>> Begin(Revoker& revoker, Duration timeout = seconds(10),
                                               const std::string& subject = "u") {
    return rooms_->loop.Start(
        revoker.Revoke(TenantId("t"), SubjectId(subject), GrantId("g"), rooms_->clock.Steady() + timeout));
  }
  Result End(const std::shared_ptr<std::optional<Result>>& result) {
    AdvanceUntil([&] { return result->has_value(); }, milliseconds(50));
    return **result;
  }
  Result Revoke() { return End(Begin(*revoker_)); }
  // What the outbox's worker does.
  void Work(Revoker& revoker) {
    auto done = rooms_->loop.Start(WorkOn(revoker));
    AdvanceUntil([&] { return done->has_value(); }, milliseconds(50));
  }
  boost::asio::awaitable<bool> WorkOn(Revoker& revoker) {
    auto loaded =
        co_await other_grants_->Load(TenantId("t"), GrantId("g"), rooms_->clock.Steady() + hours(1));
    StoredGrant tombstone = std::move(**loaded);
    co_await revoker.Work(TenantId("t"), std::move(tombstone));
    co_return true;
  }
  Wiped<Grant> Stored() { return std::move(rooms_->LoadGrant("g").grant); }
  // Tokens that the provider was asked to revoke, in order.
  std::vector<std::string> Revoked() const {
    std::vector<std::string> tokens;
    for (const ScriptedHttp::Seen& seen : rooms_->http.seen()) {
      if (seen.url != "https://as.example/revoke") continue;
      const size_t begin = seen.body.find("token=") + 6;
      tokens.push_back(seen.body.substr(begin, seen.body.find('&') - begin));
    }
    return tokens;
  }
  // A refresh of the grant's token, which has expired; its request is out and held.
  std::shared_ptr<std::optional<absl::StatusOr<AccessToken>>> BeginRefresh() {
    rooms_->PutGrant("g", seconds(60));
    rooms_->clock.Advance(seconds(61));
    rooms_->http.Hold();
    auto refresh = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(minutes(10)), Request()));
    rooms_->loop.RunUntil([&] { return Requests() == 1; });
    return refresh;
  }
  void RunUntilTombstone() {
    rooms_->loop.RunUntil([&] { return Stored()->state() == Grant::STATE_REVOKED; });
  }
  bool HasDueEntry() {
    const Partition partition = Grants::KeyOf(TenantId("t"), GrantId("g")).partition;
    rooms_->clock.Advance(hours(2));
    auto due = rooms_->loop.Run(
        rooms_->store->ClaimDue(partition, 10, seconds(1), rooms_->clock.Steady() + seconds(5)));
    return !due->empty();
  }

  std::unique_ptr<Revoker> revoker_;
  std::unique_ptr<Grants> other_grants_;
  std::unique_ptr<Revoker> other_;
};

TEST_F(RevokerTest, ARevokedGrantIsForgottenAndRevokedAtTheProvider) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  const Result result = Revoke();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->forgotten);
  EXPECT_TRUE(result->revoked_at_provider);
  EXPECT_THAT(Revoked(), ElementsAre("rt-1"));
  const Wiped<Grant> tombstone = Stored();
  EXPECT_EQ(tombstone->state(), Grant::STATE_REVOKED);
  EXPECT_FALSE(tombstone->has_outbox());
  EXPECT_FALSE(HasDueEntry());
  EXPECT_TRUE(HasReason(refresher_->FromMemory(Request())->status(), Reason::kGrantNotFound));
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kGrantNotFound));
}

TEST_F(RevokerTest, ASecondCallSaysTheSameAndAsksNobody) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  ASSERT_TRUE(Revoke().ok());
  const Result again = Revoke();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->forgotten && again->revoked_at_provider);
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(RevokerTest, AnotherSubjectsGrantOrNoneIsNotFound) {
  Start();
  EXPECT_TRUE(HasReason(Revoke().status(), Reason::kGrantNotFound));
  rooms_->PutGrant("g", minutes(60));
  EXPECT_TRUE(HasReason(End(Begin(*revoker_, seconds(10), "mallory")).status(), Reason::kGrantNotFound));
  EXPECT_EQ(Stored()->state(), Grant::STATE_ACTIVE);
  ASSERT_TRUE(Revoke().ok());
  EXPECT_TRUE(HasReason(End(Begin(*revoker_, seconds(10), "mallory")).status(), Reason::kGrantNotFound));
}

TEST_F(RevokerTest, GetShowsATombstoneToItsSubjectWithoutTokens) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  ASSERT_TRUE(Revoke().ok());
  const auto get = [&](const std::string& subject) {
    return rooms_->loop.Run(refresher_->Get(TenantId("t"), SubjectId(subject), GrantId("g"),
                                            rooms_->clock.Steady() + seconds(5)));
  };
  const auto seen = get("u");
  ASSERT_TRUE(seen.ok()) << seen.status();
  EXPECT_EQ(seen->stored.grant->state(), Grant::STATE_REVOKED);
  EXPECT_EQ(seen->stored.grant->access_token(), "");
  EXPECT_TRUE(HasReason(get("mallory").status(), Reason::kGrantNotFound));
}

// --- The provider fails

TEST_F(RevokerTest, AProviderThatFailsLeavesTheGrantForgottenAndTheTokensInTheOutbox) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  Provider(503, "120");
  const Result result = Revoke();
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->forgotten);
  EXPECT_FALSE(result->revoked_at_provider);
  const Wiped<Grant> tombstone = Stored();
  EXPECT_EQ(tombstone->outbox().tokens_size(), 1);
  EXPECT_EQ(tombstone->outbox().attempts(), 1u);
  EXPECT_GE(FromMicros(tombstone->outbox().not_before_us()), rooms_->clock.Now() + seconds(119));
  EXPECT_TRUE(HasDueEntry());

  Provider(200);
  Work(*other_);
  EXPECT_FALSE(Stored()->has_outbox());
  EXPECT_FALSE(HasDueEntry());
  EXPECT_TRUE(Revoke()->revoked_at_provider);
}

TEST_F(RevokerTest, ASecondCallTriesAgainAtOnce) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  Provider(503, "3600");
  ASSERT_FALSE(Revoke()->revoked_at_provider);
  Provider(200);
  EXPECT_TRUE(Revoke()->revoked_at_provider);
  EXPECT_THAT(Revoked(), ElementsAre("rt-1", "rt-1"));
}

TEST_F(RevokerTest, AHangingProviderDelaysTheAnswerNoLongerThanTheDeadlineAndTheTryGoesOn) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  rooms_->http.Hold();
  const Tick begun = rooms_->clock.Steady();
  const auto call = Begin(*revoker_, seconds(2));
  const Result result = End(call);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->forgotten);
  EXPECT_FALSE(result->revoked_at_provider);
  EXPECT_LT(rooms_->clock.Steady(), begun + seconds(2));
  // A second caller waits for that try.
  const auto second = Begin(*revoker_, seconds(10));
  rooms_->loop.RunReady();
  rooms_->http.Release();
  EXPECT_TRUE(End(second)->revoked_at_provider);
  EXPECT_EQ(Requests(), 1u);
  EXPECT_FALSE(Stored()->has_outbox());
}

TEST_F(RevokerTest, WithoutARevocationEndpointThereIsNothingToTry) {
  Start(testing::kStrict);
  rooms_->PutGrant("g", minutes(60));
  for (int call = 0; call < 2; ++call) {
    const Result result = Revoke();
    ASSERT_TRUE(result.ok());
    EXPECT_TRUE(result->forgotten);
    EXPECT_FALSE(result->revoked_at_provider);
  }
  EXPECT_FALSE(OwesRevocation(*Stored()));
  EXPECT_FALSE(HasDueEntry());
  EXPECT_EQ(Requests(), 0u);
}

TEST_F(RevokerTest, TokensOfAProviderThatIsNotConfiguredAnyMoreAreKeptForAWhile) {
  Start();
  rooms_->PutGrant("g", minutes(60), [](Grant& grant) { grant.set_provider("gone"); });
  EXPECT_FALSE(Revoke()->revoked_at_provider);
  EXPECT_TRUE(OwesRevocation(*Stored()));
  EXPECT_TRUE(HasDueEntry());
}

TEST_F(RevokerTest, AfterTheLastTryTheTokensAreWiped) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  Provider(500);
  ASSERT_TRUE(Revoke().ok());
  for (uint32_t tries = 1; tries < kMaxOutboxTries; ++tries) {
    ASSERT_TRUE(OwesRevocation(*Stored())) << tries;
    Work(*revoker_);
  }
  EXPECT_FALSE(OwesRevocation(*Stored()));
  EXPECT_EQ(Requests(), kMaxOutboxTries);
  Provider(200);
  EXPECT_FALSE(Revoke()->revoked_at_provider) << "nobody ever confirmed it";
  EXPECT_FALSE(HasDueEntry());
}

// --- The store fails

TEST_F(RevokerTest, ATombstoneWhoseCommitFailedOrWhoseAnswerWasLostIsWrittenAllTheSame) {
  for (const bool done : {false, true}) {
    Start();
    rooms_->PutGrant("g", minutes(60));
    (done ? rooms_->store->commit_answers_lost : rooms_->store->commits_refused) = 2;
    const Result result = Revoke();
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_TRUE(result->forgotten && result->revoked_at_provider) << done;
    EXPECT_EQ(Stored()->state(), Grant::STATE_REVOKED);
    rooms_->loop.Stop();
    refresher_.reset();
    revoker_.reset();
    other_.reset();
    other_grants_.reset();
  }
}

TEST_F(RevokerTest, WithoutTheStoreNothingIsRevokedAndTheCallerIsToldSo) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  rooms_->store->failure = Error(Reason::kStoreUnavailable, "away");
  EXPECT_TRUE(HasReason(Revoke().status(), Reason::kStoreUnavailable));
  rooms_->store->failure = std::nullopt;
  EXPECT_EQ(Requests(), 0u) << "the provider is not asked before the tombstone is written";
  EXPECT_EQ(Stored()->state(), Grant::STATE_ACTIVE);
}

TEST_F(RevokerTest, AConfirmationThatCannotBeStoredIsAskedForOnceMore) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  rooms_->http.OnRequest([this](const ScriptedHttp::Seen&) {
    rooms_->store->commits_refused = 100;
    return ScriptedHttp::Json(200, "");
  });
  EXPECT_TRUE(Revoke()->forgotten);
  rooms_->store->commits_refused = 0;
  rooms_->clock.Advance(minutes(5));
  EXPECT_TRUE(OwesRevocation(*Stored()));
  Provider(200);
  Work(*other_);
  EXPECT_TRUE(IsRevokedAtProvider(*Stored()));
  EXPECT_THAT(Revoked(), ElementsAre("rt-1", "rt-1"));
}

TEST_F(RevokerTest, AHoldAfterAFailoverKeepsNobodyFromRevoking) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  rooms_->store->hold_until = rooms_->clock.Steady() + minutes(10);
  const Tick begun = rooms_->clock.Steady();
  EXPECT_TRUE(Revoke()->revoked_at_provider);
  EXPECT_LT(rooms_->clock.Steady() - begun, seconds(1));
}

TEST_F(RevokerTest, AnotherWriterIsOvertaken) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  rooms_->store->before_next_commit = [this]() -> boost::asio::awaitable<void> {
    const TenantId tenant("t");
    const GrantId id("g");
    const Tick deadline = rooms_->clock.Steady() + seconds(5);
    auto loaded = co_await other_grants_->Load(tenant, id, deadline);
    StoredGrant stored = std::move(**loaded);
    stored.grant->set_generation(2);
    stored.grant->set_refresh_token("rt-elsewhere");
    (void)co_await other_grants_->Commit(tenant, std::move(stored.grant), stored.revision, {}, deadline);
  };
  EXPECT_TRUE(Revoke()->revoked_at_provider);
  EXPECT_THAT(Revoked(), ElementsAre("rt-elsewhere"));
  EXPECT_EQ(Stored()->generation(), 2u);
}

// --- Against a refresh

TEST_F(RevokerTest, TokensThatAFlightBringsAfterTheTombstoneGoToTheOutboxAndToNobody) {
  Start();
  const auto refresh = BeginRefresh();
  const auto revoke = Begin(*revoker_);
  RunUntilTombstone();
  EXPECT_TRUE(HasReason(refresher_->FromMemory(Request())->status(), Reason::kGrantNotFound))
      << "unreachable at once";
  rooms_->http.Release();
  rooms_->loop.RunUntil([&] { return refresh->has_value(); });
  EXPECT_TRUE(HasReason((*refresh)->status(), Reason::kGrantNotFound));
  EXPECT_FALSE(End(revoke)->revoked_at_provider) << "the flight's tokens are alive";
  EXPECT_TRUE(OwesRevocation(*Stored()));
  EXPECT_EQ(Stored()->state(), Grant::STATE_REVOKED);
  EXPECT_TRUE(HasDueEntry());
  Work(*other_);
  EXPECT_TRUE(IsRevokedAtProvider(*Stored()));
  EXPECT_THAT(Revoked(), ::testing::Contains("rt-2"));
}

TEST_F(RevokerTest, AFlightWhoseProcessDiedIsWaitedForBeforeAConfirmationIsBelieved) {
  Start();
  const auto refresh = BeginRefresh();
  const size_t out = Requests();
  // The flight's request stays out for ever; ours is answered.
  const auto revoke = Begin(*revoker_, seconds(1));
  EXPECT_FALSE(End(revoke)->revoked_at_provider);
  EXPECT_GE(Requests(), out);
  EXPECT_TRUE(OwesRevocation(*Stored()));
}

TEST_F(RevokerTest, TokensThatAFlightHasStoredJustBeforeAreThoseThatAreRevoked) {
  Start();
  const auto refresh = BeginRefresh();
  rooms_->http.Release();
  rooms_->loop.RunUntil([&] { return refresh->has_value(); });
  ASSERT_TRUE((*refresh)->ok());
  EXPECT_TRUE(Revoke()->revoked_at_provider);
  EXPECT_THAT(Revoked(), ElementsAre("rt-2"));
}

TEST_F(RevokerTest, TokensThatTheStoreRefusedGoToTheOutboxOnceItAnswers) {
  Start();
  const auto refresh = BeginRefresh();
  rooms_->http.OnRequest([this](const ScriptedHttp::Seen&) {
    rooms_->store->failure = Error(Reason::kStoreUnavailable, "away");
    return ScriptedHttp::Json(
        200, R"({"access_token":"at-2","token_type":"Bearer","refresh_token":"rt-2","expires_in":3600})");
  });
  rooms_->http.Release();
  rooms_->loop.RunUntil([&] { return refresh->has_value(); });
  ASSERT_TRUE((*refresh)->ok()) << "served from memory";
  rooms_->store->failure = std::nullopt;
  Provider(503);
  const auto revoke = Begin(*revoker_);
  RunUntilTombstone();
  EXPECT_TRUE(End(revoke)->forgotten);
  EXPECT_TRUE(HasReason(refresher_->FromMemory(Request())->status(), Reason::kGrantNotFound));
  AdvanceUntil([&] { return Stored()->outbox().tokens_size() == 2; });
  Provider(200);
  Work(*other_);
  EXPECT_TRUE(IsRevokedAtProvider(*Stored()));
  EXPECT_THAT(Revoked(), ::testing::Contains("rt-2"));
}

TEST_F(RevokerTest, WhoWaitedForAFlightIsNotServedTheOldTokenOfAGrantRevokedMeanwhile) {
  Start();
  rooms_->PutGrant("g", seconds(60));
  rooms_->clock.Advance(seconds(55));
  rooms_->http.Hold();
  // 5 s are less than is asked for: it would be served as STALE_OK at the deadline.
  const auto waiting =
      rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(seconds(2)), Request(seconds(20))));
  rooms_->loop.RunUntil([&] { return Requests() == 1; });
  Begin(*revoker_);
  RunUntilTombstone();
  AdvanceUntil([&] { return waiting->has_value(); }, milliseconds(100));
  EXPECT_TRUE(HasReason((*waiting)->status(), Reason::kGrantNotFound)) << (*waiting)->status();
}

TEST_F(RevokerTest, AFlightThatFailsWritesNothingOverATombstone) {
  Start();
  const auto refresh = BeginRefresh();
  Begin(*revoker_);
  RunUntilTombstone();
  rooms_->http.OnRequest([](const ScriptedHttp::Seen& seen) {
    return ScriptedHttp::Json(seen.url == "https://as.example/revoke" ? 200 : 400,
                              R"({"error":"invalid_grant"})");
  });
  rooms_->http.Release();
  rooms_->loop.RunUntil([&] { return refresh->has_value(); });
  EXPECT_TRUE(HasReason((*refresh)->status(), Reason::kGrantNotFound));
  EXPECT_EQ(Stored()->state(), Grant::STATE_REVOKED);
  EXPECT_EQ(Stored()->state_reason(), "REVOKE_GRANT");
}

TEST_F(RevokerTest, AHandOverGoesOnUntilTheStoreHasTheTokens) {
  for (const bool done : {false, true}) {
    Start();
    const auto refresh = BeginRefresh();
    const auto revoke = Begin(*revoker_);
    RunUntilTombstone();
    // The provider has taken the revocation, too; the flight's answer comes first.
    Provider(503);
    rooms_->store->after_next_commit = [this, done] {
      (done ? rooms_->store->commit_answers_lost : rooms_->store->commits_refused) = 1;
    };
    rooms_->http.Release();
    AdvanceUntil([&] { return refresh->has_value() && revoke->has_value(); }, milliseconds(50));
    AdvanceUntil([&] { return Stored()->outbox().tokens_size() == 2; }, milliseconds(50));
    rooms_->loop.Stop();
    refresher_.reset();
    revoker_.reset();
    other_.reset();
    other_grants_.reset();
  }
}

// --- Several replicas

TEST_F(RevokerTest, TwoReplicasThatRevokeAtOnceBothSaySoAndAskOnce) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  rooms_->http.Hold();
  const auto first = Begin(*revoker_);
  const auto second = Begin(*other_);
  rooms_->loop.RunUntil([&] { return Requests() == 1; });
  rooms_->loop.RunReady();
  rooms_->http.Release();
  EXPECT_TRUE(End(first)->revoked_at_provider);
  EXPECT_TRUE(End(second)->revoked_at_provider);
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(RevokerTest, WorkIsNotDoneTwiceAtOnce) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  Provider(503);
  ASSERT_TRUE(Revoke().ok());
  Provider(200);
  rooms_->http.Hold();
  const auto working = rooms_->loop.Start(WorkOn(*revoker_));
  rooms_->loop.RunUntil([&] { return Requests() == 2; });
  Work(*revoker_);
  Work(*other_);
  EXPECT_EQ(Requests(), 2u);
  rooms_->http.Release();
  AdvanceUntil([&] { return working->has_value(); });
  EXPECT_TRUE(IsRevokedAtProvider(*Stored()));
  Work(*other_);
  EXPECT_EQ(Requests(), 2u) << "whoever had the lease before may have done the work";
}

TEST_F(RevokerTest, WhoDiesBeforeTheProviderHasAnsweredIsSucceededByWhoeverClaimsTheDueEntry) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  rooms_->http.Hold();
  Begin(*revoker_);
  rooms_->loop.RunUntil([&] { return Requests() == 1; });
  Work(*other_);
  EXPECT_EQ(Requests(), 1u) << "its lease is on";
  EXPECT_TRUE(HasDueEntry());  // hours later
  rooms_->http.Release();
  Work(*other_);
  EXPECT_TRUE(IsRevokedAtProvider(*Stored()));
}

TEST_F(RevokerTest, AReadOnlyStoreKeepsTheProviderFromBeingAsked) {
  Start();
  rooms_->PutGrant("g", minutes(60));
  Provider(503);
  ASSERT_TRUE(Revoke().ok());
  rooms_->store->commits_refused = 100;
  Work(*revoker_);
  EXPECT_EQ(Requests(), 1u);
}

}  // namespace
}  // namespace grantkeep
