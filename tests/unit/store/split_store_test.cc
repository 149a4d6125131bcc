// SPDX-License-Identifier: Apache-2.0
#include "store/split_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/reason.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/support/interposed_store.h"
#include "tests/support/test_loop.h"

namespace grantkeep::testing {
namespace {

using std::chrono::seconds;

const TenantId kTenant("acme");

class SplitStoreTest : public ::testing::Test {
 protected:
  static std::unique_ptr<SqliteStore> InMemory(Clock& clock) {
    SqliteStore::Options options;
    options.path = ":memory:";
    return SqliteStore::Open(std::move(options), clock).value();
  }

  SplitStoreTest() : vault_sqlite_(InMemory(clock_)), ephemeral_sqlite_(InMemory(clock_)) {
    auto vault = std::make_unique<InterposedStore>(*vault_sqlite_);
    auto ephemeral = std::make_unique<InterposedStore>(*ephemeral_sqlite_);
    vault_ = vault.get();
    ephemeral_ = ephemeral.get();
    store_ = std::make_unique<SplitStore>(std::move(vault), std::move(ephemeral));
  }

  // These share a partition.
  static Key FlowKey(std::string id) { return Key::Under(Kind::kFlow, kTenant, "", std::move(id)); }
  static Key GrantKey(std::string id) { return Key::Under(Kind::kGrant, kTenant, "", std::move(id)); }
  static Put PutOf(Key key) {
    return {.key = std::move(key), .replaces = 0, .value = "v", .ttl = {}, .guard = "g"};
  }
  Tick Soon() const { return clock_.Steady() + seconds(10); }

  absl::StatusOr<CommitResult> Commit(std::vector<Write> writes) {
    return loop_.Run(store_->Commit(std::move(writes), Soon()));
  }
  bool Has(Store& store, Key key) { return loop_.Run(store.Get(std::move(key), Soon())).value().has_value(); }

