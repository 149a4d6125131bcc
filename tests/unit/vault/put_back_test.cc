// SPDX-License-Identifier: Apache-2.0
// A store that has lost what it had acknowledged, and a process that remembers it.
#include "vault/put_back.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "tests/unit/vault/coherence_fixture.h"
#include "vault/static_secrets.h"

namespace grantkeep::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using storage::v1::Grant;
using Outcome = CommitResult::Outcome;
using Strings = std::vector<std::string>;

class PutBackByUse : public CoherenceFixture {};

TEST_F(PutBackByUse, AGrantThatTheStoreHasLostIsPutBackAsItWas) {
  StoreUpTo("g1", 2);
  const Record before = *Stored(KeyOf("g1"));
  Lose(KeyOf("g1"));
  EXPECT_EQ(LoadText(), "access-2@2");
  EXPECT_EQ(Stored(KeyOf("g1"))->revision, 2u);
  EXPECT_EQ(Stored(KeyOf("g1"))->value, before.value);
  EXPECT_EQ(MemoryText(), "access-2@2");
}

TEST_F(PutBackByUse, ALaterRevisionThanTheStoreHasIsPutBack) {
  StoreUpTo("g1", 1);
  const Record older = *Stored(KeyOf("g1"));
  ASSERT_TRUE(Commit(MakeGrant("g1", "access-2"), 1).ok());
  Lose(KeyOf("g1"), older);
  EXPECT_EQ(LoadText(), "access-2@2");
  EXPECT_EQ(Stored(KeyOf("g1"))->revision, 2u);
}

TEST_F(PutBackByUse, ACommitAfterALossPutsTheGrantBackFirst) {
  StoreUpTo("g1", 1);
  for (Revision revision = 1; revision < 5; revision += 2) {
    const Record older = *Stored(KeyOf("g1"));
    ASSERT_TRUE(Commit(MakeGrant("g1", "later"), revision).ok());
    Lose(KeyOf("g1"), revision == 1 ? std::optional<Record>(older) : std::nullopt);
    EXPECT_EQ(Commit(MakeGrant("g1", "latest"), revision + 1)->outcome, Outcome::kDone);
    EXPECT_EQ(LoadText(), fmt::format("latest@{}", revision + 2));
    EXPECT_EQ(Stored(KeyOf("g1"))->revision, revision + 2);
  }
}

TEST_F(PutBackByUse, ACommitThatIsRefusedForALossThatNobodyHasNoticedFindsTheGrantPutBack) {
  StoreUpTo("g1", 1);
  const Record older = *Stored(KeyOf("g1"));
  ASSERT_TRUE(Commit(MakeGrant("g1", "access-2"), 1).ok());
  for (const std::optional<Record>& left : {std::optional<Record>(older), std::optional<Record>()}) {
    Lose(KeyOf("g1"), left);
    --store_->current_epoch;
    const auto refused = Commit(MakeGrant("g1", "access-3"), 2);
    EXPECT_EQ(refused->outcome, Outcome::kRevisionMismatch);
    EXPECT_EQ(refused->current->revision, 2u);
    EXPECT_EQ(refused->current->grant->access_token(), "access-2");
  }
  EXPECT_EQ(Commit(MakeGrant("g1", "access-3"), 2)->outcome, Outcome::kDone);
}

// Another process that remembers less comes first: its put-back must not cost ours.
TEST_F(PutBackByUse, WhileLossesAreMendedAReportTakesNothingFromMemoryButTheTrustInIt) {
  StoreUpTo("g1", 1);
  const Record older = *Stored(KeyOf("g1"));
  ASSERT_TRUE(Commit(MakeGrant("g1", "access-2"), 1).ok());
  Lose(KeyOf("g1"), older);
  store_->hold_until = clock_.Steady() + seconds(5);
  store_->Tell(KeyOf("g1"));
  EXPECT_EQ(MemoryText(), "nothing");
  EXPECT_EQ(LoadText(), "access-2@2");
  EXPECT_EQ(Stored(KeyOf("g1"))->revision, 2u);
  // When nothing can be lost, what is reported is outdated.
  store_->hold_until = Tick::min();
  Lose(KeyOf("g1"), older);
  store_->Tell(KeyOf("g1"));
  EXPECT_EQ(LoadText(), "access-1@1");
}

