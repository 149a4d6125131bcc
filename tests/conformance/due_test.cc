// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include "tests/conformance/store_harness.h"

namespace grantkeep::testing {
namespace {

std::vector<std::string> Ids(const std::vector<DueItem>& items) {
  std::vector<std::string> ids;
  for (const DueItem& item : items) ids.push_back(item.key.id);
  return ids;
}

using Strings = std::vector<std::string>;
constexpr auto kLong = std::chrono::hours(1000);

TEST_P(StoreConformance, WhatIsDueIsClaimedEarliestFirstUpToTheLimit) {
  const Time now = store_->Now();
  const Partition partition = SecretKey("x").partition;
  const auto second = std::chrono::seconds(1);
  Commit({SetDue{SecretKey("c"), now - 1 * second}, SetDue{SecretKey("a"), now - 3 * second},
          SetDue{SecretKey("b"), now - 2 * second}, SetDue{SecretKey("later"), now + kLong}});
  const auto first = ClaimDue(partition, 2, kLong);
  EXPECT_EQ(Ids(first), (Strings{"a", "b"}));
  EXPECT_EQ(first[0].key, SecretKey("a"));
  EXPECT_LE(std::chrono::abs(first[0].due - (now - 3 * second)), std::chrono::milliseconds(1));
  EXPECT_EQ(Ids(ClaimDue(partition, 2, kLong)), (Strings{"c"}));
  EXPECT_TRUE(ClaimDue(partition, 2, kLong).empty());
}

TEST_P(StoreConformance, NothingIsClaimedBeforeItIsDue) {
  const Key key = GrantKey("g");
  Commit({SetDue{key, store_->Now() + Moment()}});
  const bool early = !ClaimDue(key.partition, 10, kLong).empty();
  EXPECT_FALSE(early);
  Pass(Moment());
  EXPECT_EQ(Ids(ClaimDue(key.partition, 10, kLong)), (Strings{"g"}));
}

TEST_P(StoreConformance, AClaimThatIsNotFinishedComesBackAfterItsLease) {
  const Key key = GrantKey("g");
  Commit({SetDue{key, store_->Now()}});
  EXPECT_EQ(ClaimDue(key.partition, 10, Moment()).size(), 1u);
  for (int times = 0; times < 3; ++times) {
    Pass(Moment());
    EXPECT_EQ(ClaimDue(key.partition, 10, Moment()).size(), 1u);
  }
}

TEST_P(StoreConformance, AnEntryReplacesTheOneThatIsThere) {
  const Key key = GrantKey("g");
  Commit({SetDue{key, store_->Now()}});
  Commit({SetDue{key, store_->Now() + kLong}});
  EXPECT_TRUE(ClaimDue(key.partition, 10, kLong).empty());
  Commit({SetDue{key, store_->Now()}});
  EXPECT_EQ(ClaimDue(key.partition, 10, kLong).size(), 1u);
  // Also after a claim: the claimer says when to come back.
  Commit({SetDue{key, store_->Now()}});
  EXPECT_EQ(ClaimDue(key.partition, 10, kLong).size(), 1u);
}

TEST_P(StoreConformance, AClearedEntryIsNotClaimed) {
  const Key key = GrantKey("g");
  Commit({SetDue{key, store_->Now()}});
  Commit({ClearDue{key}});
  EXPECT_TRUE(ClaimDue(key.partition, 10, Moment()).empty());
  Commit({ClearDue{key}});
  Commit({SetDue{key, store_->Now()}});
  EXPECT_EQ(ClaimDue(key.partition, 10, Moment()).size(), 1u);
  Commit({ClearDue{key}});
  Pass(Moment());
  EXPECT_TRUE(ClaimDue(key.partition, 10, Moment()).empty());
}

TEST_P(StoreConformance, EntriesOfOtherPartitionsAreLeftAlone) {
  const Key key = GrantKey("g");
  const Partition other = (key.partition + 1) % kPartitions;
  Commit({SetDue{key, store_->Now()}});
  EXPECT_TRUE(ClaimDue(other, 10, kLong).empty());
  EXPECT_EQ(ClaimDue(key.partition, 10, kLong).size(), 1u);
}

TEST_P(StoreConformance, EntriesNameTheirKeyInFull) {
  Key grant = SecretKey("same");
  grant.kind = Kind::kGrant;
  Key tenant = SecretKey("same");
  tenant.tenant = TenantId(std::string("a\0b", 3));
  const Time now = store_->Now();
  Commit({SetDue{SecretKey("same"), now}, SetDue{grant, now}, SetDue{tenant, now}});
  const auto items = ClaimDue(grant.partition, 10, kLong);
  ASSERT_EQ(items.size(), 3u);
  for (const Key& key : {SecretKey("same"), grant, tenant}) {
    EXPECT_EQ(std::count_if(items.begin(), items.end(), [&](const DueItem& item) { return item.key == key; }),
              1);
  }
}

TEST_P(StoreConformance, ClaimersThatRaceShareTheWorkWithoutOverlap) {
  const Time now = store_->Now();
  for (int i = 0; i < 64; ++i) Commit({SetDue{SecretKey(std::to_string(i)), now}});
  std::mutex mutex;
  std::multiset<std::string> claimed;
  Race(4, 4, [&](size_t) -> boost::asio::awaitable<void> {
    const auto items = co_await store_->ClaimDue(SecretKey("x").partition, 4, kLong, Soon());
    const std::lock_guard lock(mutex);
    for (const DueItem& item : items.value()) claimed.insert(item.key.id);
  });
  EXPECT_EQ(claimed.size(), 64u);
  for (int i = 0; i < 64; ++i) EXPECT_EQ(claimed.count(std::to_string(i)), 1u) << i;
}

TEST_P(DurableStoreConformance, DueEntriesAreThereAfterReopening) {
  const Key key = GrantKey("g");
  Commit({SetDue{key, store_->Now()}});
  Reopen();
  EXPECT_EQ(ClaimDue(key.partition, 10, Moment()).size(), 1u);
  Reopen();
  Pass(Moment());
  EXPECT_EQ(ClaimDue(key.partition, 10, Moment()).size(), 1u);
}

}  // namespace
}  // namespace grantkeep::testing
