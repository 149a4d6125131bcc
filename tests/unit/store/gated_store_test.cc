// SPDX-License-Identifier: Apache-2.0
#include "store/gated_store.h"

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
using ::testing::HasSubstr;

class GatedStoreTest : public ::testing::Test {
 protected:
  static std::unique_ptr<SqliteStore> InMemory(Clock& clock) {
    SqliteStore::Options options;
    options.path = ":memory:";
    return SqliteStore::Open(std::move(options), clock).value();
  }

  // The status of each operation, by name.
  std::vector<std::pair<std::string, absl::Status>> AllOperations() {
    const Key key = Key::Of(Kind::kGrant, TenantId("acme"), "g");
    const Tick soon = clock_.Steady() + seconds(10);
    std::vector<std::pair<std::string, absl::Status>> statuses;
    statuses.emplace_back("Get", loop_.Run(store_.Get(key, soon)).status());
    statuses.emplace_back("Commit", loop_.Run(store_.Commit({ClearDue{key}}, soon)).status());
    statuses.emplace_back("Take", loop_.Run(store_.Take(key, "g", 5, soon)).status());
    statuses.emplace_back("ClaimDue", loop_.Run(store_.ClaimDue(0, 1, seconds(1), soon)).status());
    statuses.emplace_back("Scan", loop_.Run(store_.Scan(0, Kind::kGrant, key.tenant, "", 1, soon)).status());
    statuses.emplace_back("Adopt", loop_.Run(store_.Adopt(Adoption::kRestore, soon)).status());
    return statuses;
  }

  ManualClock clock_;
  TestLoop loop_;
  std::unique_ptr<SqliteStore> sqlite_ = InMemory(clock_);
  InterposedStore interposed_{*sqlite_};
  GatedStore store_{interposed_};
};

TEST_F(GatedStoreTest, NothingIsDoneBeforeItIsOpenAndCallersAreToldWhenToComeBack) {
  const StoreIdentity before = sqlite_->identity();
  for (const auto& [operation, status] : AllOperations()) {
    EXPECT_TRUE(HasReason(status, Reason::kStoreUnavailable)) << operation;
    EXPECT_EQ(RetryAfterOf(status), GatedStore::kComeBack) << operation;
    EXPECT_THAT(std::string(status.message()), HasSubstr("being checked")) << operation;
  }
  EXPECT_EQ(interposed_.gets + interposed_.commits, 0);
  EXPECT_EQ(sqlite_->identity(), before);
}

TEST_F(GatedStoreTest, OnceOpenItIsTheOtherStore) {
  store_.Open();
  for (const auto& [operation, status] : AllOperations()) EXPECT_TRUE(status.ok()) << operation << status;
  EXPECT_EQ(interposed_.gets + interposed_.commits, 2);
}

TEST_F(GatedStoreTest, WhatIsWrongWithTheStoreIsSaidInstead) {
  interposed_.failure =
      RetryableError(Reason::kStoreUnavailable, "redis at h:1: connection refused", seconds(7));
  for (const auto& [operation, status] : AllOperations()) {
    EXPECT_EQ(RetryAfterOf(status), seconds(7)) << operation;
    EXPECT_THAT(std::string(status.message()), HasSubstr("h:1: connection refused")) << operation;
  }
  interposed_.failure = Error(Reason::kStoreCorrupt, "damaged");
  for (const auto& [operation, status] : AllOperations()) {
    EXPECT_TRUE(HasReason(status, Reason::kStoreUnavailable)) << operation;
    EXPECT_EQ(RetryAfterOf(status), GatedStore::kComeBack) << operation;
  }
}

TEST_F(GatedStoreTest, ListenersAndStateAreTheOtherStoresFromTheBeginning) {
  int changes = 0;
  int losses = 0;
  store_.OnChange([&](const Change&) { ++changes; });
  store_.OnLoss([&] { ++losses; });
  interposed_.Tell(Key::Of(Kind::kGrant, TenantId("acme"), "g"));
  interposed_.TellLoss();
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(losses, 1);
  interposed_.current_epoch = 4;
  interposed_.hold_until = clock_.Steady();
  EXPECT_EQ(store_.epoch(), 4u);
  EXPECT_EQ(store_.CurrentUntil(4), Tick::max());
  EXPECT_EQ(store_.HoldUntil(), clock_.Steady());
  EXPECT_EQ(store_.identity(), sqlite_->identity());
  EXPECT_EQ(store_.Now(), sqlite_->Now());
}

}  // namespace
}  // namespace grantkeep::testing