  ManualClock clock_;
  TestLoop loop_;
  std::unique_ptr<SqliteStore> vault_sqlite_;
  std::unique_ptr<SqliteStore> ephemeral_sqlite_;
  std::unique_ptr<SplitStore> store_;
  InterposedStore* vault_ = nullptr;
  InterposedStore* ephemeral_ = nullptr;
};

TEST_F(SplitStoreTest, FlowsLiveInTheEphemeralStoreAndEverythingElseInTheVault) {
  ASSERT_TRUE(Commit({PutOf(FlowKey("f"))}).ok());
  EXPECT_TRUE(Has(*ephemeral_sqlite_, FlowKey("f")));
  EXPECT_FALSE(Has(*vault_sqlite_, FlowKey("f")));
  EXPECT_TRUE(Has(*store_, FlowKey("f")));
  for (const Kind kind : {Kind::kKeyring, Kind::kGrant, Kind::kStaticSecret, Kind::kStaticSecretVersion}) {
    const Key key = Key::Of(kind, kTenant, "x");
    ASSERT_TRUE(Commit({PutOf(key)}).ok());
    EXPECT_TRUE(Has(*vault_sqlite_, key));
    EXPECT_FALSE(Has(*ephemeral_sqlite_, key));
    EXPECT_TRUE(Has(*store_, key));
  }
}

TEST_F(SplitStoreTest, AHintIsInTheVault) {
  const Key hint = Key::Of(Kind::kSubjectGrant, kTenant, "x");
  ASSERT_TRUE(Commit({Put{.key = hint, .value = ""}}).ok());
  const auto count = [&](Store& store) {
    return loop_.Run(store.Scan(hint.partition, hint.kind, kTenant, "", 10, Soon())).value().records.size();
  };
  EXPECT_EQ(count(*vault_sqlite_), 1u);
  EXPECT_EQ(count(*ephemeral_sqlite_), 0u);
  EXPECT_EQ(count(*store_), 1u);
}

TEST_F(SplitStoreTest, AFlowIsTakenFromTheEphemeralStore) {
  ASSERT_TRUE(Commit({PutOf(FlowKey("f"))}).ok());
  const auto taken = loop_.Run(store_->Take(FlowKey("f"), "g", 5, Soon()));
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(taken->outcome, TakeResult::Outcome::kTaken);
  EXPECT_FALSE(Has(*ephemeral_sqlite_, FlowKey("f")));
}

TEST_F(SplitStoreTest, ACommitThatWouldNeedBothStoresWritesNothing) {
  const std::vector<std::vector<Write>> mixed = {
      {PutOf(FlowKey("a")), PutOf(GrantKey("b"))},
      {PutOf(GrantKey("a")), Delete{FlowKey("b"), 0}},
      {PutOf(GrantKey("a")), RequireLease{FlowKey("b"), "me"}},
      {SetDue{FlowKey("a"), clock_.Now()}},
  };
  for (const std::vector<Write>& writes : mixed) {
    EXPECT_TRUE(HasReason(Commit(writes).status(), Reason::kInternal));
  }
  EXPECT_EQ(vault_->commits + ephemeral_->commits, 0);
}

TEST_F(SplitStoreTest, ScansAndDueEntriesAreTheVaults) {
  ASSERT_TRUE(Commit({PutOf(GrantKey("g")), SetDue{GrantKey("g"), clock_.Now()}}).ok());
  const Partition partition = GrantKey("g").partition;
  const auto page = loop_.Run(store_->Scan(partition, Kind::kGrant, kTenant, "", 10, Soon()));
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->records.size(), 1u);
  const auto due = loop_.Run(store_->ClaimDue(partition, 10, seconds(1), Soon()));
  ASSERT_TRUE(due.ok());
  EXPECT_EQ(due->size(), 1u);
}

TEST_F(SplitStoreTest, IdentityHealthCoherenceAndHoldAreTheVaults) {
  EXPECT_EQ(store_->identity(), vault_sqlite_->identity());
  ephemeral_->failure = Error(Reason::kStoreUnavailable, "the ephemeral store is down");
  ephemeral_->current_epoch = 9;
  ephemeral_->hold_until = Tick::max();
  EXPECT_TRUE(store_->health().ok());
  EXPECT_EQ(store_->epoch(), 1u);
  EXPECT_EQ(store_->HoldUntil(), Tick::min());
  vault_->failure = Error(Reason::kStoreUnavailable, "down");
  vault_->current_epoch = 3;
  vault_->current_until = clock_.Steady();
  vault_->hold_until = clock_.Steady();
  EXPECT_FALSE(store_->health().ok());
  EXPECT_EQ(store_->epoch(), 3u);
  EXPECT_EQ(store_->CurrentUntil(3), clock_.Steady());
  EXPECT_EQ(store_->HoldUntil(), clock_.Steady());
}

TEST_F(SplitStoreTest, AdoptBeginsANewEpochOfTheVaultAlone) {
  const StoreIdentity flows = ephemeral_sqlite_->identity();
  const auto adopted = loop_.Run(store_->Adopt(Adoption::kRestore, Soon()));
  ASSERT_TRUE(adopted.ok());
  EXPECT_EQ(adopted->epoch, 2u);
  EXPECT_EQ(store_->identity(), *adopted);
  EXPECT_EQ(ephemeral_sqlite_->identity(), flows);
}

TEST_F(SplitStoreTest, ChangesOfBothAreReportedAndLossesOfTheVault) {
  std::vector<Key> changed;
  int losses = 0;
  store_->OnChange([&](const Change& change) { changed.push_back(change.key); });
  store_->OnLoss([&] { ++losses; });
  vault_->Tell(GrantKey("g"));
  ephemeral_->Tell(FlowKey("f"));
  EXPECT_THAT(changed, ::testing::ElementsAre(GrantKey("g"), FlowKey("f")));
  vault_->TellLoss();
  EXPECT_EQ(losses, 1);
}

TEST_F(SplitStoreTest, WhatOneStoreCannotDoDoesNotStopTheOther) {
  ephemeral_->failure = Error(Reason::kStoreUnavailable, "down");
  EXPECT_TRUE(Commit({PutOf(GrantKey("g"))}).ok());
  EXPECT_TRUE(HasReason(Commit({PutOf(FlowKey("f"))}).status(), Reason::kStoreUnavailable));
  ephemeral_->failure.reset();
  vault_->failure = Error(Reason::kStoreUnavailable, "down");
  EXPECT_TRUE(Commit({PutOf(FlowKey("f"))}).ok());
  EXPECT_TRUE(HasReason(Commit({PutOf(GrantKey("h"))}).status(), Reason::kStoreUnavailable));
}

}  // namespace
}  // namespace grantkeep::testing
