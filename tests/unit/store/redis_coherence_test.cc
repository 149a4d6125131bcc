// SPDX-License-Identifier: Apache-2.0
// What a process is told of changes by others, and until when it may believe that it was told all.
#include <atomic>

#include "store/redis/coherence.h"
#include "store/redis/keys.h"
#include "tests/unit/store/redis_fixture.h"

namespace grantkeep::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

using RedisCoherence = RedisStoreTest;

TEST_F(RedisCoherence, AChangeByAnotherProcessIsToldAsNoLongerCurrent) {
  const auto mine = OpenReady();
  const auto other = OpenReady();
  const ToldChanges told(*mine);
  const Key key = GrantKey("g");
  ASSERT_TRUE(Put(*other, key, 0).ok());
  loop_.RunUntil([&] { return !told.Of(key).empty(); });
  EXPECT_THAT(told.Of(key), ElementsAre(0));
}

// Redis reports the writes of our own scripts like anybody's. Another's that comes between must not be
// taken for ours.
TEST_F(RedisCoherence, WhoeverWritesLastTheOtherIsToldAndTheWriterIsNot) {
  const auto a = OpenReady();
  const auto b = OpenReady();
  const Key key = GrantKey("g");
  ASSERT_TRUE(Put(*a, key, 0).ok());
  Revision revision = 1;
  for (int round = 0; round < 50; ++round) {
    const ToldChanges told_a(*a);
    const ToldChanges told_b(*b);
    ASSERT_TRUE(Put(*a, key, revision++).ok());
    ASSERT_TRUE(Put(*b, key, revision++).ok());
    // A was overtaken at once and has to know.
    loop_.RunUntil([&] { return !told_a.Of(key).empty() && told_a.Of(key).back() == 0; });
    EXPECT_EQ(told_b.Of(key).back(), revision) << round;
  }
}

// How often a process has asked for the revision of a record, or a script has.
class RedisReports : public RedisStoreTest {
 protected:
  uint64_t Lookups() const {
    constexpr std::string_view kCalls = "cmdstat_getrange:calls=";
    const std::string statistics = server_.Command({"INFO", "commandstats"}).text;
    const size_t at = statistics.find(kCalls);
    return at == std::string::npos ? 0 : std::stoull(statistics.substr(at + kCalls.size()));
  }
};

// What this process wrote last may be all that is left of it when the server has died.
TEST_F(RedisReports, AReportThatCannotBeCheckedBecauseTheServerIsLostIsNoChange) {
  const auto store = OpenReady();
  const ToldChanges told(*store);
  const Key key = GrantKey("g");
  ASSERT_TRUE(Put(*store, key, 0).ok());
  const std::string record = RedisKeys("grantkeep").Record(key);
  const std::string bytes = server_.Command({"GET", record}).text;
  // Reported, because it is written, and not changed; the answer that would say so does not come.
  // (The first connection of a store is the one by which it asks.)
  const CoherenceEpoch epoch = store->epoch();
  const uint64_t lookups = Lookups();
  relay_->BlackHole(true, {.number = 0}, TcpRelay::Way::kToClient);
  server_.Command({"SET", record, bytes});
  loop_.RunUntil([&] { return Lookups() > lookups; });
  relay_->ResetAll();
  relay_->Heal();
  loop_.RunUntil([&] { return store->epoch() > epoch && store->health().ok(); });
  EXPECT_THAT(told.Of(key), ElementsAre(1));
}

TEST(Coherence, WhatIsWithdrawnIsProvenNoLongerAndWhatHasPassedStays) {
  const Tick now = std::chrono::steady_clock::now();
  Coherence coherence;
  const CoherenceEpoch first = coherence.Begin();
  EXPECT_EQ(coherence.CurrentUntil(first), Tick::min());
  coherence.Prove(now + seconds(1));
  EXPECT_EQ(coherence.CurrentUntil(first), now + seconds(1));
  coherence.Withdraw(first, now);
  coherence.Withdraw(first, now + seconds(9));
  EXPECT_EQ(coherence.CurrentUntil(first), now);
  const CoherenceEpoch second = coherence.Begin();
  coherence.Prove(now + seconds(2));
  coherence.Withdraw(first, now);
  EXPECT_EQ(coherence.CurrentUntil(first), now);
  EXPECT_EQ(coherence.CurrentUntil(second), now + seconds(2));
}

TEST_F(RedisCoherence, IsProvenWhileHeartbeatsComeBack) {
  const auto store = OpenReady();
  const CoherenceEpoch epoch = store->epoch();
  EXPECT_GE(epoch, 1u);
  for (int i = 0; i < 10; ++i) {
    EXPECT_GT(store->CurrentUntil(epoch), clock_.Steady());
    loop_.RunUntil([&, until = store->CurrentUntil(epoch)] { return store->CurrentUntil(epoch) > until; });
  }
  EXPECT_EQ(store->epoch(), epoch);
  EXPECT_EQ(store->CurrentUntil(epoch + 1), Tick::min());
  EXPECT_EQ(store->CurrentUntil(0), Tick::min());
}

