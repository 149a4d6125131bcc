// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/conformance/store_harness.h"

namespace grantkeep::testing {
namespace {

std::vector<std::string> Ids(const Page& page) {
  std::vector<std::string> ids;
  for (const Record& record : page.records) ids.push_back(record.key.id);
  return ids;
}

using Strings = std::vector<std::string>;

TEST_P(StoreConformance, AScanGivesRecordsInOrderOfTheBytesOfTheirIds) {
  const Strings sorted = {
      std::string("\0", 1), "A", "a", std::string("a\0", 2), "aa", "b", "\x7f", "\x80", "\xff", "\xff\xff"};
  Strings shuffled = sorted;
  std::reverse(shuffled.begin(), shuffled.end());
  for (const std::string& id : shuffled)
    Commit({Put{.key = SecretKey(id), .replaces = 0, .value = "v" + id}});
  const Page page = Scan(SecretKey("x").partition, Kind::kStaticSecret, "", 100);
  EXPECT_EQ(Ids(page), sorted);
  EXPECT_FALSE(page.next.has_value());
  for (const Record& record : page.records) {
    EXPECT_EQ(record.key, SecretKey(record.key.id));
    EXPECT_EQ(record.value, "v" + record.key.id);
    EXPECT_EQ(record.revision, 1u);
  }
}

TEST_P(StoreConformance, PagesFollowEachOtherWithoutGapOrOverlap) {
  std::vector<Write> writes;
  for (int i = 0; i < 25; ++i) {
    writes.push_back(Put{.key = SecretKey(fmt::format("{:02}", i)), .replaces = 0, .value = "v"});
  }
  Commit(writes);
  for (const size_t limit : {1u, 3u, 5u, 24u, 25u, 26u}) {
    Strings seen;
    for (const Page& page : ScanPages(limit)) {
      EXPECT_LE(page.records.size(), limit);
      for (const std::string& id : Ids(page)) seen.push_back(id);
    }
    EXPECT_EQ(seen.size(), 25u) << limit;
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end())) << limit;
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 25u) << limit;
  }
}

TEST_P(StoreConformance, AScanOfNothingIsOneEmptyPage) {
  const Page page = Scan(3, Kind::kGrant, "", 10);
  EXPECT_TRUE(page.records.empty());
  EXPECT_FALSE(page.next.has_value());
}

TEST_P(StoreConformance, AScanKeepsToItsPartitionKindAndTenant) {
  const Key wanted = SecretKey("wanted");
  Key kind = SecretKey("kind");
  kind.kind = Kind::kGrant;
  Key tenant = SecretKey("tenant");
  tenant.tenant = TenantId("acme2");
  Key partition = SecretKey("partition");
  partition.partition = (partition.partition + 1) % kPartitions;
  for (const Key& key : {wanted, kind, tenant, partition})
    Commit({Put{.key = key, .replaces = 0, .value = "v"}});
  EXPECT_EQ(Ids(Scan(wanted.partition, Kind::kStaticSecret, "", 10)), (Strings{"wanted"}));
}

TEST_P(StoreConformance, AfterNeedNotBeTheIdOfARecord) {
  for (const std::string id : {"a", "c", "e"})
    Commit({Put{.key = SecretKey(id), .replaces = 0, .value = "v"}});
  EXPECT_EQ(Ids(Scan(SecretKey("x").partition, Kind::kStaticSecret, "b", 10)), (Strings{"c", "e"}));
  EXPECT_EQ(Ids(Scan(SecretKey("x").partition, Kind::kStaticSecret, "c", 10)), (Strings{"e"}));
  EXPECT_EQ(Ids(Scan(SecretKey("x").partition, Kind::kStaticSecret, "e", 10)), (Strings{}));
}

TEST_P(StoreConformance, AScanOfLargeValuesComesToItsEnd) {
  const std::string large(Store::kMaxValue, 'L');
  std::vector<Write> writes;
  for (int i = 0; i < 30; ++i) {
    writes.push_back(Put{.key = SecretKey(fmt::format("{:02}", i)), .replaces = 0, .value = large});
  }
  Commit(writes);
  size_t seen = 0;
  for (const Page& page : ScanPages(100)) {
    EXPECT_FALSE(page.records.empty());
    for (const Record& record : page.records) EXPECT_EQ(record.value, large);
    seen += page.records.size();
  }
  EXPECT_EQ(seen, 30u);
}

// Writers put, replace and delete records between and around those that stay.
TEST_P(StoreConformance, WhatStaysDuringAScanIsSeenExactlyOnceWhateverIsWrittenMeanwhile) {
  constexpr int kStaying = 40;
  for (int i = 0; i < kStaying; ++i) {
    Commit({Put{.key = SecretKey(fmt::format("{:03}", i)), .replaces = 0, .value = "stays"}});
  }
  std::atomic<bool> scanned = false;
  std::map<std::string, int> seen;
  const auto write = [&](size_t number) -> boost::asio::awaitable<void> {
    for (int round = 0; !scanned; ++round) {
      // Between two that stay, in front of all, and a new revision of one that stays.
      const Strings passing = {fmt::format("{:03}+{}", round % kStaying, number), fmt::format("!{}", number)};
      for (const std::string& id : passing) {
        std::vector<Write> put;
        put.push_back(Put{.key = SecretKey(id), .replaces = 0, .value = "comes"});
        (co_await store_->Commit(std::move(put), Soon())).value();
        std::vector<Write> erase;
        erase.push_back(Delete{.key = SecretKey(id), .replaces = 1});
        (co_await store_->Commit(std::move(erase), Soon())).value();
      }
      const Key staying = SecretKey(fmt::format("{:03}", round % kStaying));
      const auto record = (co_await store_->Get(staying, Soon())).value();
      std::vector<Write> replace;
      replace.push_back(Put{.key = staying, .replaces = record->revision, .value = "stays"});
      (co_await store_->Commit(std::move(replace), Soon())).value();
    }
  };
  const auto scan = [&]() -> boost::asio::awaitable<void> {
    for (int times = 0; times < 3; ++times) {
      std::optional<std::string> after = "";
      for (int pages = 0; after.has_value() && pages < 1000; ++pages) {
        const auto page =
            co_await store_->Scan(SecretKey("x").partition, Kind::kStaticSecret, Acme(), *after, 3, Soon());
        for (const Record& record : page.value().records) ++seen[record.key.id];
        after = page->next;
      }
    }
    scanned = true;
  };
  Race(2, 2, [&](size_t number) { return number == 0 ? scan() : write(number); });
  for (int i = 0; i < kStaying; ++i) EXPECT_EQ(seen[fmt::format("{:03}", i)], 3) << i;
}

}  // namespace
}  // namespace grantkeep::testing
