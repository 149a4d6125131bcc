// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_UNIT_STORE_REDIS_FIXTURE_H_
#define GRANTKEEP_TESTS_UNIT_STORE_REDIS_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/reason.h"
#include "net/loop.h"
#include "store/redis/redis_store.h"
#include "tests/support/redis_server.h"
#include "tests/support/tcp_relay.h"
#include "tests/support/test_loop.h"

namespace grantkeep::testing {

// An attempt to connect has failed.
inline bool HasFailed(const RedisStore& store) {
  return store.health().message().find("cannot be used") != std::string::npos;
}

// What a store has told its listener; may outlive the store.
class ToldChanges {
 public:
  explicit ToldChanges(Store& store) {
    store.OnChange([told = told_](const Change& change) {
      const std::lock_guard lock(told->mutex);
      told->changes.push_back(change);
    });
  }
  std::vector<Revision> Of(const Key& key) const {
    const std::lock_guard lock(told_->mutex);
    std::vector<Revision> revisions;
    for (const Change& change : told_->changes) {
      if (change.key == key) revisions.push_back(change.revision);
    }
    return revisions;
  }

 private:
  struct Told {
    std::mutex mutex;
    std::vector<Change> changes;
  };
  std::shared_ptr<Told> told_ = std::make_shared<Told>();
};

// Stores over a real redis-server, with a network in between that can be made bad.
class RedisStoreTest : public ::testing::Test {
 protected:
  RedisStoreTest() : RedisStoreTest(RedisServer::Options()) {}
  explicit RedisStoreTest(const RedisServer::Options& options) : server_(options) {
    server_.Start();
    relay_ = std::make_unique<TcpRelay>(server_.port());
    options_.url.addresses = {{.host = "127.0.0.1", .port = relay_->port(), .path = {}}};
    options_.command_timeout = std::chrono::milliseconds(700);
    options_.connect_timeout = std::chrono::milliseconds(700);
  }

  std::unique_ptr<RedisStore> Open() { return RedisStore::Open(options_, clock_).value(); }
  std::unique_ptr<RedisStore> OpenReady() {
    auto store = Open();
    EXPECT_EQ(WaitUntilReady(*store), absl::OkStatus());
    return store;
  }
  absl::Status WaitUntilReady(RedisStore& store, Duration limit = std::chrono::seconds(15)) {
    return loop_.Run(store.WaitUntilReady(clock_.Steady() + limit));
  }

  // In a time that is enough for anything but a failure.
  Tick Soon() const { return clock_.Steady() + std::chrono::seconds(10); }
  absl::StatusOr<CommitResult> Put(Store& store, const Key& key, Revision replaces, std::string value = "v") {
    std::vector<Write> writes;
    writes.emplace_back(grantkeep::Put{.key = key, .replaces = replaces, .value = std::move(value)});
    return Commit(store, std::move(writes));
  }
  absl::StatusOr<CommitResult> Commit(Store& store, std::vector<Write> writes) {
    return loop_.Run(store.Commit(std::move(writes), Soon()));
  }
  absl::StatusOr<std::optional<Record>> Get(Store& store, const Key& key) {
    return loop_.Run(store.Get(key, Soon()));
  }
  static Key GrantKey(const std::string& id) { return Key::Of(Kind::kGrant, TenantId("acme"), id); }

  RedisServer server_;
  std::unique_ptr<TcpRelay> relay_;
  RedisOptions options_;
  SystemClock clock_;
  TestLoop loop_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_UNIT_STORE_REDIS_FIXTURE_H_
