// SPDX-License-Identifier: Apache-2.0
// Replicas and Sentinels: what is confirmed, and which server is the master.
#include <atomic>

#include "tests/support/sentinel_group.h"
#include "tests/unit/store/redis_fixture.h"

namespace grantkeep::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

class RedisReplication : public RedisStoreTest {
 protected:
  RedisReplication() : replica_(RedisServer::ReplicaOf(server_)) {
    replica_.Start();
    server_.WaitForReplicas(1);
    options_.wait_replicas = 1;
    options_.command_timeout = seconds(2);
  }
  RedisServer replica_;
};

TEST_F(RedisReplication, AWriteToTheVaultIsAnsweredWhenAReplicaHasIt) {
  const auto store = OpenReady();
  for (Revision revision = 0; revision < 20; ++revision) {
    ASSERT_TRUE(Put(*store, GrantKey("g"), revision, "value " + std::to_string(revision)).ok());
    const std::string name = server_.Command({"KEYS", "grantkeep:g:*"}).elements.at(0).text;
    const std::string copy = replica_.Command({"GET", name}).text;
    EXPECT_THAT(copy, HasSubstr("value " + std::to_string(revision)));
  }
}

TEST_F(RedisReplication, AWriteThatNoReplicaConfirmsIsInDoubtAndFlowsDoNotWait) {
  const auto store = OpenReady();
  replica_.Pause();
  const auto put = Put(*store, GrantKey("g"), 0);
  EXPECT_TRUE(HasReason(put.status(), Reason::kStoreUnavailable)) << put.status();
  EXPECT_THAT(std::string(put.status().message()), HasSubstr("only 0 of 1 replicas have confirmed it"));
  EXPECT_TRUE(RetryAfterOf(put.status()).has_value());
  // It is done all the same; reads, flows and leases do not wait for replicas.
  EXPECT_EQ((*Get(*store, GrantKey("g")))->revision, 1u);
  EXPECT_TRUE(Put(*store, Key::Of(Kind::kFlow, TenantId("acme"), "f"), 0).ok());
  std::vector<Write> lease;
  lease.emplace_back(TakeLease{.key = GrantKey("g"), .owner = "me", .duration = seconds(1)});
  EXPECT_TRUE(Commit(*store, lease).ok());
  replica_.Continue();
  EXPECT_TRUE(Put(*store, GrantKey("g"), 1).ok());
}

// Whoever tries again finds his write done, but still by the master alone.
TEST_F(RedisReplication, AWriteThatIsFoundDoneIsConfirmedAsWell) {
  const auto store = OpenReady();
  replica_.Pause();
  EXPECT_FALSE(Put(*store, GrantKey("g"), 0).ok());
  EXPECT_TRUE(HasReason(Put(*store, GrantKey("g"), 0).status(), Reason::kStoreUnavailable));
  replica_.Continue();
  const auto found = Put(*store, GrantKey("g"), 0);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->outcome, CommitResult::Outcome::kRevisionMismatch);
}

TEST_F(RedisReplication, AMasterWithoutItsReplicasProvesNothing) {
  const auto store = OpenReady();
  loop_.RunUntil([&] { return store->CurrentUntil(store->epoch()) > clock_.Steady(); });
  replica_.Kill();
  loop_.RunUntil([&] { return store->CurrentUntil(store->epoch()) < clock_.Steady(); });
  EXPECT_TRUE(Get(*store, GrantKey("g")).ok());
}

TEST_F(RedisReplication, ManyWritesShareOneWait) {
  options_.command_timeout = seconds(20);  // a busy machine proves nothing
  const auto store = OpenReady();
  std::vector<std::shared_ptr<std::optional<absl::StatusOr<CommitResult>>>> answers;
  for (int i = 0; i < 500; ++i) {
    std::vector<Write> writes;
    writes.emplace_back(
        grantkeep::Put{.key = GrantKey("g" + std::to_string(i)), .replaces = 0, .value = "v"});
    answers.push_back(loop_.Start(store->Commit(std::move(writes), Soon())));
  }
  for (const auto& answer : answers) {
    loop_.RunUntil([&] { return answer->has_value(); });
    EXPECT_TRUE((*answer)->ok()) << (*answer)->status();
  }
  const std::string calls = server_.Command({"INFO", "commandstats"}).text;
  const size_t at = calls.find("cmdstat_wait:calls=");
  ASSERT_NE(at, std::string::npos);
  EXPECT_LT(std::stoi(calls.substr(at + std::string("cmdstat_wait:calls=").size())), 250);
}

TEST_F(RedisReplication, AReplicaIsNotTakenForAMaster) {
  options_.url.addresses.front().port = replica_.port();
  const auto store = Open();
  loop_.RunUntil([&] { return HasFailed(*store); });
  EXPECT_THAT(std::string(store->health().message()), HasSubstr("is a replica, not a master"));
}