TEST_F(PutBackByUse, OfTwoRecordsOfOneRevisionTheStoresStays) {
  StoreUpTo("g1", 2);
  const Record other = Sealed(KeyOf("g1"), 2, *MakeGrant("g1", "elsewhere"));
  Lose(KeyOf("g1"), other);
  EXPECT_EQ(LoadText(), "elsewhere@2");
  EXPECT_EQ(Stored(KeyOf("g1"))->value, other.value);
  EXPECT_EQ(MemoryText(), "elsewhere@2");
}

// Revisions go on after a failure, too: what was written since the loss may have more of them.
TEST_F(PutBackByUse, LaterTokensWinOverHigherRevisions) {
  const auto tokens = [](const std::string& access_token, uint64_t generation) {
    auto grant = MakeGrant("g1", access_token);
    grant->set_generation(generation);
    return grant;
  };
  StoreUpTo("g1", 2);
  ASSERT_TRUE(Commit(tokens("later", 2), 2).ok());
  Lose(KeyOf("g1"), Sealed(KeyOf("g1"), 5, *tokens("earlier", 1)));
  EXPECT_EQ(LoadText(), "later@6");
  EXPECT_EQ(Stored(KeyOf("g1"))->revision, 6u);
  EXPECT_EQ(MemoryText(), "later@6");
  Lose(KeyOf("g1"), Sealed(KeyOf("g1"), 4, *tokens("latest", 3)));
  EXPECT_EQ(LoadText(), "latest@4");
  EXPECT_EQ(Stored(KeyOf("g1"))->revision, 4u);
  EXPECT_EQ(MemoryText(), "latest@4");
}

TEST_F(PutBackByUse, WhatWasRevokedStaysSoWhateverRevisionTheStoreHas) {
  for (const Revision stored : {Revision{1}, Revision{2}, Revision{5}}) {
    const std::string id = fmt::format("g{}", stored);
    StoreUpTo(id, 1);
    ASSERT_TRUE(Commit(MakeGrant(id, "", Grant::STATE_REVOKED), 1).ok());
    Lose(KeyOf(id), Sealed(KeyOf(id), stored, *MakeGrant(id, "alive")));
    const auto loaded = Load(id);
    ASSERT_TRUE(loaded.ok() && loaded->has_value());
    EXPECT_EQ((*loaded)->grant->state(), Grant::STATE_REVOKED);
    EXPECT_EQ((*loaded)->revision, stored < 2 ? 2 : stored + 1);
    EXPECT_EQ(Stored(KeyOf(id))->revision, (*loaded)->revision);
    // Also for who has nothing in memory.
    Grants elsewhere(*store_, *records_, *changes_, clock_);
    const auto read = Run(elsewhere.Load(acme_, GrantId(id), Soon()));
    EXPECT_EQ((*read)->grant->state(), Grant::STATE_REVOKED);
  }
}

// The store has gone back to the very revision that a refresh under way has read.
TEST_F(PutBackByUse, ACommitThatIsBasedOnLessThanMemoryHasDoesNotCoverUpALostRevocation) {
  StoreUpTo("g1", 1);
  const Record older = *Stored(KeyOf("g1"));
  ASSERT_TRUE(Commit(MakeGrant("g1", "", Grant::STATE_REVOKED), 1).ok());
  Lose(KeyOf("g1"), older);
  const auto refused = Commit(MakeGrant("g1", "access-2"), 1);
  ASSERT_TRUE(refused.ok()) << refused.status();
  EXPECT_EQ(refused->outcome, Outcome::kRevisionMismatch);
  EXPECT_EQ(refused->current->grant->state(), Grant::STATE_REVOKED);
  EXPECT_EQ((*Load("g1"))->grant->state(), Grant::STATE_REVOKED);
}

// What was read is lost, and somebody has revoked the grant since: his tombstone has its revision.
TEST_F(PutBackByUse, ACommitDoesNotReplaceATombstoneOfTheSameRevision) {
  StoreUpTo("g1", 2);
  Lose(KeyOf("g1"), Sealed(KeyOf("g1"), 2, *MakeGrant("g1", "", Grant::STATE_REVOKED)));
  const auto refused = Commit(MakeGrant("g1", "access-3"), 2);
  ASSERT_TRUE(refused.ok()) << refused.status();
  EXPECT_EQ(refused->outcome, Outcome::kRevisionMismatch);
  EXPECT_EQ(refused->current->grant->state(), Grant::STATE_REVOKED);
  EXPECT_EQ((*Load("g1"))->grant->state(), Grant::STATE_REVOKED);
}

