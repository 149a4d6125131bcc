// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/fleet/fleet_test.h"

#include <fmt/format.h>

#include <atomic>
#include <iostream>
#include <mutex>
#include <thread>
#include <utility>

#include "tests/support/eventually.h"

namespace grantkeep::testing {
namespace {

using namespace std::chrono_literals;

constexpr size_t kReplicas = 3;
constexpr size_t kSettlers = 16;
// What a request takes to the provider's log, and an answer from there into the store.
constexpr auto kMargin = 100ms;

bool IsRefresh(const practice::TokenRequestRecord& record) { return record.grant_type == "refresh_token"; }

}  // namespace

FleetTest::FleetTest() : PracticeTest(StoreKind::kRedis) {
  practice_->SetTokenPolicy({practice::Rotation::kStrict, 0s, 2s});
  configuration_.clear();
}

FleetTest::~FleetTest() {
  if (HasFailure() && fleet_.has_value()) std::cerr << fleet_->Output();
}

void FleetTest::StartFleet(std::string redis, std::string_view rotation, std::string_view further) {
  Fleet::Options options;
  options.replicas = kReplicas;
  options.redis = redis.empty() ? "url: " + redis_->url() : std::move(redis);
  options.providers = DefaultProviders(
      rotation,
      fmt::format(
          "token_request_headers: {{From: {}}}\nrequest_budget: {{per_second: 1000, concurrent: 500}}\n{}",
          Fleet::kName, further));
  options.ca_file = ca_->file();
  options.configuration = configuration_;
  options.environment = {{"PRACTICE_CLIENT_SECRET", kPracticeClientSecret}};
  fleet_.emplace(std::move(options));
  fleet_->StartAll();
}

void FleetTest::SignInUsers(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const std::shared_ptr<const Caller> caller = fleet_->caller(i % fleet_->size());
    const PendingSignIn pending = World::Begin(*caller, "practice");
    const auto completed = World::Complete(*caller, pending, Visit(pending));
    ASSERT_TRUE(completed.ok()) << completed.status;
    // Families are numbered in the order of their creation.
    grant_ids_.push_back(completed->grant().grant_id());
    families_[grant_ids_.back()] = grant_ids_.size();
  }
  ASSERT_EQ(practice_->Stats().live_families, grant_ids_.size());
}

Outcome FleetTest::Settle(std::chrono::seconds limit) {
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  Outcome outcome;
  const auto settle = [&](const std::string& grant_id) {
    const bool answered = Eventually(
        [&] {
          const auto caller = fleet_->caller(std::hash<std::string>()(grant_id) % fleet_->size());
          const auto answer = caller->Refresh(World::RefreshRequest(grant_id));
          return answer.ok() || answer.status.code == grpc::StatusCode::FAILED_PRECONDITION;
        },
        limit);
    const v1::Grant grant = World::GetGrant(*fleet_->caller(0), grant_id);
    const std::lock_guard lock(mutex);
    if (!answered) outcome.unanswered.push_back(grant_id);
    if (grant.state() == v1::GRANT_STATE_NEEDS_REAUTH) {
      outcome.lost.push_back({grant_id, grant.state_reason(), families_.at(grant_id)});
    }
  };
  std::vector<std::thread> settlers;
  settlers.reserve(kSettlers);
  for (size_t i = 0; i < kSettlers; ++i) {
    settlers.emplace_back([&] {
      for (size_t grant = next++; grant < grant_ids_.size(); grant = next++) settle(grant_ids_[grant]);
    });
  }
  for (std::thread& settler : settlers) settler.join();
  return outcome;
}

std::set<uint64_t> FleetTest::FamiliesInFlight(const practice::ProviderStats& stats, size_t replica,
                                               const Moment& moment) {
  std::set<uint64_t> families;
  for (const practice::TokenRequestRecord& record : stats.log) {
    if (!IsRefresh(record) || record.from != Fleet::NameOf(replica)) continue;
    const bool before_the_end = record.arrived - kMargin <= moment.end;
    const bool after_the_begin = !record.answered.has_value() || moment.begin <= *record.answered + kMargin;
    if (before_the_end && after_the_begin) families.insert(record.family);
  }
  return families;
}

void FleetTest::ExpectEachGenerationPresentedOnce(const practice::ProviderStats& stats) {
  for (const practice::FamilyStats& family : stats.families) {
    EXPECT_TRUE(family.live) << "family " << family.id;
    for (uint64_t generation = 1; generation < family.generation; ++generation) {
      const auto presented = family.presented.find(generation);
      EXPECT_EQ(presented == family.presented.end() ? 0 : presented->second, 1u)
          << "family " << family.id << ", generation " << generation;
    }
    EXPECT_FALSE(family.presented.contains(family.generation)) << "family " << family.id;
  }
}

}  // namespace grantkeep::testing