TEST_F(RedisReplication, WhatCanBeLostIsSaid) {
  const auto store = OpenReady();
  const auto risks = [&] {
    const auto durability = loop_.Run(store->CheckDurability(Soon()));
    EXPECT_TRUE(durability.ok()) << durability.status();
    EXPECT_TRUE(durability->readable);
    std::string all;
    for (const std::string& risk : durability->risks) all += risk + "\n";
    return all;
  };
  server_.Command({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
  EXPECT_THAT(risks(), HasSubstr("maxmemory-policy is allkeys-lru"));
  EXPECT_THAT(risks(), HasSubstr("appendonly is no"));
  EXPECT_THAT(risks(), HasSubstr("min-replicas-to-write is 0"));
  server_.Command({"CONFIG", "SET", "maxmemory-policy", "volatile-ttl"});
  EXPECT_THAT(risks(), HasSubstr("may throw leases away"));
  server_.Command({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  server_.Command({"CONFIG", "SET", "appendonly", "yes"});
  server_.Command({"CONFIG", "SET", "min-replicas-to-write", "1"});
  EXPECT_EQ(risks(), "");  // everysec is enough where a replica confirms
  replica_.Kill();
  loop_.RunUntil([&] { return server_.Info("connected_slaves") == "0"; });
  EXPECT_THAT(risks(), HasSubstr("0 replicas are connected, but wait_replicas is 1"));
}

class RedisSentinels : public ::testing::Test {
 protected:
  RedisSentinels() {
    group_.Start();
    options_.url = ParseRedisUrl(group_.url(), "url").value();
  }
  Tick Soon() const { return clock_.Steady() + seconds(20); }
  std::unique_ptr<RedisStore> OpenReady() {
    auto store = RedisStore::Open(options_, clock_).value();
    EXPECT_EQ(loop_.Run(store->WaitUntilReady(Soon())), absl::OkStatus());
    return store;
  }
  absl::StatusOr<CommitResult> Put(Store& store, const Key& key, Revision replaces) {
    std::vector<Write> writes;
    writes.emplace_back(grantkeep::Put{.key = key, .replaces = replaces, .value = "v"});
    return loop_.Run(store.Commit(std::move(writes), Soon()));
  }
  // Writes until one succeeds.
  void PutAfterTrouble(Store& store, const Key& key) {
    loop_.RunUntil(
        [&] {
          const auto put = Put(store, key, 0);
          return put.ok();
        },
        seconds(60));
  }

  SentinelGroup group_;
  RedisOptions options_;
  SystemClock clock_;
  TestLoop loop_;
};

TEST_F(RedisSentinels, AMasterThatIsKilledIsReplacedAndThatIsALossAndAHold) {
  const auto store = OpenReady();
  std::atomic<int> losses = 0;
  store->OnLoss([&] { ++losses; });
  const Key key = Key::Of(Kind::kGrant, TenantId("acme"), "g");
  ASSERT_TRUE(Put(*store, key, 0).ok());
  const StoreIdentity identity = store->identity();
  group_.CurrentMaster().Kill();
  RedisServer& now = group_.WaitForNewMaster(group_.master());
  loop_.RunUntil([&] { return losses == 1; }, seconds(60));
  EXPECT_GT(store->HoldUntil(), clock_.Steady());
  EXPECT_EQ(store->identity(), identity);
  EXPECT_EQ((*loop_.Run(store->Get(key, Soon())))->revision, 1u);
  EXPECT_THAT(now.Command({"KEYS", "grantkeep:g:*"}).elements, ::testing::SizeIs(1));
}

TEST_F(RedisSentinels, AMasterThatWasStoppedAndGoesOnIsNotWrittenTo) {
  const auto store = OpenReady();
  RedisServer& old = group_.CurrentMaster();
  old.Pause();
  group_.WaitForNewMaster(old);
  options_.wait_replicas = 0;
  const auto alone = OpenReady();  // no replica is left that could confirm
  const Key key = Key::Of(Kind::kGrant, TenantId("acme"), "g");
  PutAfterTrouble(*alone, key);
  old.Continue();
  group_.WaitUntilWhole();
  loop_.RunUntil([&] { return store->health().ok(); }, seconds(60));
  EXPECT_EQ((*loop_.Run(store->Get(key, Soon())))->revision, 1u);
  EXPECT_EQ(old.Info("role"), "slave");
  EXPECT_TRUE(Put(*store, key, 1).ok());
}

TEST_F(RedisSentinels, OneSentinelIsEnoughToFindTheMaster) {
  group_.sentinel(0).Kill();
  group_.sentinel(1).Pause();
  const auto store = OpenReady();
  EXPECT_EQ(store->health(), absl::OkStatus());
}

TEST_F(RedisSentinels, AnUnknownMasterNameIsSaid) {
  options_.url.master_name = "nobody";
  const auto store = RedisStore::Open(options_, clock_).value();
  loop_.RunUntil([&] { return HasFailed(*store); });
  EXPECT_THAT(std::string(store->health().message()), HasSubstr("knows no master 'nobody'"));
}

}  // namespace
}  // namespace grantkeep::testing
