// SPDX-License-Identifier: Apache-2.0
// Grants of a store that was adopted, and of one that was not, with the real Refresher over SQLite.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "store/guarded_store.h"
#include "tests/unit/refresh/refresher_fixture.h"
#include "vault/static_secrets.h"

namespace grantkeep {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using storage::v1::Grant;
using testing::kGrace;
using testing::kNone;
using testing::kStrict;
using testing::RefresherTest;
using Result = absl::StatusOr<AccessToken>;

std::string UnknownRotation() {
  std::string yaml = kStrict;
  const std::string line = "    rotation: strict\n";
  return yaml.erase(yaml.find(line), line.size());
}

class AdoptedStore : public RefresherTest {
 protected:
  void StartWithGrant(const std::string& yaml, Duration lifetime) {
    Start(yaml);
    rooms_->PutGrant("g", lifetime);
  }
  void Adopt(Adoption as) {
    ASSERT_TRUE(rooms_->loop.Run(rooms_->store->Adopt(as, rooms_->clock.Steady() + seconds(10))).ok());
  }
  static RefreshRequest Rejecting(uint64_t generation) {
    RefreshRequest request = Request();
    request.rejected_generation = {generation};
    return request;
  }
  StoredGrant Get() {
    auto seen = rooms_->loop.Run(
        refresher_->Get(TenantId("t"), SubjectId("u"), GrantId("g"), rooms_->clock.Steady() + seconds(10)));
    return std::move(seen.value().stored);
  }
  std::vector<std::string> Listed() {
    std::vector<std::string> states;
    const auto page = rooms_->loop.Run(
        rooms_->grants->List(TenantId("t"), std::nullopt, 10, "", rooms_->clock.Steady() + seconds(10)));
    for (const StoredGrant& stored : page.value().grants) states.push_back(stored.grant->state_reason());
    return states;
  }
};

TEST_F(AdoptedStore, AClonesGrantsAreServedWhileValidAndNoProviderIsEverAsked) {
  for (const std::string& yaml : {kStrict, kGrace, kNone}) {
    StartWithGrant(yaml, seconds(100));
    ProviderGrants();
    Adopt(Adoption::kClone);
    EXPECT_EQ(Refresh()->token.Expose(), "at-1");
    EXPECT_TRUE(HasReason(Refresh(Rejecting(1)).status(), Reason::kNeedsReauth));
    rooms_->clock.Advance(seconds(90));  // inside the refresh-ahead window
    EXPECT_TRUE(Refresh().ok());
    EXPECT_TRUE(refresher_->FromMemory(Request())->ok());
    rooms_->loop.RunReady();
    rooms_->clock.Advance(seconds(11));
    const Result expired = Refresh();
    EXPECT_TRUE(HasReason(expired.status(), Reason::kNeedsReauth)) << expired.status();
    EXPECT_THAT(std::string(expired.status().message()), ::testing::HasSubstr("CLONED"));
    EXPECT_EQ(Requests(), 0u);
  }
}

TEST_F(AdoptedStore, ARestoredGrantIsServedWhileValidAndThenPresentedExactlyOnce) {
  for (const std::string& yaml : {kStrict, kGrace, UnknownRotation()}) {
    StartWithGrant(yaml, seconds(100));
    ProviderAnswers(400, R"({"error":"invalid_grant"})");
    Adopt(Adoption::kRestore);
    EXPECT_EQ(Refresh()->token.Expose(), "at-1");
    rooms_->clock.Advance(seconds(90));
    EXPECT_EQ(Refresh()->freshness, Freshness::kFresh);
    EXPECT_EQ(Refresh(Request(seconds(20)))->freshness, Freshness::kStaleOk) << "not even when it is short";
    rooms_->loop.RunReady();
    EXPECT_EQ(Requests(), 0u);
    rooms_->clock.Advance(seconds(11));
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(HasReason(Refresh().status(), Reason::kNeedsReauth));
      rooms_->clock.Advance(hours(1));
    }
    EXPECT_EQ(Requests(), 1u);
    EXPECT_EQ(Get().grant->state(), Grant::STATE_NEEDS_REAUTH);
    EXPECT_EQ(Get().grant->state_reason(), "IN_DOUBT");
  }
}

