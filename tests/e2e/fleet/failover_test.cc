// SPDX-License-Identifier: Apache-2.0
// A Redis master that dies under load, and Sentinels that make another one.
#include <fmt/format.h>

#include <iostream>
#include <set>

#include "tests/e2e/fleet/fleet_test.h"
#include "tests/e2e/fleet/length.h"
#include "tests/support/eventually.h"
#include "tests/support/sentinel_group.h"

namespace grantkeep::testing {
namespace {

using std::chrono::steady_clock;
using ::testing::Each;
using ::testing::Gt;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

SentinelGroup::Options ThreeNodes() {
  SentinelGroup::Options options;
  // One is left to confirm writes when one has become the master.
  options.replicas = 2;
  options.down_after = 2s;
  return options;
}

class SentinelFailover : public FleetTest {
 protected:
  SentinelFailover() : group_(ThreeNodes()) {
    redis_->Stop();
    group_.Start();
  }
  ~SentinelFailover() override {
    if (HasFailure()) std::cerr << group_.Output();
  }

  // The load, and kill() in the middle of it, which is to end when there is a new master.
  template <typename Kill>
  LoadReport RunWith(Kill kill) {
    practice_->SetLatency(50ms);
    Load load(*fleet_, *practice_, grant_ids_);
    std::this_thread::sleep_for(ByLength(4s, 20s));
    kill();
    // The hold and what comes after it are part of the load.
    std::this_thread::sleep_for(ByLength(12s, 40s));
    const LoadReport report = load.Stop();
    std::cout << report << std::endl;
    return report;
  }
  void KillMaster(RedisServer& master) {
    killed_.begin = steady_clock::now();
    master.Kill();
    killed_.end = steady_clock::now();
  }
  void Revoke(const std::string& grant_id) {
    v1::RevokeGrantRequest request;
    request.set_tenant(World::kTenant);
    request.set_subject(World::kSubject);
    request.set_grant_id(grant_id);
    const auto answer = fleet_->caller(0)->RevokeGrant(request);
    EXPECT_TRUE(answer.ok() && answer->forgotten()) << answer.status;
  }
  void ExpectRevokedEverywhere(const std::string& grant_id) {
    for (size_t replica = 0; replica < fleet_->size(); ++replica) {
      const auto answer = fleet_->caller(replica)->Refresh(World::RefreshRequest(grant_id));
      EXPECT_EQ(answer.status.reason, "GRANT_NOT_FOUND") << "replica " << replica << ": " << answer.status;
    }
  }
  void ExpectNothingLost() {
    const Outcome outcome = Settle();
    EXPECT_THAT(outcome.unanswered, IsEmpty());
    for (const Outcome::Lost& lost : outcome.lost) {
      std::string log;
      for (const practice::TokenRequestRecord& record : practice_->Stats().log) {
        if (record.family != lost.family || record.arrived < killed_.begin - 5s) continue;
        log += fmt::format("\n  {} generation {} at {} to {} us from the kill: {} {}", record.from,
                           record.generation, Micros(record.arrived - killed_.begin),
                           record.answered ? Micros(*record.answered - killed_.begin) : 0, record.status,
                           record.error);
      }
      ADD_FAILURE() << lost.grant_id << " " << lost.reason << log;
    }
    const practice::ProviderStats stats = practice_->Stats();
    EXPECT_EQ(stats.reuse_detections, 0u);
    EXPECT_EQ(stats.live_families, grant_ids_.size());
  }

  static int64_t Micros(std::chrono::steady_clock::duration time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  }

  SentinelGroup group_;
  Moment killed_;  // the master
};

TEST_F(SentinelFailover, ASentinelFailoverLosesNothing) {
  StartFleet("url: " + group_.url());
  SignInUsers(200);
  const LoadReport report = RunWith([&] {
    RedisServer& old = group_.CurrentMaster();
    KillMaster(old);
    group_.WaitForNewMaster(old);
  });
  EXPECT_THAT(report.wrong, IsEmpty());
  EXPECT_THAT(report.served, Each(Gt(0u)));
  ExpectNothingLost();
}

TEST_F(SentinelFailover, WritesThatNoRedisButADaemonHasSeenArePutBack) {
  StartFleet("url: " + group_.url() + "\nwait_replicas: 0");
  constexpr size_t kRevoked = 5;
  SignInUsers(200 + kRevoked);
  const std::vector<std::string> revoked(grant_ids_.end() - kRevoked, grant_ids_.end());
  grant_ids_.resize(grant_ids_.size() - kRevoked);
  const LoadReport report = RunWith([&] {
    RedisServer& old = group_.CurrentMaster();
    std::vector<RedisServer*> others;
    for (RedisServer* node : {&group_.master(), &group_.replica(0), &group_.replica(1)}) {
      if (node != &old) others.push_back(node);
    }
    // What is written now gets nowhere but to the master. (Replicas that merely stand still would find it
    // in their sockets.)
    for (RedisServer* node : others) node->Pause();
    old.Command({"CLIENT", "KILL", "TYPE", "replica"});
    const uint64_t before = practice_->Stats().refresh_requests;
    EXPECT_TRUE(Eventually([&] { return practice_->Stats().refresh_requests >= before + 20; }));
    for (const std::string& grant_id : revoked) Revoke(grant_id);
    KillMaster(old);
    const uint64_t lost = practice_->Stats().refresh_requests - before;
    std::cout << "about " << lost << " new generations were with the old master alone\n";
    EXPECT_GT(lost, 0u);
    for (RedisServer* node : others) node->Continue();
    group_.WaitForNewMaster(old);
  });
  EXPECT_THAT(report.wrong, IsEmpty());
  EXPECT_THAT(report.served, Each(Gt(0u)));
  for (const std::string& grant_id : revoked) ExpectRevokedEverywhere(grant_id);
  ExpectNothingLost();
}

TEST_F(SentinelFailover, WhenAllReplicasDieWithTheMasterOnlyWhatWasInFlightIsLost) {
  StartFleet("url: " + group_.url());
  SignInUsers(200);
  const LoadReport report = RunWith([&] {
    RedisServer& old = group_.CurrentMaster();
    KillMaster(old);
    killed_.end = fleet_->KillAll().end;
    group_.WaitForNewMaster(old);
    fleet_->StartAll();
  });
  EXPECT_THAT(report.wrong, IsEmpty());
  const Outcome outcome = Settle();
  EXPECT_THAT(outcome.unanswered, IsEmpty());
  const practice::ProviderStats stats = practice_->Stats();
  std::set<uint64_t> in_flight;
  for (size_t replica = 0; replica < fleet_->size(); ++replica) {
    in_flight.merge(FamiliesInFlight(stats, replica, killed_));
  }
  for (const Outcome::Lost& lost : outcome.lost) {
    EXPECT_EQ(lost.reason, "IN_DOUBT") << lost.grant_id;
    EXPECT_TRUE(in_flight.contains(lost.family)) << lost.grant_id << ", family " << lost.family;
  }
  EXPECT_EQ(stats.reuse_detections, stats.families.size() - stats.live_families);
  EXPECT_EQ(stats.families.size() - stats.live_families, outcome.lost.size());
  std::cout << outcome.lost.size() << " lost, all IN_DOUBT; " << in_flight.size()
            << " grants had a request on its way\n";
}

}  // namespace
}  // namespace grantkeep::testing
