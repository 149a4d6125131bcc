// SPDX-License-Identifier: Apache-2.0
// Rows of the behaviour table: a Redis that answers, but refuses or has forgotten things.
#include <future>

#include "tests/e2e/redis/trouble_fixture.h"

namespace grantkeep::testing {
namespace {

using namespace std::chrono_literals;

class RedisTroubleServer : public RedisTrouble {
 protected:
  // Of all keys that begin so.
  void Evict(const std::string& begin) {
    for (const RedisReply& key : redis_->Command({"KEYS", begin + "*"}).elements) {
      redis_->Command({"DEL", key.text});
    }
  }
  bool Exists(const std::string& begin) { return !redis_->Command({"KEYS", begin + "*"}).elements.empty(); }
};

TEST_F(RedisTroubleServer, OutOfMemory) {
  Prepare();
  redis_->Command({"CONFIG", "SET", "maxmemory", "1"});
  ExpectRow();
  redis_->Command({"CONFIG", "SET", "maxmemory", "0"});
  ExpectWhole();
}

// Writes are done, but nobody can say that a failover would not lose them.
TEST_F(RedisTroubleServer, TooFewReplicas) {
  RedisServer replica(RedisServer::ReplicaOf(*redis_));
  replica.Start();
  redis_->WaitForReplicas(1);
  store_ = ByRelay(", wait_replicas: 1");
  Prepare();
  replica.Kill();
  ASSERT_TRUE(Eventually([&] { return redis_->Info("connected_slaves") == "0"; }));
  ExpectRow();
  replica.Start();
  redis_->WaitForReplicas(1);
  ExpectWhole();
}

TEST_F(RedisTroubleServer, ScriptFlush) {
  Prepare();
  around_ = [&](const std::function<void()>& call) {
    redis_->Command({"SCRIPT", "FLUSH"});
    call();
  };
  ExpectRow();
  ExpectWhole();
}

TEST_F(RedisTroubleServer, EvictedRecords) {
  Prepare();
  for (const char* kind : {"f", "g", "h", "s", "v"}) Evict(std::string("grantkeep:") + kind + ":");
  EXPECT_TRUE(Eventually([&] { return Refresh(valid_) != "ok"; }));
  ExpectRow();
  // What is gone is gone, and nothing else is in trouble: a user can sign in again.
  const v1::Grant again = SignIn();
  EXPECT_EQ(Refresh(again), "ok");
  EXPECT_TRUE(PutAt(*world_, kInMemory, "put again").ok());
  EXPECT_EQ(GetAt(*world_, kInMemory)->value(), "put again");
}

TEST_F(RedisTroubleServer, EvictedIdentity) {
  Prepare();
  const std::string identity = redis_->Command({"GET", "grantkeep:{meta}:identity"}).text;
  Evict("grantkeep:{meta}:");
  ExpectRow();
  EXPECT_TRUE(Eventually([&] { return Exists("grantkeep:{meta}:identity"); }));
  EXPECT_EQ(redis_->Command({"GET", "grantkeep:{meta}:identity"}).text, identity);
  ExpectWhole();
}

// The refresh under way has lost the right to its result; what it got is kept nevertheless, as nobody
// else has taken its place.
TEST_F(RedisTroubleServer, EvictedLease) {
  Prepare();
  practice_->SetLatency(500ms);
  auto refreshed = std::async(std::launch::async, [&] { return Refresh(expired_); });
  ASSERT_TRUE(Eventually([&] { return Exists("grantkeep:lease:"); }));
  Evict("grantkeep:lease:");
  EXPECT_EQ(refreshed.get(), "ok") << world_->daemon().Output();
  practice_->SetLatency(0ms);
  ExpectRow();
  ExpectWhole();
}

}  // namespace
}  // namespace grantkeep::testing
