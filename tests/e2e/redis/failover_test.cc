// SPDX-License-Identifier: Apache-2.0
// Rows of the behaviour table: the master dies, or seems to, and Sentinels make another.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <stdexcept>

#include "tests/e2e/redis/trouble_fixture.h"
#include "tests/support/document.h"
#include "tests/support/sentinel_group.h"

namespace grantkeep::testing {
namespace {

class RedisTroubleFailover : public RedisTrouble {
 protected:
  explicit RedisTroubleFailover(size_t replicas = 2) : group_(Documented(replicas)) {
    redis_.reset();
    const std::string password = keys_ / "password";
    std::ofstream(password) << kPassword;
    chmod(password.c_str(), 0600);
    group_.Start();
    server_ = [&]() -> RedisServer& { return group_.CurrentMaster(); };
    UseGroup();
  }
  void UseGroup(const std::string& more = "") {
    store_ = fmt::format(
        "redis: {{url: \"{0}\", username: grantkeep, password_file: {1}, sentinel_username: grantkeep, "
        "sentinel_password_file: {1}, failover_hold: 2s{2}}}",
        group_.url(), (keys_ / "password").string(), more);
  }
  // Another master than `old`, with a replica of its own, without which it would take no writes.
  RedisServer& NewMaster(const RedisServer& old) {
    RedisServer& now = group_.WaitForNewMaster(old);
    now.WaitForReplicas(1);
    return now;
  }

  // A master that is made a replica ends its connections, that of who asks as well.
  static bool IsReplica(const RedisServer& server) {
    try {
      return server.Info("role") == "slave";
    } catch (const std::runtime_error&) {
      return false;
    }
  }

  SentinelGroup group_;

 private:
  static constexpr std::string_view kPassword = "password-of-the-failover-test";

  // As operators are told to set it up, with users who may do no more than is needed.
  static SentinelGroup::Options Documented(size_t replicas) {
    SentinelGroup::Options options;
    options.replicas = replicas;
    options.min_replicas_to_write = static_cast<int>(replicas) - 1;
    options.node.configuration = {"appendonly yes", "appendfsync everysec"};
    options.node.users = Users("redis-acl");
    options.sentinel.users = Users("sentinel-acl");
    return options;
  }
  static std::vector<std::string> Users(std::string_view language) {
    std::vector<std::string> users = ReadUsers(REDIS_DOCUMENT, language);
    for (std::string& user : users) {
      const size_t found = user.find("PASSWORD");
      if (found != std::string::npos) user.replace(found, std::string_view("PASSWORD").size(), kPassword);
    }
    return users;
  }
};

TEST_F(RedisTroubleFailover, Failover) {
  Prepare();
  RedisServer& old = group_.CurrentMaster();
  old.Kill();
  NewMaster(old);
  WaitUntilWell();
  ExpectRow();
  ExpectWhole();
}

class RedisTroubleLostWrites : public RedisTroubleFailover {
 protected:
  RedisTroubleLostWrites() : RedisTroubleFailover(1) { UseGroup(", wait_replicas: 0"); }

  // The names of the grants and secrets that `server` has.
  static std::set<std::string> RecordsOf(const RedisServer& server) {
    std::set<std::string> names;
    for (const char* kind : {"grantkeep:g:*", "grantkeep:s:*"}) {
      for (const RedisReply& key : server.Command({"KEYS", kind}).elements) names.insert(key.text);
    }
    return names;
  }
};

TEST_F(RedisTroubleLostWrites, FailoverThatLosesWrites) {
  Prepare();
  // The replica gets nothing any more, and nobody tells the caller.
  RedisServer& replica = group_.replica(0);
  group_.master().WaitForReplicas(1);
  const std::set<std::string> copied = RecordsOf(replica);
  replica.Pause();
  group_.master().Command({"CLIENT", "KILL", "TYPE", "replica"});
  EXPECT_EQ(Refresh(valid_, 1), "ok");
  const v1::Grant lost = SignIn();
  EXPECT_TRUE(PutAt(*world_, "lost", "value").ok());
  const std::set<std::string> written = RecordsOf(group_.master());
  EXPECT_EQ(written.size(), copied.size() + 2) << "a grant and a secret";
  group_.master().Kill();
  replica.Continue();
  ASSERT_EQ(&group_.WaitForNewMaster(group_.master()), &replica);
  WaitUntilWell();
  ExpectRow();
  // Whatever finds it missing first puts it back: a call, or the comparison of all there is.
  EXPECT_TRUE(Eventually([&] { return std::ranges::includes(RecordsOf(replica), written); }))
      << world_->daemon().Output();
  ExpectWhole();
  EXPECT_EQ(world_->Refresh(valid_.grant_id())->generation(), 2u);
  EXPECT_EQ(world_->Refresh(lost.grant_id())->generation(), 1u);
  EXPECT_EQ(GetAt(*world_, "lost")->value(), "value");
}

// The old master still takes itself for one when it goes on, until the Sentinels correct it.
TEST_F(RedisTroubleFailover, OldMasterGoesOn) {
  Prepare();
  RedisServer& old = group_.CurrentMaster();
  old.Pause();
  RedisServer& now = NewMaster(old);
  WaitUntilWell();
  ASSERT_TRUE(PutAt(*world_, "meanwhile", "value").ok());
  old.Continue();
  ExpectRow();
  ASSERT_TRUE(Eventually([&] { return IsReplica(old); }, std::chrono::seconds(60)));
  EXPECT_EQ(now.Info("role"), "master");
  ExpectWhole();
  EXPECT_EQ(GetAt(*world_, "meanwhile")->value(), "value");
}

}  // namespace
}  // namespace grantkeep::testing