TEST_F(PutBackByUse, ACommitAfterALossThatDidNotConcernTheRecordIsDone) {
  StoreUpTo("g1", 2);
  ++store_->current_epoch;
  EXPECT_EQ(Commit(MakeGrant("g1", "access-3"), 2)->outcome, Outcome::kDone);
  EXPECT_EQ(LoadText(), "access-3@3");
}

TEST_F(PutBackByUse, ARevocationInTheStoreIsNotUndoneByALaterRevision) {
  StoreUpTo("g1", 7);
  Lose(KeyOf("g1"), Sealed(KeyOf("g1"), 6, *MakeGrant("g1", "", Grant::STATE_REVOKED)));
  EXPECT_EQ((*Load("g1"))->grant->state(), Grant::STATE_REVOKED);
  EXPECT_EQ(Stored(KeyOf("g1"))->revision, 6u);
  EXPECT_EQ((**grants_->FromMemory(acme_, GrantId("g1"))).grant->state(), Grant::STATE_REVOKED);
}

TEST_F(PutBackByUse, ARecordThatSomebodyHasPutBackMeanwhileIsLeftAlone) {
  StoreUpTo("g1", 2);
  const Record before = *Stored(KeyOf("g1"));
  Lose(KeyOf("g1"));
  store_->before_next_commit = [this, before]() -> boost::asio::awaitable<void> {
    std::vector<Write> writes;
    writes.emplace_back(Restore{before.key, 0, before.revision, before.value});
    EXPECT_TRUE((co_await sqlite_->Commit(std::move(writes), Soon())).ok());
  };
  EXPECT_EQ(LoadText(), "access-2@2");
  EXPECT_EQ(MemoryText(), "access-2@2");
}

// Memory's revision is the higher one, but the tombstone came while it was being put back.
TEST_F(PutBackByUse, ARevocationThatOvertakesThePutBackStays) {
  StoreUpTo("g1", 1);
  const Record before = *Stored(KeyOf("g1"));
  for (Revision revision = 1; revision < 6; ++revision) {
    ASSERT_TRUE(Commit(MakeGrant("g1", "later"), revision).ok());
  }
  Lose(KeyOf("g1"), before);
  auto tombstone = MakeGrant("g1", "");
  tombstone->set_state(Grant::STATE_REVOKED);
  const Record revoked = Sealed(KeyOf("g1"), 2, *tombstone);
  store_->before_next_commit = [this, revoked]() -> boost::asio::awaitable<void> {
    std::vector<Write> writes;
    writes.emplace_back(Put{.key = revoked.key, .replaces = 1, .value = revoked.value});
    EXPECT_TRUE((co_await sqlite_->Commit(std::move(writes), Soon())).ok());
  };
  const auto loaded = Run(grants_->Load(acme_, GrantId("g1"), Soon()));
  ASSERT_TRUE(loaded.ok() && loaded->has_value()) << loaded.status();
  EXPECT_EQ((*loaded)->grant->state(), Grant::STATE_REVOKED);
  EXPECT_EQ(Stored(KeyOf("g1"))->revision, 2u);
}

TEST_F(PutBackByUse, ARecordThatIsDeletedWhileItIsReadStaysDeleted) {
  StoreUpTo("g1", 2);
  Lose(KeyOf("g1"));
  store_->before_get = [this]() -> boost::asio::awaitable<void> {
    store_->Tell(KeyOf("g1"));
    co_return;
  };
  EXPECT_EQ(LoadText(), "nothing");
  EXPECT_FALSE(Stored(KeyOf("g1")).has_value());
}

TEST_F(PutBackByUse, AnOldRecordIsNotAnsweredWhileTheNewOneCannotBePutBack) {
  StoreUpTo("g1", 1);
  const Record older = *Stored(KeyOf("g1"));
  ASSERT_TRUE(Commit(MakeGrant("g1", "access-2"), 1).ok());
  Lose(KeyOf("g1"), older);
  store_->before_next_commit = [this]() -> boost::asio::awaitable<void> {
    store_->failure = Error(Reason::kStoreUnavailable, "away");
    co_return;
  };
  EXPECT_TRUE(HasReason(Load("g1").status(), Reason::kStoreUnavailable));
  store_->failure.reset();
  EXPECT_EQ(LoadText(), "access-2@2");
}

