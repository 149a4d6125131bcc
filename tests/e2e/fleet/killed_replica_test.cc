// SPDX-License-Identifier: Apache-2.0
// kill -9 under load: what was on its way at the provider is all that can be lost, and is told apart.
#include <algorithm>
#include <iostream>

#include "tests/e2e/fleet/fleet_test.h"
#include "tests/e2e/fleet/length.h"

namespace grantkeep::testing {
namespace {

using std::chrono::steady_clock;
using ::testing::Each;
using ::testing::Gt;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

constexpr auto kKillEvery = 5s;
class KilledReplica : public FleetTest {
 protected:
  // The load, with a replica killed every 5 s, each in turn, and started again at once.
  LoadReport RunWithKills() {
    const auto begin = steady_clock::now();
    Load load(*fleet_, *practice_, grant_ids_);
    const auto end = begin + ByLength(15s, 60s);
    for (auto next = begin + kKillEvery / 2; next < end; next += kKillEvery) {
      std::this_thread::sleep_until(next);
      const size_t replica = kills_.size() % fleet_->size();
      kills_.push_back(fleet_->Kill(replica));
      fleet_->Start(replica);
    }
    std::this_thread::sleep_until(end);
    const LoadReport report = load.Stop();
    std::cout << report << "\n" << kills_.size() << " kills" << std::endl;
    return report;
  }

  std::vector<Moment> kills_;
};

TEST_F(KilledReplica, AReplicaKilledEveryFiveSecondsLosesNothingWhereTheProviderGrantsGrace) {
  practice_->SetTokenPolicy({practice::Rotation::kGrace, 30s, 2s});
  StartFleet("", "grace", "rotation_grace: 30s");
  SignInUsers(200);
  practice_->SetLatency(50ms);

  const LoadReport report = RunWithKills();
  const Outcome outcome = Settle();
  EXPECT_THAT(report.wrong, IsEmpty());
  EXPECT_THAT(report.served, Each(Gt(0u)));
  EXPECT_THAT(outcome.lost, IsEmpty());
  EXPECT_THAT(outcome.unanswered, IsEmpty());
  const practice::ProviderStats stats = practice_->Stats();
  EXPECT_EQ(stats.reuse_detections, 0u);
  EXPECT_EQ(stats.live_families, grant_ids_.size());
}

TEST_F(KilledReplica, AReplicaKilledEveryFiveSecondsLosesAtAStrictProviderOnlyWhatWasInFlight) {
  StartFleet("");
  SignInUsers(200);
  practice_->SetLatency(50ms);

  const LoadReport report = RunWithKills();
  const Outcome outcome = Settle();
  EXPECT_THAT(report.wrong, IsEmpty());
  EXPECT_THAT(report.served, Each(Gt(0u)));
  EXPECT_THAT(outcome.unanswered, IsEmpty());
  const practice::ProviderStats stats = practice_->Stats();
  std::set<uint64_t> in_flight;
  for (size_t i = 0; i < kills_.size(); ++i) {
    in_flight.merge(FamiliesInFlight(stats, i % fleet_->size(), kills_[i]));
  }
  for (const Outcome::Lost& lost : outcome.lost) {
    EXPECT_EQ(lost.reason, "IN_DOUBT") << lost.grant_id;
    EXPECT_TRUE(in_flight.contains(lost.family)) << lost.grant_id << ", family " << lost.family;
  }
  // The last attempt of a grant in doubt is what the provider takes for reuse, and nothing else.
  std::set<uint64_t> lost_families;
  for (const Outcome::Lost& lost : outcome.lost) lost_families.insert(lost.family);
  for (const practice::FamilyStats& family : stats.families) {
    if (!family.live) EXPECT_TRUE(lost_families.contains(family.id)) << family.id;
  }
  EXPECT_EQ(stats.reuse_detections, stats.families.size() - stats.live_families);
  std::cout << outcome.lost.size() << " lost, all IN_DOUBT; " << in_flight.size()
            << " grants had a request on its way at a kill; " << stats.reuse_detections
            << " reuse detections\n";
}

}  // namespace
}  // namespace grantkeep::testing
