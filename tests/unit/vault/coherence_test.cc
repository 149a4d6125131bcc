// SPDX-License-Identifier: Apache-2.0
// What is answered from memory while other processes write to the store.
#include <gtest/gtest.h>

#include "base/reason.h"
#include "tests/unit/vault/coherence_fixture.h"

namespace grantkeep::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Outcome = CommitResult::Outcome;

class Coherence : public CoherenceFixture {};

TEST_F(Coherence, AnInvalidationTakesTheGrantOutOfMemory) {
  StoreUpTo("g1", 1);
  EXPECT_EQ(MemoryText(), "access-1@1");
  store_->Tell(KeyOf("g2"));
  EXPECT_EQ(MemoryText(), "access-1@1");
  store_->Tell(KeyOf("g1"));
  EXPECT_EQ(MemoryText(), "nothing");
  EXPECT_EQ(LoadText(), "access-1@1");
  EXPECT_EQ(MemoryText(), "access-1@1");
}

TEST_F(Coherence, AnInvalidationThatOvertakesTheReplyOfTheReadVoidsTheInsert) {
  StoreUpTo("g1", 1);
  store_->Tell(KeyOf("g1"));
  store_->before_get = [this]() -> boost::asio::awaitable<void> {
    store_->Tell(KeyOf("g1"));
    co_return;
  };
  EXPECT_EQ(LoadText(), "access-1@1") << "the reply is used once";
  EXPECT_EQ(MemoryText(), "nothing");
  store_->before_get = nullptr;
  EXPECT_EQ(LoadText(), "access-1@1");
  EXPECT_EQ(MemoryText(), "access-1@1");
}

TEST_F(Coherence, AnInvalidationThatOvertakesTheAnswerToOnesOwnCommitVoidsTheInsert) {
  StoreUpTo("g1", 1);
  store_->after_next_commit = [this] { store_->Tell(KeyOf("g1")); };
  EXPECT_EQ(Commit(MakeGrant("g1", "access-2"), 1)->outcome, Outcome::kDone);
  EXPECT_EQ(MemoryText(), "nothing");
}

TEST_F(Coherence, AnInvalidationThatOvertakesARefusalVoidsTheInsertToo) {
  StoreUpTo("g1", 2);
  store_->Tell(KeyOf("g1"));
  store_->after_next_commit = [this] { store_->Tell(KeyOf("g1")); };
  const auto refused = Commit(MakeGrant("g1", "loser"), 1);
  EXPECT_EQ(refused->outcome, Outcome::kRevisionMismatch);
  EXPECT_EQ(refused->current->revision, 2u);
  EXPECT_EQ(MemoryText(), "nothing");
}

TEST_F(Coherence, WhatWasReadWhileTheEpochChangedIsNotAnsweredFromMemory) {
  StoreUpTo("g1", 1);
  store_->Tell(KeyOf("g1"));
  store_->before_get = [this]() -> boost::asio::awaitable<void> {
    store_->current_epoch = 2;
    co_return;
  };
  EXPECT_EQ(LoadText(), "access-1@1");
  EXPECT_EQ(MemoryText(), "nothing");
  store_->before_get = nullptr;
  EXPECT_EQ(LoadText(), "access-1@1");
  EXPECT_EQ(MemoryText(), "access-1@1");
}

TEST_F(Coherence, WhatWasWrittenWhileTheEpochChangedIsNotAnsweredFromMemory) {
  store_->after_next_commit = [this] { store_->current_epoch = 2; };
  StoreUpTo("g1", 1);
  EXPECT_EQ(MemoryText(), "nothing");
}

TEST_F(Coherence, NothingIsAnsweredFromMemoryThatIsNotProvablyTheNewest) {
  StoreUpTo("g1", 1);
  store_->current_until = clock_.Steady() + milliseconds(100);
  EXPECT_EQ(MemoryText(), "access-1@1");
  clock_.Advance(milliseconds(99));
  EXPECT_EQ(MemoryText(), "access-1@1");
  clock_.Advance(milliseconds(1));
  EXPECT_EQ(MemoryText(), "nothing");
}

TEST_F(Coherence, ASuspectGrantIsReadOnceAndThenAnsweredFromMemoryAgain) {
  StoreUpTo("g1", 1);
  store_->current_epoch = 2;
  EXPECT_EQ(MemoryText(), "nothing");
  store_->gets = 0;
  store_->commits = 0;
  EXPECT_EQ(LoadText(), "access-1@1");
  EXPECT_EQ(MemoryText(), "access-1@1");
  EXPECT_EQ(store_->gets, 1);
  EXPECT_EQ(store_->commits, 0);
}

TEST_F(Coherence, ASuspectGrantThatWasReplacedElsewhereIsReplaced) {
  StoreUpTo("g1", 1);
  const Record newer = Sealed(KeyOf("g1"), 4, *MakeGrant("g1", "elsewhere"));
  Lose(KeyOf("g1"), newer);
  EXPECT_EQ(MemoryText(), "nothing");
  EXPECT_EQ(LoadText(), "elsewhere@4");
  EXPECT_EQ(MemoryText(), "elsewhere@4");
}

TEST_F(Coherence, ASuspectGrantIsRememberedWithTheTimeSinceWhenItIs) {
  EXPECT_FALSE(grants_->Remembered(acme_, GrantId("g1"))->has_value());
  StoreUpTo("g1", 1);
  EXPECT_EQ((*grants_->Remembered(acme_, GrantId("g1")))->unproven_for, Duration(0));
  store_->current_until = clock_.Steady();
  clock_.Advance(seconds(7));
  const auto remembered = grants_->Remembered(acme_, GrantId("g1"));
  EXPECT_EQ((*remembered)->stored.grant->access_token(), "access-1");
  EXPECT_EQ((*remembered)->unproven_for, Duration(seconds(7)));
  store_->current_epoch = 2;
  EXPECT_EQ((*grants_->Remembered(acme_, GrantId("g1")))->unproven_for, Duration::max())
      << "the store does not know for how long that was current";
}

TEST_F(Coherence, ChangesAreReportedToWhoWaitsForTheGrant) {
  StoreUpTo("g1", 1);
  const auto wait = [this]() -> boost::asio::awaitable<bool> {
    ChangeWaiters::Armed change = grants_->ChangeOf(acme_, GrantId("g1"));
    co_await change.Wait(clock_, Tick::max());
    // Whoever is woken finds nothing outdated.
    co_return !(*grants_->FromMemory(acme_, GrantId("g1"))).has_value();
  };
  const auto woken = loop_.Start(wait());
  loop_.RunReady();
  EXPECT_FALSE(woken->has_value());
  store_->Tell(KeyOf("g1"));
  loop_.RunUntil([&] { return woken->has_value(); });
  EXPECT_TRUE(**woken);
}

TEST_F(Coherence, AStoreMayOutliveThoseItReportsTo) {
  StoreUpTo("g1", 1);
  grants_.reset();
  store_->Tell(KeyOf("g1"));
  changes_.reset();
  store_->Tell(KeyOf("g1"));
  store_->TellLoss();
}

}  // namespace
}  // namespace grantkeep::testing