TEST_F(PutBackByUse, TheKeyringComesBackBeforeTheRecord) {
  StoreUpTo("g1", 1);
  const Key keyring = Key::Of(Kind::kKeyring, acme_, "keyring");
  Lose(keyring);
  Lose(KeyOf("g1"));
  EXPECT_EQ(LoadText(), "access-1@1");
  EXPECT_TRUE(Stored(keyring).has_value());
  const auto restarted = NewRecords();
  Grants elsewhere(*store_, *restarted, *changes_, clock_);
  EXPECT_EQ(Describe(Run(elsewhere.Load(acme_, GrantId("g1"), Soon()))), "access-1@1");
}

TEST_F(PutBackByUse, AGrantThatIsPutBackIsListedUnderItsSubjectAgain) {
  StoreUpTo("g1", 1);
  Lose(KeyOf("g1"));
  EXPECT_EQ(Listed(), Strings{}) << "the hint is lost, too";
  EXPECT_EQ(LoadText(), "access-1@1");
  EXPECT_EQ(Listed(), Strings{"g1"});
}

TEST_F(PutBackByUse, AGrantIsNotPutBackWithoutItsHint) {
  StoreUpTo("g1", 1);
  Lose(KeyOf("g1"));
  store_->before_next_commit = [this]() -> boost::asio::awaitable<void> {
    store_->failure = Error(Reason::kStoreUnavailable, "away");
    co_return;
  };
  EXPECT_TRUE(HasReason(Load("g1").status(), Reason::kStoreUnavailable));
  store_->failure.reset();
  EXPECT_FALSE(Stored(KeyOf("g1")).has_value()) << "or nobody would see that the hint is missing";
  EXPECT_EQ(LoadText(), "access-1@1");
  EXPECT_EQ(Listed(), Strings{"g1"});
}

TEST_F(PutBackByUse, ARevocationThatIsWrittenAgainIsListedToo) {
  StoreUpTo("g1", 1);
  ASSERT_TRUE(Commit(MakeGrant("g1", "", Grant::STATE_REVOKED), 1).ok());
  Lose(KeyOf("g1"), Sealed(KeyOf("g1"), 3, *MakeGrant("g1", "alive")));
  EXPECT_EQ((*Load("g1"))->revision, 4u);
  EXPECT_EQ(Listed(), Strings{"g1"});
}

class PutBackByASweep : public CoherenceFixture {
 protected:
  static Key SecretKey(const std::string& name) {
    return Key::Under(Kind::kStaticSecret, TenantId("acme"), "", name);
  }
  void PutSecret(const std::string& name, std::string_view value) {
    ASSERT_TRUE(Run(secrets_.Put(acme_, name, Secret(value), ProviderId(), std::nullopt, Soon())).ok());
  }
  boost::asio::awaitable<bool> Sweep() {
    co_await put_back_.Run();
    co_return true;
  }
  std::shared_ptr<std::optional<bool>> StartSweep() {
    EXPECT_TRUE(put_back_.Begin());
    return loop_.Start(Sweep());
  }
  void RunSweep() {
    const auto swept = StartSweep();
    loop_.RunUntil([&] { return swept->has_value(); });
  }

  StaticSecrets secrets_{*store_, *records_, *changes_, clock_};
  PutBack put_back_{*records_, *grants_, secrets_, clock_};
};

TEST_F(PutBackByASweep, EverythingThatIsInMemoryIsPutBack) {
  constexpr int kGrants = 300;  // more than are compared at a time
  for (int i = 0; i < kGrants; ++i) StoreUpTo(fmt::format("g{}", i), 1);
  PutSecret("bot", "value");
  const Key keyring = Key::Of(Kind::kKeyring, acme_, "keyring");
  for (int i = 0; i < kGrants; i += 2) Lose(KeyOf(fmt::format("g{}", i)));
  Lose(SecretKey("bot"));
  Lose(keyring);
  RunSweep();
  for (int i = 0; i < kGrants; ++i) EXPECT_TRUE(Stored(KeyOf(fmt::format("g{}", i))).has_value()) << i;
  EXPECT_TRUE(Stored(SecretKey("bot")).has_value());
  EXPECT_TRUE(Stored(keyring).has_value());
  EXPECT_EQ(put_back_.last().compared, kGrants + 2u);
  EXPECT_EQ(put_back_.last().put_back, kGrants / 2 + 2u);
  EXPECT_EQ(put_back_.last().failed, 0u);
  EXPECT_EQ(MemoryText("g0"), "access-1@1") << "and is known to be the newest again";
}

