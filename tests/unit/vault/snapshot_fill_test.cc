// SPDX-License-Identifier: Apache-2.0
// How snapshots enter the cache while others write to the store.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "vault/snapshot_cache.h"

namespace grantkeep {
namespace {

using Fill = SnapshotCache::Fill;

Revision RevisionOf(SnapshotCache& cache, std::string_view id) {
  const auto found = cache.Find("acme", id);
  return found == nullptr ? 0 : found->revision();
}

void Put(SnapshotCache& cache, std::string_view id, Revision revision, CoherenceEpoch epoch = 1) {
  Fill(cache, epoch, "acme", id).Insert(revision, "sealed");
}

TEST(SnapshotFill, AnInvalidationThatOvertakesTheReplyVoidsTheInsert) {
  SnapshotCache cache({});
  Fill fill(cache, 1, "acme", "g1");
  cache.Invalidate("acme", "g1");
  EXPECT_TRUE(fill.is_void());
  fill.Insert(7, "outdated");
  EXPECT_EQ(RevisionOf(cache, "g1"), 0u);
}

TEST(SnapshotFill, AnInvalidationOfAnotherRecordDoesNot) {
  SnapshotCache cache({});
  Fill fill(cache, 1, "acme", "g1");
  for (const auto& [tenant, id] : {std::pair("acme", "g2"), {"acm", "eg1"}, {"other", "g1"}}) {
    cache.Invalidate(tenant, id);
  }
  EXPECT_FALSE(fill.is_void());
  fill.Insert(7, "bytes");
  EXPECT_EQ(RevisionOf(cache, "g1"), 7u);
}

TEST(SnapshotFill, AFillAfterTheInvalidationIsGood) {
  SnapshotCache cache({});
  Fill before(cache, 1, "acme", "g1");
  cache.Invalidate("acme", "g1");
  Fill after(cache, 1, "acme", "g1");
  before.Insert(7, "outdated");
  after.Insert(8, "new");
  EXPECT_EQ(RevisionOf(cache, "g1"), 8u);
}

TEST(SnapshotFill, AnInvalidationTakesOutWhatIsThere) {
  SnapshotCache cache({});
  Put(cache, "g1", 7);
  cache.Invalidate("acme", "g1");
  EXPECT_EQ(RevisionOf(cache, "g1"), 0u);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(SnapshotFill, AnInvalidationByRevisionSparesWhatIsNotOlder) {
  SnapshotCache cache({});
  Put(cache, "g1", 7);
  cache.Invalidate("acme", "g1", 7);
  EXPECT_EQ(RevisionOf(cache, "g1"), 7u);
  cache.Invalidate("acme", "g1", 8);
  EXPECT_EQ(RevisionOf(cache, "g1"), 0u);
}

TEST(SnapshotFill, AReplyOlderThanAReportedRevisionIsNotKept) {
  SnapshotCache cache({});
  Fill fill(cache, 1, "acme", "g1");
  cache.Invalidate("acme", "g1", 8);
  fill.Insert(7, "outdated");
  EXPECT_EQ(RevisionOf(cache, "g1"), 0u);
  fill.Insert(8, "new");
  EXPECT_EQ(RevisionOf(cache, "g1"), 8u);
}

TEST(SnapshotFill, TheOldRevisionStaysUntilItsWriterHasPutTheNewOneIn) {
  SnapshotCache cache({});
  Put(cache, "g1", 7);
  Fill writer(cache, 1, "acme", "g1", 8);
  cache.Invalidate("acme", "g1", 8);  // its own write, told before it is answered
  EXPECT_EQ(RevisionOf(cache, "g1"), 7u) << "nobody has to wait for the store meanwhile";
  writer.Insert(8, "new");
  EXPECT_EQ(RevisionOf(cache, "g1"), 8u);
}

TEST(SnapshotFill, TheOldRevisionGoesWhenItsWriterNeverPutsTheNewOneIn) {
  SnapshotCache cache({});
  Put(cache, "g1", 7);
  {
    const Fill writer(cache, 1, "acme", "g1", 8);
    cache.Invalidate("acme", "g1", 8);
  }
  EXPECT_EQ(RevisionOf(cache, "g1"), 0u);
}

TEST(SnapshotFill, AForeignWriteBehindOnesOwnVoidsThatToo) {
  SnapshotCache cache({});
  Fill writer(cache, 1, "acme", "g1", 8);
  cache.Invalidate("acme", "g1", 8);
  cache.Invalidate("acme", "g1");
  writer.Insert(8, "overtaken");
  EXPECT_EQ(RevisionOf(cache, "g1"), 0u);
}

TEST(SnapshotFill, TheSameRevisionIsReplacedOnlyByOneOfALaterEpoch) {
  SnapshotCache cache({});
  Put(cache, "g1", 7, 2);
  Put(cache, "g1", 7, 1);
  EXPECT_EQ(cache.Find("acme", "g1")->epoch(), 2u);
  Put(cache, "g1", 7, 3);
  EXPECT_EQ(cache.Find("acme", "g1")->epoch(), 3u);
  EXPECT_EQ(cache.size(), 1u);
}

TEST(SnapshotFill, HoldsWhatWasThereWhenItBegan) {
  SnapshotCache cache({});
  EXPECT_EQ(Fill(cache, 1, "acme", "g1").held(), nullptr);
  Put(cache, "g1", 7);
  const Fill fill(cache, 1, "acme", "g1");
  cache.Invalidate("acme", "g1");
  EXPECT_EQ(fill.held()->revision(), 7u);
}

TEST(SnapshotFill, SupersedesAHigherRevisionThatItHeldButNoneThatCameLater) {
  SnapshotCache cache({});
  Put(cache, "g1", 7);
  Fill fill(cache, 2, "acme", "g1");
  fill.Supersede(6, "tombstone");
  EXPECT_EQ(RevisionOf(cache, "g1"), 6u);

  Put(cache, "g2", 7);
  Fill late(cache, 2, "acme", "g2");
  Put(cache, "g2", 8);
  late.Supersede(6, "tombstone");
  EXPECT_EQ(RevisionOf(cache, "g2"), 8u);
}

TEST(SnapshotCacheWalk, SeesEverythingThatStaysOnce) {
  SnapshotCache cache({});
  std::multiset<std::string> expected;
  for (int i = 0; i < 20'000; ++i) {
    const std::string id = fmt::format("g{}", i);
    Put(cache, id, 1);
    expected.insert(id);
  }
  std::multiset<std::string> seen;
  SnapshotCache::Position position;
  for (auto some = cache.Walk(position); !some.empty(); some = cache.Walk(position)) {
    for (const auto& snapshot : some) seen.insert(std::string(snapshot->id()));
    Put(cache, *seen.begin(), seen.size() + 1);  // a replacement keeps its place
  }
  EXPECT_EQ(seen, expected);
}

// Readers fill from a store that writers change; every write is followed by its invalidation, which
// may overtake any reply. Own writes enter the cache by themselves.
TEST(SnapshotFill, NothingOutdatedIsLeftWhenManyThreadsHaveFilledAndInvalidated) {
  constexpr size_t kRecords = 8;
  constexpr int kRounds = 4000;
  SnapshotCache cache({});
  std::array<std::atomic<Revision>, kRecords> store{};
  for (auto& revision : store) revision = 1;
  const auto id = [](size_t record) { return fmt::format("g{}", record); };
  std::vector<std::thread> threads;
  threads.reserve(7);
  for (size_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (size_t n = 0; n < kRounds; ++n) {
        const size_t record = (n * 5 + t) % kRecords;
        Fill fill(cache, 1, "acme", id(record));
        const Revision read = store[record];
        if (n % 3 == 0) std::this_thread::yield();
        fill.Insert(read, "sealed");
      }
    });
  }
  for (size_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {  // another process
      for (size_t n = 0; n < kRounds; ++n) {
        const size_t record = (n * 3 + t) % kRecords;
        ++store[record];
        cache.Invalidate("acme", id(record));
      }
    });
    threads.emplace_back([&, t] {  // this one
      for (size_t n = 0; n < kRounds; ++n) {
        const size_t record = (n * 7 + t) % kRecords;
        Revision seen = store[record];
        Fill fill(cache, 1, "acme", id(record), seen + 1);
        if (!store[record].compare_exchange_strong(seen, seen + 1)) continue;
        cache.Invalidate("acme", id(record), seen + 1);
        if (n % 5 != 0) fill.Insert(seen + 1, "sealed");  // or the answer is lost
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t record = 0; record < kRecords; ++record) {
    const Revision cached = RevisionOf(cache, id(record));
    EXPECT_TRUE(cached == 0 || cached == store[record]) << cached << " is not " << store[record];
  }
}

}  // namespace
}  // namespace grantkeep
