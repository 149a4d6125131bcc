// SPDX-License-Identifier: Apache-2.0
#include "store/guarded_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "net/loop.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/support/interposed_store.h"
#include "tests/support/test_loop.h"

namespace grantkeep {
namespace {

using std::chrono::seconds;
using testing::InterposedStore;
using testing::TestLoop;

class GuardedStoreTest : public ::testing::Test {
 protected:
  static std::unique_ptr<SqliteStore> Open(Clock& clock) {
    SqliteStore::Options options;
    options.path = ":memory:";
    return SqliteStore::Open(std::move(options), clock).value();
  }
  Tick Soon() const { return clock_.Steady() + seconds(60); }
  static Key KeyOf(const char* id) { return Key::Of(Kind::kGrant, TenantId("t"), id); }
  std::vector<Write> Writes(const char* id, Revision replaces = 0) {
    std::vector<Write> writes;
    writes.emplace_back(Put{.key = KeyOf(id), .replaces = replaces, .value = "v", .guard = "guard"});
    writes.emplace_back(SetDue{KeyOf(id), guarded_.Now()});
    return writes;
  }
  absl::Status Commit(const char* id, Revision replaces = 0) {
    return loop_.Run(guarded_.Commit(Writes(id, replaces), Soon())).status();
  }

  SystemClock clock_;
  TestLoop loop_;
  std::unique_ptr<SqliteStore> sqlite_ = Open(clock_);
  InterposedStore store_{*sqlite_};
  absl::Status verdict_;
  int judged_ = 0;
  GuardedStore guarded_{store_, [this](const StoreIdentity& identity) {
                          ++judged_;
                          EXPECT_EQ(identity, store_.identity());
                          return verdict_;
                        }};
};

TEST_F(GuardedStoreTest, WhileItIsClosedEverythingIsReadAndNothingWritten) {
  ASSERT_TRUE(Commit("g").ok());
  verdict_ = Error(Reason::kStoreNotAdopted, "another store");
  ASSERT_FALSE(guarded_.JudgeAnew().ok());
  const int commits = store_.commits;

  EXPECT_EQ(Commit("h"), verdict_);
  EXPECT_EQ(loop_.Run(guarded_.Take(KeyOf("g"), "guard", 5, Soon())).status(), verdict_);
  EXPECT_EQ(loop_.Run(guarded_.ClaimDue(KeyOf("g").partition, 10, seconds(1), Soon())).status(), verdict_);
  EXPECT_EQ(store_.commits, commits);
  ASSERT_TRUE(loop_.Run(store_.Get(KeyOf("g"), Soon())).value().has_value()) << "it was not taken";
  EXPECT_EQ(loop_.Run(store_.ClaimDue(KeyOf("g").partition, 10, seconds(1), Soon())).value().size(), 1u)
      << "it was not claimed";

  EXPECT_EQ(loop_.Run(guarded_.Get(KeyOf("g"), Soon())).value()->value, "v");
  const auto page =
      loop_.Run(guarded_.Scan(KeyOf("g").partition, Kind::kGrant, TenantId("t"), "", 10, Soon()));
  EXPECT_EQ(page.value().records.size(), 1u);
}

TEST_F(GuardedStoreTest, AnotherIdentityIsJudgedBeforeTheNextWriteAndTheSameOneOnce) {
  ASSERT_TRUE(Commit("g").ok());
  ASSERT_TRUE(Commit("h").ok());
  EXPECT_EQ(judged_, 1);
  verdict_ = Error(Reason::kStoreNotAdopted, "another store");
  ASSERT_TRUE(loop_.Run(store_.Adopt(Adoption::kRestore, Soon())).ok());
  EXPECT_EQ(Commit("i"), verdict_);
  EXPECT_EQ(judged_, 2);
  verdict_ = absl::OkStatus();
  EXPECT_FALSE(Commit("i").ok());
  ASSERT_TRUE(loop_.Run(guarded_.Adopt(Adoption::kRestore, Soon())).ok()) << "the way out";
  EXPECT_TRUE(Commit("i").ok());
  EXPECT_EQ(judged_, 3);
}

TEST_F(GuardedStoreTest, WhatTheStoreSaysOfItselfPasses) {
  store_.hold_until = Tick(seconds(7));
  store_.current_until = Tick(seconds(8));
  store_.current_epoch = 9;
  EXPECT_EQ(guarded_.HoldUntil(), Tick(seconds(7)));
  EXPECT_EQ(guarded_.CurrentUntil(9), Tick(seconds(8)));
  EXPECT_EQ(guarded_.epoch(), 9u);
  EXPECT_EQ(guarded_.identity(), sqlite_->identity());
  store_.failure = Error(Reason::kStoreUnavailable, "down");
  EXPECT_EQ(guarded_.health(), *store_.failure);
  store_.failure.reset();

  int losses = 0;
  std::vector<Key> changed;
  std::mutex mutex;
  guarded_.OnLoss([&] { ++losses; });
  guarded_.OnChange([&](const Change& change) {
    const std::lock_guard lock(mutex);
    changed.push_back(change.key);
  });
  store_.TellLoss();
  store_.Tell(KeyOf("g"));
  EXPECT_EQ(losses, 1);
  const std::lock_guard lock(mutex);
  EXPECT_THAT(changed, ::testing::ElementsAre(KeyOf("g")));
}

}  // namespace
}  // namespace grantkeep
