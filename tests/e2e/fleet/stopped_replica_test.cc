// SPDX-License-Identifier: Apache-2.0
// A replica that is stopped (SIGSTOP: a virtual machine that is moved, a container that is throttled), and
// goes on as if no time had passed.
#include <future>
#include <iostream>
#include <latch>

#include "tests/e2e/fleet/fleet_test.h"
#include "tests/support/eventually.h"
#include "tests/support/tcp_relay.h"

namespace grantkeep::testing {
namespace {

using practice::Rotation;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace std::chrono_literals;

// Longer than a lease lasts here: 15 s beside the provider's request_timeout.
constexpr auto kBeyondALease = 40s;
constexpr auto kLong = 60s;

class StoppedReplica : public FleetTest {
 protected:
  // The replica that stands still is the one that refreshes.
  StoppedReplica() { configuration_ = "refresh: {ahead: false}\n"; }
  // A grant whose access token has expired; tokens from now on live for an hour.
  std::string ExpiredGrant(Rotation rotation) {
    practice_->SetTokenPolicy({rotation, 30s, 1s});
    SignInUsers(1);
    practice_->SetTokenPolicy({rotation, 30s, 3600s});
    const std::string first = Refresh(1, grant_ids_.back())->access_token();
    EXPECT_TRUE(Eventually(
        [&] { return practice_->FactsOf(first)->expires.value() <= std::chrono::steady_clock::now(); }));
    return grant_ids_.back();
  }
  Answer<v1::RefreshResponse> Refresh(size_t replica, const std::string& grant_id,
                                      uint64_t rejected_generation = 0) {
    return fleet_->caller(replica)->Refresh(World::RefreshRequest(grant_id, rejected_generation), kLong);
  }
  // Asks until there is a token, or there can be none.
  Answer<v1::RefreshResponse> RefreshAtLast(size_t replica, const std::string& grant_id) {
    Answer<v1::RefreshResponse> answer;
    EXPECT_TRUE(Eventually(
        [&] {
          answer = Refresh(replica, grant_id);
          return answer.ok() || answer.status.code == grpc::StatusCode::FAILED_PRECONDITION;
        },
        kBeyondALease));
    return answer;
  }
  v1::Grant GetGrant(size_t replica, const std::string& grant_id) {
    return World::GetGrant(*fleet_->caller(replica), grant_id);
  }
  std::string Leases() { return Names("grantkeep:lease:*"); }
  std::string Names(const std::string& pattern) {
    std::string names;
    for (const RedisReply& name : redis_->Command({"KEYS", pattern}).elements) names += name.text + " ";
    return names;
  }
};

TEST_F(StoppedReplica, ReplicaStoppedAtTheProviderBeyondItsLeaseOverwritesNothing) {
  StartFleet("", "grace", "rotation_grace: 30s");
  const std::string grant_id = ExpiredGrant(Rotation::kGrace);
  practice_->SetLatency(500ms);
  auto stopped = std::async(std::launch::async, [&] { return Refresh(0, grant_id); });
  ASSERT_TRUE(Eventually([&] { return practice_->Stats().refresh_requests == 1; }));
  fleet_->Pause(0);
  practice_->SetLatency(0ms);
  EXPECT_THAT(Leases(), Not(IsEmpty()));

  const auto refreshed = RefreshAtLast(1, grant_id);
  ASSERT_TRUE(refreshed.ok()) << refreshed.status;
  EXPECT_THAT(Leases(), IsEmpty());
  EXPECT_EQ(practice_->Stats().refresh_requests, 2u) << "in the provider's grace";

  // The provider's answer to it has been waiting for it.
  fleet_->Continue(0);
  const auto late = stopped.get();
  if (late.ok()) EXPECT_EQ(late->access_token(), refreshed->access_token());
  for (size_t replica = 0; replica < fleet_->size(); ++replica) {
    const auto answer = Refresh(replica, grant_id);
    ASSERT_TRUE(answer.ok()) << answer.status;
    EXPECT_EQ(answer->access_token(), refreshed->access_token()) << replica;
    EXPECT_EQ(answer->generation(), refreshed->generation()) << replica;
    EXPECT_EQ(GetGrant(replica, grant_id).state(), v1::GRANT_STATE_ACTIVE) << replica;
  }
  EXPECT_EQ(practice_->Stats().refresh_requests, 2u);
  EXPECT_EQ(practice_->Stats().reuse_detections, 0u);
}

TEST_F(StoppedReplica, ReplicaStoppedAtAStrictProviderBeyondItsLeaseDoesNotBringADeadGrantBack) {
  StartFleet("");
  const std::string grant_id = ExpiredGrant(Rotation::kStrict);
  practice_->SetLatency(500ms);
  auto stopped = std::async(std::launch::async, [&] { return Refresh(0, grant_id); });
  ASSERT_TRUE(Eventually([&] { return practice_->Stats().refresh_requests == 1; }));
  fleet_->Pause(0);
  practice_->SetLatency(0ms);

  // The last attempt, for which the provider revokes all tokens.
  const auto refused = RefreshAtLast(1, grant_id);
  EXPECT_EQ(refused.status.reason, "NEEDS_REAUTH") << refused.status;
  EXPECT_EQ(practice_->Stats().live_families, 0u);

  fleet_->Continue(0);
  const auto late = stopped.get();
  EXPECT_FALSE(late.ok()) << "a token of generation " << late->generation() << " that is revoked";
  for (size_t replica = 0; replica < fleet_->size(); ++replica) {
    const auto answer = Refresh(replica, grant_id);
    EXPECT_EQ(answer.status.reason, "NEEDS_REAUTH") << replica << ": " << answer.status;
    const v1::Grant grant = GetGrant(replica, grant_id);
    EXPECT_EQ(grant.state(), v1::GRANT_STATE_NEEDS_REAUTH) << replica;
    EXPECT_EQ(grant.state_reason(), "IN_DOUBT") << replica;
  }
  EXPECT_EQ(practice_->Stats().refresh_requests, 2u);
}

TEST_F(StoppedReplica, ReplicaStoppedBeforeItsRequestBeyondItsLeasePresentsNoToken) {
  TcpRelay relay(redis_->port());
  StartFleet("");
  fleet_->Kill(0);
  fleet_->Start(0, "url: redis://127.0.0.1:" + std::to_string(relay.port()));
  const std::string grant_id = ExpiredGrant(Rotation::kStrict);
  // What it is about to do is in the store, and it is stopped before it knows.
  relay.SetDelay(700ms, {}, TcpRelay::Way::kToClient);
  auto stopped = std::async(std::launch::async, [&] { return Refresh(0, grant_id); });
  ASSERT_TRUE(Eventually([&] { return !Leases().empty(); }));
  fleet_->Pause(0);
  relay.Heal();
  ASSERT_EQ(practice_->Stats().refresh_requests, 0u);

  const auto refreshed = RefreshAtLast(1, grant_id);
  ASSERT_TRUE(refreshed.ok()) << refreshed.status;
  fleet_->Continue(0);
  const auto late = stopped.get();
  if (late.ok()) EXPECT_EQ(late->access_token(), refreshed->access_token());
  const auto next = RefreshAtLast(0, grant_id);
  ASSERT_TRUE(next.ok()) << next.status;
  EXPECT_EQ(next->access_token(), refreshed->access_token());
  for (size_t replica = 0; replica < fleet_->size(); ++replica) {
    EXPECT_EQ(GetGrant(replica, grant_id).state(), v1::GRANT_STATE_ACTIVE) << replica;
  }
  const practice::ProviderStats stats = practice_->Stats();
  EXPECT_EQ(stats.refresh_requests, 1u);
  EXPECT_EQ(stats.reuse_detections, 0u);
}

// What was proven to be current before the stop stays so for 600 ms (RedisSession::kProof).
constexpr auto kBeyondAProof = 700ms;

TEST_F(StoppedReplica, ReplicaStoppedBetweenRequestsBeyondItsProofServesTheNewestGenerationFirst) {
  practice_->SetTokenPolicy({Rotation::kStrict, 0s, 3600s});
  StartFleet("");
  SignInUsers(20);
  for (size_t replica = 0; replica < fleet_->size(); ++replica) {
    for (const std::string& grant_id : grant_ids_) ASSERT_EQ(Refresh(replica, grant_id)->generation(), 1u);
  }
  fleet_->Pause(0);
  const SteadyTime paused = std::chrono::steady_clock::now();
  for (const std::string& grant_id : grant_ids_) ASSERT_EQ(Refresh(1, grant_id, 1)->generation(), 2u);
  // Asked while it stands still, so that the questions lie before it when it goes on.
  std::latch asking(static_cast<ptrdiff_t>(grant_ids_.size()));
  std::vector<std::future<Answer<v1::RefreshResponse>>> answers;
  answers.reserve(grant_ids_.size());
  for (const std::string& grant_id : grant_ids_) {
    answers.push_back(std::async(std::launch::async, [&] {
      asking.count_down();
      return Refresh(0, grant_id);
    }));
  }
  asking.wait();
  std::this_thread::sleep_until(paused + kBeyondAProof);
  fleet_->Continue(0);
  for (auto& pending : answers) {
    const auto answer = pending.get();
    ASSERT_TRUE(answer.ok()) << answer.status;
    EXPECT_EQ(answer->generation(), 2u);
  }
}

}  // namespace
}  // namespace grantkeep::testing
