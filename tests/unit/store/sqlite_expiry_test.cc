// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "store/sqlite/database.h"
#include "tests/unit/store/sqlite_fixture.h"

namespace grantkeep::testing {
namespace {

constexpr Duration kShort = std::chrono::milliseconds(1);

class SqliteExpiry : public SqliteFixture {
 protected:
  // Rows in the file, dead or alive.
  int64_t Rows() {
    auto database = Database::Open(options_.path, Database::Access::kReadOnly).value();
    return database.QueryNumber("SELECT count(*) FROM record").value();
  }
  void PutManyForAMoment(int count) {
    std::vector<Write> writes;
    for (int i = 0; i < count; ++i) {
      writes.push_back(
          grantkeep::Put{.key = KeyOf("g" + std::to_string(i)), .replaces = 0, .value = "v", .ttl = kShort});
      if (writes.size() < Store::kMaxWrites && i + 1 < count) continue;
      ASSERT_TRUE(loop_.Run(store_->Commit(std::exchange(writes, {}), Soon())).ok());
    }
    const Time end = store_->Now() + kShort;
    loop_.RunUntil([&] { return store_->Now() >= end; });
  }
};

TEST_F(SqliteExpiry, ExpiredRecordsAreRemovedInTheBackgroundAndOthersStay) {
  options_.expiry_interval = std::chrono::milliseconds(1);
  Open();
  ASSERT_TRUE(loop_.Run(Put("stays", "v")).ok());
  PutManyForAMoment(300);
  loop_.RunUntil([&] { return Rows() == 1; });
  EXPECT_EQ(ValueOf("stays"), "v");
}

TEST_F(SqliteExpiry, WhatHasExpiredButIsNotYetRemovedIsAbsentForEveryOperation) {
  Open();
  PutManyForAMoment(5);
  ASSERT_EQ(Rows(), 5);
  EXPECT_EQ(ValueOf("g0"), "(absent)");
  EXPECT_TRUE(loop_.Run(store_->Scan(KeyOf("x").partition, Kind::kGrant, TenantId("acme"), "", 10, Soon()))
                  .value()
                  .records.empty());
  EXPECT_EQ(loop_.Run(store_->Take(KeyOf("g1"), "guard", 1, Soon())).value().outcome,
            TakeResult::Outcome::kAbsent);
  std::vector<Write> erase = {Delete{.key = KeyOf("g2"), .replaces = 1}};
  EXPECT_EQ(loop_.Run(store_->Commit(std::move(erase), Soon())).value().outcome,
            CommitResult::Outcome::kRevisionMismatch);
  EXPECT_EQ(loop_.Run(Put("g3", "old", 1)).value().outcome, CommitResult::Outcome::kRevisionMismatch);
  EXPECT_EQ(loop_.Run(Put("g4", "new", 0)).value().outcome, CommitResult::Outcome::kDone);
  EXPECT_EQ(ValueOf("g4"), "new");
  EXPECT_EQ(Rows(), 5);
}

}  // namespace
}  // namespace grantkeep::testing
