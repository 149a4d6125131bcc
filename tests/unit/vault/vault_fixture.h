// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_UNIT_VAULT_VAULT_FIXTURE_H_
#define GRANTKEEP_TESTS_UNIT_VAULT_VAULT_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "crypto/random.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/support/interposed_store.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_loop.h"
#include "vault/root_key.h"
#include "vault/sealed.h"
#include "vault/store_changes.h"

namespace grantkeep::testing {

// SQLite in memory, a root key in a file, time that stands still.
class VaultFixture : public ::testing::Test {
 protected:
  explicit VaultFixture(const std::string& store_path = ":memory:") {
    SqliteStore::Options options;
    options.path = store_path;
    sqlite_ = SqliteStore::Open(options, clock_).value();
    store_ = std::make_unique<InterposedStore>(*sqlite_);
    changes_ = std::make_unique<StoreChanges>(*store_);
    root_ = NewRootKey("root.key");
    records_ = NewRecords();
  }

  void TearDown() override { loop_.Stop(); }

  std::unique_ptr<KeyWrapper> NewRootKey(const std::string& name) {
    const std::string path = (folder_ / name).string();
    EXPECT_TRUE(CreateRootKeyFile(path, random_).ok());
    return OpenRootKeyFile(path, false, random_).value();
  }
  // What another process, or this one after a restart, would have.
  std::unique_ptr<SealedRecords> NewRecords() {
    return std::make_unique<SealedRecords>(*store_, *root_, clock_, random_);
  }

  Tick Soon() const { return clock_.Steady() + std::chrono::seconds(30); }

  template <typename T>
  T Run(boost::asio::awaitable<T> task) {
    return loop_.Run(std::move(task));
  }

  std::string Seal(const Key& key, Revision revision, std::string_view payload) {
    return Run(records_->Seal(key, revision, payload, Soon())).value();
  }
  absl::StatusOr<Secret> Open(const Key& key, Revision revision, std::string_view sealed) {
    return Run(records_->Open(key, revision, sealed, Soon()));
  }
  std::optional<Record> Stored(const Key& key) { return Run(sqlite_->Get(key, Soon())).value(); }
  // Writes past the vault, as somebody with access to the store could.
  void Overwrite(const Key& key, std::string value) {
    const auto old = Stored(key);
    std::vector<Write> writes;
    writes.emplace_back(
        Put{key, old.has_value() ? old->revision : 0, std::move(value), std::nullopt, std::nullopt});
    const auto result = Run(sqlite_->Commit(std::move(writes), Soon()));
    ASSERT_TRUE(result.ok() && result->outcome == CommitResult::Outcome::kDone);
  }

  const TenantId acme_{"acme"};
  ManualClock clock_;
  SystemRandom random_;
  TempDir folder_;
  TestLoop loop_;
  std::unique_ptr<SqliteStore> sqlite_;
  std::unique_ptr<InterposedStore> store_;
  std::unique_ptr<StoreChanges> changes_;
  std::unique_ptr<KeyWrapper> root_;
  std::unique_ptr<SealedRecords> records_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_UNIT_VAULT_VAULT_FIXTURE_H_
