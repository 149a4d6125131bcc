// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/conformance/store_harness.h"

namespace grantkeep::testing {
namespace {

TEST_P(StoreConformance, AStoreHasAnIdOf32HexDigitsAndAnEpochFromOne) {
  const StoreIdentity& identity = store_->identity();
  EXPECT_EQ(identity.id.size(), 32u);
  EXPECT_EQ(identity.id.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_GE(identity.epoch, 1u);
}

TEST_P(StoreConformance, TwoStoresHaveDifferentIds) {
  const auto other = GetParam().make();
  EXPECT_NE(other->Open()->identity().id, store_->identity().id);
}

TEST_P(DurableStoreConformance, TheIdentityIsTheSameAfterReopening) {
  const StoreIdentity first = store_->identity();
  Reopen();
  EXPECT_EQ(store_->identity().id, first.id);
  EXPECT_EQ(store_->identity().epoch, first.epoch);
}

// What a store has told its listener. The listener may outlive this object.
class Changes {
 public:
  explicit Changes(Store& store) {
    store.OnChange([log = log_](const Change& change) {
      const std::lock_guard lock(log->mutex);
      log->seen.push_back(change);
    });
  }

  std::vector<Revision> Of(const Key& key) const {
    const std::lock_guard lock(log_->mutex);
    std::vector<Revision> revisions;
    for (const Change& change : log_->seen) {
      if (change.key == key) revisions.push_back(change.revision);
    }
    return revisions;
  }

 private:
  struct Log {
    std::mutex mutex;
    std::vector<Change> seen;
  };
  std::shared_ptr<Log> log_ = std::make_shared<Log>();
};

TEST_P(StoreConformance, EveryWriteDeleteAndTakeIsToldToTheListener) {
  const Changes changes(*store_);
  const Key key = GrantKey("g");
  Commit({Put{.key = key, .replaces = 0, .value = "x", .ttl = {}, .guard = "guard"}});
  Commit({Put{.key = key, .replaces = 1, .value = "y", .ttl = {}, .guard = "guard"}});
  Take(key, "guard");
  Commit({Put{.key = key, .replaces = 0, .value = "z"}});
  Commit({Delete{.key = key, .replaces = 1}});
  loop_.RunUntil([&] { return changes.Of(key).size() >= 5; });
  EXPECT_THAT(changes.Of(key), ::testing::ElementsAre(1, 2, 0, 1, 0));
}

TEST_P(StoreConformance, WhatWasNotWrittenIsNotTold) {
  const Changes changes(*store_);
  const Key key = SecretKey("key");
  const Key last = SecretKey("last");
  Commit({Put{.key = key, .replaces = 7, .value = "x"}});
  Take(key, "guard");
  Commit({Delete{.key = key, .replaces = 0}});
  Commit({TakeLease{key, "me", Moment()}, SetDue{key, store_->Now()}});
  Commit({Put{.key = last, .replaces = 0, .value = "x"}});
  loop_.RunUntil([&] { return !changes.Of(last).empty(); });
  EXPECT_THAT(changes.Of(key), ::testing::IsEmpty());
}

TEST_P(StoreConformance, ABurntRecordIsToldAndAMismatchBeforeItIsNot) {
  const Changes changes(*store_);
  const Key key = GrantKey("g");
  Commit({Put{.key = key, .replaces = 0, .value = "x", .ttl = {}, .guard = "guard"}});
  for (int i = 0; i < 3; ++i) Take(key, "wrong", 3);
  loop_.RunUntil([&] { return changes.Of(key).size() >= 2; });
  EXPECT_THAT(changes.Of(key), ::testing::ElementsAre(1, 0));
}

TEST_P(StoreConformance, AnExpiredRecordIsTold) {
  const Changes changes(*store_);
  const Key key = GrantKey("g");
  Commit({Put{.key = key, .replaces = 0, .value = "x", .ttl = Moment()}});
  Pass(Moment());
  loop_.RunUntil([&] { return changes.Of(key).size() >= 2; });
  EXPECT_THAT(changes.Of(key), ::testing::ElementsAre(1, 0));
}

}  // namespace
}  // namespace grantkeep::testing
