// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_UNIT_STORE_SQLITE_FIXTURE_H_
#define GRANTKEEP_TESTS_UNIT_STORE_SQLITE_FIXTURE_H_

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "net/loop.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_loop.h"

namespace grantkeep::testing {

// A SqliteStore in a file, whose storage thread can be held up.
class SqliteFixture : public ::testing::Test {
 protected:
  SqliteFixture() {
    options_.path = (folder_ / "store.db").string();
    options_.expiry_interval = std::chrono::hours(1);
  }
  ~SqliteFixture() override { Release(); }

  void Open() { store_ = SqliteStore::Open(options_, *clock_).value(); }
  void Reopen() {
    store_.reset();
    Open();
  }

  static Key KeyOf(std::string id) { return Key::Under(Kind::kGrant, TenantId("acme"), "", std::move(id)); }
  Tick Soon() const { return clock_->Steady() + std::chrono::seconds(60); }

  boost::asio::awaitable<absl::StatusOr<CommitResult>> Put(std::string id, std::string value,
                                                           Revision replaces = 0,
                                                           std::optional<Duration> ttl = std::nullopt) {
    std::vector<Write> writes;
    writes.push_back(grantkeep::Put{
        .key = KeyOf(std::move(id)), .replaces = replaces, .value = std::move(value), .ttl = ttl});
    return store_->Commit(std::move(writes), Soon());
  }
  boost::asio::awaitable<absl::StatusOr<std::optional<Record>>> Get(std::string id) {
    return store_->Get(KeyOf(std::move(id)), Soon());
  }
  std::string ValueOf(std::string id) {
    const auto record = loop_.Run(Get(std::move(id))).value();
    return record.has_value() ? record->value : "(absent)";
  }

  // Holds the storage thread up until Release(): what is started in between waits in the queue
  // and becomes one group.
  void Hold() {
    {
      const std::lock_guard lock(gate_->mutex);
      gate_->closed = true;
    }
    store_->OnChange([gate = gate_](const Change&) {
      std::unique_lock lock(gate->mutex);
      gate->waiting = gate->closed;
      gate->changed.notify_all();
      gate->changed.wait(lock, [&] { return !gate->closed; });
    });
    const std::string id = "held " + std::to_string(holds_++);
    held_ = loop_.Start(Put(id, "v"));
    loop_.RunReady();
    std::unique_lock lock(gate_->mutex);
    if (!gate_->changed.wait_for(lock, std::chrono::seconds(20), [&] { return gate_->waiting; })) {
      throw std::runtime_error("the storage thread was not held up");
    }
    gate_->waiting = false;
  }
  void Release() {
    const std::lock_guard lock(gate_->mutex);
    gate_->closed = false;
    gate_->changed.notify_all();
  }

  struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    bool closed = false;
    bool waiting = false;
  };
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  int holds_ = 0;
  std::shared_ptr<std::optional<absl::StatusOr<CommitResult>>> held_;

  TempDir folder_;
  SqliteStore::Options options_;
  SystemClock system_;
  Clock* clock_ = &system_;
  TestLoop loop_;
  std::unique_ptr<SqliteStore> store_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_UNIT_STORE_SQLITE_FIXTURE_H_
