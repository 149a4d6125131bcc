// SPDX-License-Identifier: Apache-2.0
// Many callers, three replicas, one Redis, and a provider that revokes a family when a refresh token is used
// twice: nothing is lost, and nothing is done twice.
#include <iostream>

#include "tests/e2e/fleet/fleet_test.h"
#include "tests/e2e/fleet/length.h"

namespace grantkeep::testing {
namespace {

using ::testing::Each;
using ::testing::Gt;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

using RefreshLoad = FleetTest;

TEST_F(RefreshLoad, ThreeReplicasRefreshEachGenerationOnce) {
  StartFleet("");
  SignInUsers(200);
  practice_->SetLatency(50ms);

  const auto duration = ByLength(12s, 60s);
  Load load(*fleet_, *practice_, grant_ids_);
  std::this_thread::sleep_for(duration);
  const LoadReport report = load.Stop();
  const Outcome outcome = Settle();
  std::cout << report << std::endl;

  EXPECT_THAT(report.wrong, IsEmpty());
  EXPECT_THAT(report.refused, IsEmpty());
  EXPECT_THAT(report.served, Each(Gt(0u)));
  EXPECT_THAT(outcome.lost, IsEmpty());
  EXPECT_THAT(outcome.unanswered, IsEmpty());
  const practice::ProviderStats stats = practice_->Stats();
  std::cout << stats.refresh_requests << " refreshes\n";
  EXPECT_EQ(stats.reuse_detections, 0u);
  EXPECT_EQ(stats.live_families, grant_ids_.size());
  ExpectEachGenerationPresentedOnce(stats);
  // Tokens live for 2 s; a machine that is slow may be late, but not stand still.
  const auto least = static_cast<uint64_t>(duration.count()) / 4;
  for (const practice::FamilyStats& family : stats.families) EXPECT_GE(family.generation, least) << family.id;
}

}  // namespace
}  // namespace grantkeep::testing
