// SPDX-License-Identifier: Apache-2.0
#include "tests/support/sentinel_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "tests/support/eventually.h"

namespace grantkeep::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// Returns when `value` has reached all replicas.
void SetEverywhere(RedisServer& master, const std::string& value, int replicas = 1) {
  const auto client = master.Connect();
  client->Command({"SET", "key", value});
  EXPECT_EQ(client->Command({"WAIT", std::to_string(replicas), "20000"}).text, std::to_string(replicas));
}

TEST(SentinelGroup, StartsWithAllSentinelsNamingTheMaster) {
  SentinelGroup group;
  group.Start();

  EXPECT_EQ(&group.CurrentMaster(), &group.master());
  std::string addresses;
  for (size_t i = 0; i < 3; ++i) {
    const uint16_t port = group.sentinel(i).port();
    addresses += (i == 0 ? "" : ",") + ("127.0.0.1:" + std::to_string(port));
    RedisClient client(port);
    const RedisReply named = client.Command({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "vault"});
    EXPECT_EQ(named.elements.at(0).text, "127.0.0.1");
    EXPECT_EQ(named.elements.at(1).text, std::to_string(group.master().port()));
    EXPECT_THAT(client.Command({"SENTINEL", "CKQUORUM", "vault"}).text, HasSubstr("OK 3 usable Sentinels"));
  }
  EXPECT_EQ(group.url(), "redis+sentinel://" + addresses + "/vault/0");
  SetEverywhere(group.master(), "value");
  EXPECT_EQ(group.replica(0).Command({"GET", "key"}).text, "value");
}

TEST(SentinelGroup, AReplicaTakesOverFromAMasterThatIsKilled) {
  SentinelGroup group;
  group.Start();
  SetEverywhere(group.master(), "before");

  group.master().Kill();
  RedisServer& now = group.WaitForNewMaster(group.master());

  EXPECT_EQ(&now, &group.replica(0));
  EXPECT_EQ(&now, &group.CurrentMaster());
  EXPECT_EQ(now.Command({"GET", "key"}).text, "before");
  now.Command({"SET", "key", "after"});
  // The old one comes back empty, and as a replica.
  group.master().Start();
  group.WaitUntilWhole();
  EXPECT_EQ(group.master().Info("role"), "slave") << group.Output();
  EXPECT_EQ(group.master().Command({"GET", "key"}).text, "after");
}

TEST(SentinelGroup, AMasterThatWasPausedComesBackAsAReplica) {
  SentinelGroup group;
  group.Start();
  SetEverywhere(group.master(), "before");

  group.master().Pause();
  RedisServer& now = group.WaitForNewMaster(group.master());
  now.Command({"SET", "key", "after"});
  group.master().Continue();
  group.WaitUntilWhole();

  EXPECT_EQ(&group.CurrentMaster(), &now);
  EXPECT_EQ(group.master().Command({"GET", "key"}).text, "after");
}

TEST(SentinelGroup, AFailoverMayBeAskedFor) {
  SentinelGroup group({.replicas = 2});
  group.Start();
  SetEverywhere(group.master(), "value", 2);

  RedisServer& now = group.Failover();
  group.WaitUntilWhole();

  EXPECT_EQ(now.Info("connected_slaves"), "2");
  EXPECT_EQ(now.Command({"GET", "key"}).text, "value");
  // And again.
  EXPECT_NE(&group.Failover(), &now);
}

TEST(SentinelGroup, AMasterWithoutReplicasTakesNoWritesIfToldSo) {
  SentinelGroup group({.min_replicas_to_write = 1, .node = {.configuration = {"min-replicas-max-lag 2"}}});
  group.Start();
  EXPECT_EQ(group.master().Command({"SET", "key", "value"}).text, "OK");

  group.replica(0).Kill();

  EXPECT_TRUE(Eventually([&] { return group.master().Info("min_slaves_good_slaves") == "0"; }));
  EXPECT_THAT([&] { group.master().Command({"SET", "key", "value"}); },
              ThrowsMessage<std::runtime_error>(HasSubstr("NOREPLICAS")));
}

TEST(SentinelGroup, WorksWithTlsAndWithoutADefaultUser) {
  const TestCa ca;
  const RedisServer::Options closed = {
      .users = {"default off"}, .tls = RedisServer::Tls::kClientCertificates, .ca = &ca};
  SentinelGroup group({.node = closed, .sentinel = closed});
  group.Start();
  EXPECT_THAT(group.url(), HasSubstr("rediss+sentinel://"));

  group.master().Kill();
  EXPECT_EQ(&group.WaitForNewMaster(group.master()), &group.replica(0));
}

// While no majority is there to choose, nothing changes.
TEST(SentinelGroup, WithoutAQuorumThereIsNoNewMaster) {
  SentinelGroup group;
  group.Start();
  group.sentinel(0).Pause();
  group.sentinel(1).Kill();

  group.master().Kill();

  EXPECT_THROW(group.WaitForNewMaster(group.master(), std::chrono::seconds(2)), std::runtime_error);
  group.sentinel(0).Continue();
  EXPECT_EQ(&group.WaitForNewMaster(group.master()), &group.replica(0));
}

}  // namespace
}  // namespace grantkeep::testing