TEST_F(AdoptedStore, TheLastAttemptOfARestoredGrantMayLoseItsAnswerAndIsNotRepeated) {
  StartWithGrant(kGrace, seconds(100));
  ProviderLosesTheAnswer();
  Adopt(Adoption::kRestore);
  rooms_->clock.Advance(seconds(101));
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(Refresh().ok());
    rooms_->clock.Advance(hours(1));
  }
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(AdoptedStore, ARestoredGrantWhoseRefreshTokenIsStillGoodIsLikeAnyOtherAfterIt) {
  StartWithGrant(kStrict, seconds(100));
  ProviderGrants(100);
  Adopt(Adoption::kRestore);
  rooms_->clock.Advance(seconds(101));
  EXPECT_EQ(Refresh()->token.Expose(), "at-new-1");
  EXPECT_EQ(Get().grant->state(), Grant::STATE_ACTIVE);
  EXPECT_EQ(Get().grant->store_epoch(), 2u);
  rooms_->clock.Advance(seconds(101));
  EXPECT_EQ(Refresh()->token.Expose(), "at-new-2");
  EXPECT_EQ(Requests(), 2u);
}

TEST_F(AdoptedStore, ARequestThatWasNotSentDoesNotSpendTheLastAttempt) {
  StartWithGrant(kStrict, seconds(100));
  Adopt(Adoption::kRestore);
  rooms_->clock.Advance(seconds(101));
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kProviderUnreachable));
  EXPECT_EQ(Get().grant->state_reason(), "RESTORED") << "although it was written in the new epoch";
  ProviderAnswers(400, R"({"error":"invalid_grant"})");
  rooms_->clock.Advance(hours(1));
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kNeedsReauth));
  EXPECT_EQ(Get().grant->state_reason(), "IN_DOUBT");
}

TEST_F(AdoptedStore, WhereARepeatIsHarmlessARestoreChangesNothing) {
  StartWithGrant(kNone, seconds(100));
  ProviderGrants();
  Adopt(Adoption::kRestore);
  EXPECT_EQ(Get().grant->state(), Grant::STATE_ACTIVE);
  rooms_->clock.Advance(seconds(85));
  ASSERT_TRUE(refresher_->FromMemory(Request())->ok());
  rooms_->loop.RunUntil([&] { return Requests() == 1; });
}

TEST_F(AdoptedStore, AGrantSaysTheSameWhereverItIsReadFrom) {
  struct Case {
    Adoption as;
    Grant::State state;
    const char* reason;
  };
  for (const Case& c : {Case{Adoption::kRestore, Grant::STATE_IN_DOUBT, "RESTORED"},
                        Case{Adoption::kClone, Grant::STATE_NEEDS_REAUTH, "CLONED"}}) {
    StartWithGrant(kStrict, seconds(100));
    Adopt(c.as);
    const auto from_memory = rooms_->grants->FromMemory(TenantId("t"), GrantId("g"));
    EXPECT_EQ((*from_memory)->grant->state(), c.state);
    EXPECT_EQ(Get().grant->state_reason(), c.reason);
    EXPECT_EQ(rooms_->LoadGrant("g").grant->state_reason(), c.reason);
    EXPECT_THAT(Listed(), ::testing::ElementsAre(c.reason));
    rooms_->PutGrant("new", seconds(100));
    EXPECT_EQ(rooms_->LoadGrant("new").grant->state(), Grant::STATE_ACTIVE) << "signed in since";
  }
}

// Another process has changed the record since this one read it: what comes back with the refusal of
// the intent counts as well.
TEST_F(AdoptedStore, ARecordThatMovedUnderAFlightCountsToo) {
  StartWithGrant(kStrict, seconds(100));
  ProviderGrants();
  rooms_->clock.Advance(seconds(101));
  rooms_->store->before_next_commit = [this]() -> boost::asio::awaitable<void> {
    // Somebody else puts a newer revision there, in the old epoch, and the store is adopted.
    Wiped<Grant> grant = rooms_->grants->FromMemory(TenantId("t"), GrantId("g")).value()->grant.Clone();
    Grants others(*rooms_->sqlite, *rooms_->records, *rooms_->changes, rooms_->clock);
    const auto written = co_await others.Commit(TenantId("t"), std::move(grant), 1, {}, Tick::max());
    EXPECT_TRUE(written.ok()) << written.status();
    const auto adopted = co_await rooms_->sqlite->Adopt(Adoption::kClone, Tick::max());
    EXPECT_TRUE(adopted.ok()) << adopted.status();
  };
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kNeedsReauth));
  EXPECT_EQ(Requests(), 0u);
}

