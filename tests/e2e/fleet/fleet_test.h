// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_E2E_FLEET_FLEET_TEST_H_
#define GRANTKEEP_TESTS_E2E_FLEET_FLEET_TEST_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/fleet/fleet.h"
#include "tests/e2e/fleet/load.h"
#include "tests/e2e/practice_fixture.h"

namespace grantkeep::testing {

// What has become of the grants of a fleet.
struct Outcome {
  struct Lost {
    std::string grant_id;
    std::string reason;  // Grant.state_reason
    uint64_t family = 0;
  };
  std::vector<Lost> lost;
  // Grants for which no replica has given an answer in time.
  std::vector<std::string> unanswered;
};

// Callers, three replicas, and the practice provider over TLS, because only --dev does without.
class FleetTest : public PracticeTest {
 protected:
  FleetTest();
  // Prints what the replicas have written when the test has failed.
  ~FleetTest() override;

  // Three replicas over a Redis (lines of store.redis; redis_ without), with the providers of
  // DefaultProviders().
  void StartFleet(std::string redis, std::string_view rotation = "strict", std::string_view further = "");
  // Signs users in at the replicas in turn; adds to grant_ids_ and families_.
  void SignInUsers(size_t count);

  // Asks each grant's token until there is one, or there can be none.
  Outcome Settle(std::chrono::seconds limit = std::chrono::seconds(60));
  // The families of which this replica had a refresh on its way at `moment`, by the provider's log.
  static std::set<uint64_t> FamiliesInFlight(const practice::ProviderStats& stats, size_t replica,
                                             const Moment& moment);
  // Every refresh token of every family has been presented once, but for the newest, which has not.
  static void ExpectEachGenerationPresentedOnce(const practice::ProviderStats& stats);

  std::optional<Fleet> fleet_;
  std::vector<std::string> grant_ids_;
  std::map<std::string, uint64_t> families_;  // by grant
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_E2E_FLEET_FLEET_TEST_H_