TEST_F(PutBackByASweep, AGrantThatIsPutBackIsListedUnderItsSubjectAgain) {
  StoreUpTo("g1", 1);
  StoreUpTo("g2", 2);
  Lose(KeyOf("g1"));
  Lose(KeyOf("g2"));
  RunSweep();
  EXPECT_EQ(Listed(), (Strings{"g1", "g2"}));
}

TEST_F(PutBackByASweep, WhatTheStoreHasKeptIsReadAndNotWritten) {
  StoreUpTo("g1", 3);
  PutSecret("bot", "value");
  ++store_->current_epoch;
  store_->commits = 0;
  RunSweep();
  EXPECT_EQ(store_->commits, 0);
  EXPECT_EQ(put_back_.last().put_back, 0u);
  EXPECT_EQ(MemoryText(), "access-3@3");
}

TEST_F(PutBackByASweep, ARevokedGrantIsBuried) {
  StoreUpTo("g1", 1);
  ASSERT_TRUE(Commit(MakeGrant("g1", "", Grant::STATE_REVOKED), 1).ok());
  Lose(KeyOf("g1"), Sealed(KeyOf("g1"), 3, *MakeGrant("g1", "alive")));
  RunSweep();
  EXPECT_EQ(put_back_.last().buried, 1u);
  EXPECT_EQ(Stored(KeyOf("g1"))->revision, 4u);
}

TEST_F(PutBackByASweep, WaitsForAStoreThatDoesNotAnswer) {
  for (int i = 0; i < 10; ++i) StoreUpTo(fmt::format("g{}", i), 1);
  for (int i = 0; i < 10; ++i) Lose(KeyOf(fmt::format("g{}", i)));
  store_->failure = Error(Reason::kStoreUnavailable, "away");
  const auto swept = StartSweep();
  for (int i = 0; i < 5; ++i) {
    loop_.RunReady();
    clock_.Advance(seconds(1));
  }
  EXPECT_FALSE(swept->has_value());
  store_->failure.reset();
  loop_.RunUntil([&] {
    clock_.Advance(milliseconds(5));
    return swept->has_value();
  });
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Stored(KeyOf(fmt::format("g{}", i))).has_value()) << i;
  EXPECT_EQ(put_back_.last().put_back, 10u);
}

TEST_F(PutBackByASweep, ANewLossBeginsItAgain) {
  for (int i = 0; i < 100; ++i) StoreUpTo(fmt::format("g{}", i), 1);
  bool lost_again = false;
  store_->before_get = [&]() -> boost::asio::awaitable<void> {
    if (store_->gets == 90 && !std::exchange(lost_again, true)) {
      // What was compared first is lost now.
      sqlite_->OnChange(nullptr);
      for (int i = 0; i < 100; ++i) {
        std::vector<Write> writes;
        writes.emplace_back(Delete{KeyOf(fmt::format("g{}", i)), 1});
        (co_await sqlite_->Commit(std::move(writes), Soon())).IgnoreError();
      }
      EXPECT_FALSE(put_back_.Begin()) << "it is running";
    }
  };
  store_->gets = 0;
  RunSweep();
  ASSERT_TRUE(lost_again);
  store_->before_get = nullptr;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(Stored(KeyOf(fmt::format("g{}", i))).has_value()) << i;
}

TEST_F(PutBackByASweep, RunsAgainAfterItHasEnded) {
  StoreUpTo("g1", 1);
  RunSweep();
  Lose(KeyOf("g1"));
  RunSweep();
  EXPECT_TRUE(Stored(KeyOf("g1")).has_value());
}

TEST_F(PutBackByASweep, OneDamagedRecordStopsNothing) {
  StoreUpTo("g1", 1);
  StoreUpTo("g2", 1);
  Lose(KeyOf("g1"), Record{KeyOf("g1"), 9, "nonsense"});
  Lose(KeyOf("g2"));
  RunSweep();
  EXPECT_EQ(put_back_.last().failed, 1u);
  EXPECT_TRUE(Stored(KeyOf("g2")).has_value());
}

}  // namespace
}  // namespace grantkeep::testing