// --- Before the adoption: a closed GuardedStore.

class ClosedStore : public RefresherTest {
 protected:
  // The rooms over a guard that closes after the grant was stored.
  void StartWithGrant(Duration lifetime) {
    Start(kStrict);
    rooms_->PutGrant("g", lifetime);
    ProviderGrants();
    guarded_ =
        std::make_unique<GuardedStore>(*rooms_->store, [this](const StoreIdentity&) { return verdict_; });
    records_ = std::make_unique<SealedRecords>(*guarded_, *rooms_->root, rooms_->clock, rooms_->random);
    grants_ = std::make_unique<Grants>(*guarded_, *records_, *rooms_->changes, rooms_->clock);
    refresher_ = std::make_unique<Refresher>(*grants_, *guarded_, *rooms_->catalogue, rooms_->clock,
                                             rooms_->random, rooms_->loop.context());
  }
  void TearDown() override {
    refresher_.reset();
    grants_.reset();
  }
  Tick Soon() const { return rooms_->clock.Steady() + seconds(10); }

  absl::Status verdict_ = Error(Reason::kStoreNotAdopted, "another store");
  std::unique_ptr<GuardedStore> guarded_;
  std::unique_ptr<SealedRecords> records_;
  std::unique_ptr<Grants> grants_;
};

TEST_F(ClosedStore, AValidTokenIsServedAndAnExpiredOneIsNotRefreshed) {
  StartWithGrant(seconds(100));
  EXPECT_EQ(Refresh()->token.Expose(), "at-1");
  rooms_->clock.Advance(seconds(90));
  EXPECT_TRUE(Refresh().ok());
  rooms_->loop.RunReady();
  EXPECT_EQ(Refresh(Request(seconds(30)))->freshness, Freshness::kStaleOk);
  rooms_->clock.Advance(seconds(11));
  const Result expired = Refresh();
  EXPECT_TRUE(HasReason(expired.status(), Reason::kStoreNotAdopted)) << expired.status();
  EXPECT_EQ(Requests(), 0u) << "no intent, no request";

  verdict_ = absl::OkStatus();
  ASSERT_TRUE(guarded_->JudgeAnew().ok());
  EXPECT_EQ(Refresh()->token.Expose(), "at-new-1");
}

TEST_F(ClosedStore, TheRootKeyIsCheckedByReadingOnly) {
  StartWithGrant(seconds(100));
  const int commits = rooms_->store->commits;
  EXPECT_TRUE(rooms_->loop.Run(records_->CheckRootKey(Soon())).ok())
      << "not marked yet, and not to be written";
  ASSERT_TRUE(rooms_->loop.Run(rooms_->records->CheckRootKey(Soon())).ok());
  EXPECT_GT(rooms_->store->commits, commits);
  EXPECT_TRUE(rooms_->loop.Run(records_->CheckRootKey(Soon())).ok());

  testing::Rooms other(kStrict);
  SealedRecords wrong(*guarded_, *other.root, rooms_->clock, rooms_->random);
  EXPECT_TRUE(HasReason(rooms_->loop.Run(wrong.CheckRootKey(Soon())), Reason::kKeyUnavailable));
}

TEST_F(ClosedStore, StaticSecretsAreReadAndNotWritten) {
  StartWithGrant(seconds(100));
  StaticSecrets before(*rooms_->store, *rooms_->records, *rooms_->changes, rooms_->clock);
  ASSERT_TRUE(
      rooms_->loop.Run(before.Put(TenantId("t"), "bot", Secret("v"), ProviderId(), std::nullopt, Soon()))
          .ok());
  StaticSecrets secrets(*guarded_, *records_, *rooms_->changes, rooms_->clock);
  EXPECT_EQ(rooms_->loop.Run(secrets.Get(TenantId("t"), "bot", std::nullopt, Soon()))->value.Expose(), "v");
  const auto put =
      rooms_->loop.Run(secrets.Put(TenantId("t"), "bot", Secret("w"), ProviderId(), std::nullopt, Soon()));
  EXPECT_TRUE(HasReason(put.status(), Reason::kStoreNotAdopted)) << put.status();
  const absl::Status deleted = rooms_->loop.Run(secrets.Delete(TenantId("t"), "bot", std::nullopt, Soon()));
  EXPECT_TRUE(HasReason(deleted, Reason::kStoreNotAdopted)) << deleted;
}

}  // namespace
}  // namespace grantkeep
