// SPDX-License-Identifier: Apache-2.0
#include "vault/snapshot_cache.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace grantkeep {
namespace {

// As one who has just read it from the store.
void Put(SnapshotCache& cache, std::string_view tenant, std::string_view id, Revision revision,
         std::string_view sealed = "sealed") {
  SnapshotCache::Fill fill(cache, 1, tenant, id);
  fill.Insert(revision, sealed);
}

TEST(SnapshotCache, FindsWhatWasInserted) {
  SnapshotCache cache({});
  EXPECT_EQ(cache.Find("acme", "g1"), nullptr);
  Put(cache, "acme", "g1", 3, "bytes");
  const auto found = cache.Find("acme", "g1");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->tenant(), "acme");
  EXPECT_EQ(found->id(), "g1");
  EXPECT_EQ(found->revision(), 3u);
  EXPECT_EQ(found->sealed(), "bytes");
  EXPECT_EQ(cache.size(), 1u);
}

TEST(SnapshotCache, KeepsTenantAndIdApart) {
  SnapshotCache cache({});
  Put(cache, "ab", "c", 1, "first");
  Put(cache, "a", "bc", 1, "second");
  EXPECT_EQ(cache.Find("ab", "c")->sealed(), "first");
  EXPECT_EQ(cache.Find("a", "bc")->sealed(), "second");
  EXPECT_EQ(cache.Find("abc", ""), nullptr);
  EXPECT_EQ(cache.Find("", "abc"), nullptr);
}

TEST(SnapshotCache, NeverGoesBackInRevision) {
  SnapshotCache cache({});
  Put(cache, "acme", "g1", 2, "second");
  Put(cache, "acme", "g1", 1, "first");
  EXPECT_EQ(cache.Find("acme", "g1")->sealed(), "second");
  Put(cache, "acme", "g1", 2, "second again");
  EXPECT_EQ(cache.Find("acme", "g1")->sealed(), "second");
  Put(cache, "acme", "g1", 3, "third");
  EXPECT_EQ(cache.Find("acme", "g1")->sealed(), "third");
  EXPECT_EQ(cache.size(), 1u);
}

TEST(SnapshotCache, ASnapshotOutlivesItsReplacement) {
  SnapshotCache cache({});
  Put(cache, "acme", "g1", 1, "first");
  const auto held = cache.Find("acme", "g1");
  Put(cache, "acme", "g1", 2, "second");
  EXPECT_EQ(held->sealed(), "first");
}

TEST(SnapshotCache, IsBoundedInEntries) {
  SnapshotCache cache({.entries = 640, .bytes = 1 << 30});
  for (int i = 0; i < 5000; ++i) Put(cache, "acme", fmt::format("g{}", i), 1);
  EXPECT_LE(cache.size(), 640u);
  EXPECT_GT(cache.size(), 500u);
  size_t found = 0;
  for (int i = 0; i < 5000; ++i) found += cache.Find("acme", fmt::format("g{}", i)) != nullptr ? 1 : 0;
  EXPECT_EQ(found, cache.size());
}

TEST(SnapshotCache, IsBoundedInBytes) {
  constexpr size_t kBytes = size_t{64} * 20'000;
  SnapshotCache cache({.entries = 1'000'000, .bytes = kBytes});
  const std::string sealed(1000, 'x');
  for (int i = 0; i < 5000; ++i) {
    Put(cache, "acme", fmt::format("g{}", i), 1, sealed);
    ASSERT_LE(cache.bytes(), kBytes);
  }
  EXPECT_GT(cache.size(), 500u);
}

TEST(SnapshotCache, CountsReplacementsAtTheirNewSize) {
  SnapshotCache cache({});
  Put(cache, "acme", "g1", 1, std::string(5000, 'x'));
  const size_t before = cache.bytes();
  Put(cache, "acme", "g1", 2, std::string(100, 'x'));
  EXPECT_EQ(cache.bytes(), before - 4900);
  Put(cache, "acme", "g1", 3, std::string(5000, 'x'));
  EXPECT_EQ(cache.bytes(), before);
}

TEST(SnapshotCache, DropsAnOldSnapshotEvenIfTheNewOneIsTooLargeToKeep) {
  SnapshotCache cache({.entries = 1000, .bytes = size_t{64} * 2000});
  Put(cache, "acme", "g1", 1, "small");
  Put(cache, "acme", "g1", 2, std::string(5000, 'x'));
  EXPECT_EQ(cache.Find("acme", "g1"), nullptr);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(SnapshotCache, EvictsWhatWasNotLookedUpFirst) {
  SnapshotCache cache({.entries = size_t{64} * 20, .bytes = 1 << 30});
  Put(cache, "acme", "popular", 1);
  for (int i = 0; i < 20'000; ++i) {
    Put(cache, "acme", fmt::format("g{}", i), 1);
    ASSERT_NE(cache.Find("acme", "popular"), nullptr) << i;
  }
}

// Writers raise revisions and crowd each other out; readers must see each record whole and never
// older than what the thread has seen while it stayed in the cache.
TEST(SnapshotCache, StaysWholeUnderManyThreads) {
  constexpr int kRecords = 40;
  constexpr Revision kRevisions = 1500;
  SnapshotCache cache({.entries = size_t{64} * 2, .bytes = 1 << 20});
  std::atomic<int> torn{0};
  std::vector<std::thread> threads;
  threads.reserve(6);
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (Revision revision = 1; revision <= kRevisions; ++revision) {
        const std::string id = fmt::format("g{}", revision * 7 % kRecords);
        Put(cache, "acme", id, revision, fmt::format("{}@{}", id, revision));
      }
    });
  }
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (Revision n = 0; n < 3 * kRevisions; ++n) {
        const std::string id = fmt::format("g{}", n % kRecords);
        const auto found = cache.Find("acme", id);
        if (found != nullptr && found->sealed() != fmt::format("{}@{}", id, found->revision())) ++torn;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(torn, 0);
  EXPECT_LE(cache.size(), 128u);
}

TEST(SnapshotCache, RevisionsOnlyRiseWhileManyThreadsWrite) {
  SnapshotCache cache({});
  std::atomic<bool> done{false};
  std::atomic<int> backward{0};
  std::thread reader([&] {
    Revision last = 0;
    while (!done) {
      const auto found = cache.Find("acme", "g1");
      const Revision now = found == nullptr ? 0 : found->revision();
      if (now < last) ++backward;
      last = now;
    }
  });
  std::vector<std::thread> writers;
  writers.reserve(3);
  for (int t = 0; t < 3; ++t) {
    writers.emplace_back([&, t] {
      for (Revision n = 1; n <= 2000; ++n) Put(cache, "acme", "g1", n * 3 % 2003 + static_cast<Revision>(t));
    });
  }
  for (std::thread& thread : writers) thread.join();
  done = true;
  reader.join();
  EXPECT_EQ(backward, 0);
  EXPECT_GE(cache.Find("acme", "g1")->revision(), 2002u);
}

}  // namespace
}  // namespace grantkeep