TEST_F(RedisCoherence, ABlackHoledSubscriberEndsTheProofAndThenTheEpochWhileCommandsAreAnswered) {
  const auto store = OpenReady();
  const CoherenceEpoch epoch = store->epoch();
  relay_->BlackHole(true, {.sent = "SUBSCRIBE", .open_now = true}, TcpRelay::Way::kToClient);
  loop_.RunUntil([&] { return store->CurrentUntil(epoch) < clock_.Steady(); });
  EXPECT_TRUE(Get(*store, GrantKey("g")).ok());
  // What had been proven stays so, and nothing later.
  const Tick until = store->CurrentUntil(epoch);
  loop_.RunUntil([&] { return store->epoch() > epoch; });
  EXPECT_EQ(store->CurrentUntil(epoch), until);
  EXPECT_EQ(WaitUntilReady(*store), absl::OkStatus());
  EXPECT_GT(store->CurrentUntil(store->epoch()), clock_.Steady());
}

TEST_F(RedisCoherence, ASubscriberThatIsCutOffDoesNotDisturbCommandsOnTheirWay) {
  const auto store = OpenReady();
  const CoherenceEpoch epoch = store->epoch();
  const Key key = GrantKey("g");
  Revision revision = 0;
  relay_->ResetAll({.sent = "SUBSCRIBE", .open_now = true});
  while (store->epoch() == epoch || store->CurrentUntil(store->epoch()) < clock_.Steady()) {
    const auto put = Put(*store, key, revision);
    ASSERT_TRUE(put.ok()) << put.status();
    ASSERT_EQ(put->outcome, CommitResult::Outcome::kDone);
    ++revision;
  }
  EXPECT_GT(revision, 0u);
}

TEST_F(RedisCoherence, AnEmptiedServerIsALossAndKeepsItsIdentity) {
  const auto store = OpenReady();
  std::atomic<int> losses = 0;
  store->OnLoss([&] { ++losses; });
  const StoreIdentity identity = store->identity();
  const CoherenceEpoch epoch = store->epoch();
  server_.Command({"FLUSHALL"});
  loop_.RunUntil([&] { return losses == 1; });
  EXPECT_EQ(WaitUntilReady(*store), absl::OkStatus());
  EXPECT_GT(store->epoch(), epoch);
  EXPECT_GT(store->HoldUntil(), clock_.Steady());
  EXPECT_EQ(store->identity(), identity);
  const auto another = OpenReady();
  EXPECT_EQ(another->identity(), identity);
}

TEST_F(RedisCoherence, AnIdentityThatWasEvictedIsPutBackAndAnAdoptionByAnotherIsNoticed) {
  const auto store = OpenReady();
  const auto other = OpenReady();
  const StoreIdentity identity = store->identity();
  server_.Command({"DEL", "grantkeep:{meta}:identity"});
  loop_.RunUntil([&] { return server_.Command({"EXISTS", "grantkeep:{meta}:identity"}).text == "1"; });
  const auto adopted = loop_.Run(other->Adopt(Adoption::kRestore, Soon()));
  ASSERT_TRUE(adopted.ok()) << adopted.status();
  EXPECT_EQ(adopted->id, identity.id);
  loop_.RunUntil([&] { return store->identity() == *adopted; });
}

class RedisOnDisk : public RedisStoreTest {
 protected:
  RedisOnDisk() : RedisStoreTest({.configuration = {"appendonly yes"}}) {}
};

TEST_F(RedisOnDisk, ARestartedServerIsALossForThoseWhoKnewItAndAHoldForAll) {
  const auto store = OpenReady();
  std::atomic<int> losses = 0;
  store->OnLoss([&] { ++losses; });
  EXPECT_LE(store->HoldUntil(), clock_.Steady());
  server_.Restart();
  loop_.RunUntil([&] { return losses == 1; });
  EXPECT_GT(store->HoldUntil(), clock_.Steady());
  // It comes later and remembers nothing, but must not act on what the store has lost either.
  const auto newcomer = OpenReady();
  EXPECT_GT(newcomer->HoldUntil(), clock_.Steady());
  EXPECT_LT(newcomer->HoldUntil(), clock_.Steady() + options_.failover_hold);
}

TEST_F(RedisCoherence, StoreTimeIsTheServersAndAgreesBetweenProcesses) {
  const auto a = OpenReady();
  const auto b = OpenReady();
  const auto difference = std::chrono::abs(a->Now() - b->Now());
  EXPECT_LT(difference, milliseconds(250));
  const RedisReply time = server_.Command({"TIME"});
  const Time server = Time(std::chrono::seconds(std::stoll(time.elements[0].text)) +
                           Duration(std::stoll(time.elements[1].text)));
  EXPECT_LT(std::chrono::abs(a->Now() - server), milliseconds(250));
}

}  // namespace
}  // namespace grantkeep::testing
