// SPDX-License-Identifier: Apache-2.0
// kill -9 at each step of a refresh, over both stores, at providers that rotate strictly or with a grace
// period.
#include <algorithm>
#include <iostream>

#include "tests/e2e/crash/crash_fixture.h"

namespace grantkeep::testing {
namespace {

using practice::Rotation;

// Deaths before another process goes on.
constexpr int kAtOnce = 5;
// The last of the dead keeps its lease for so long, and 15 s.
constexpr std::chrono::seconds kCallLimit{5};

class CrashAtAStep : public CrashFixture, public ::testing::WithParamInterface<CrashCase> {
 protected:
  CrashAtAStep() : CrashFixture(std::get<0>(GetParam()), std::get<1>(GetParam())) {}

  struct Death {
    std::string step;
    SignedIn grant;
    uint64_t presented = 0;  // before the death
  };

  std::vector<Death> Die(const std::vector<std::string>& steps, int rounds) {
    Live();
    Start();
    std::vector<SignedIn> grants = SignInExpired(steps.size() * static_cast<size_t>(rounds));
    EXPECT_EQ(world_->daemon().Stop(), 0);
    std::vector<Death> deaths;
    for (const std::string& step : steps) {
      DieAt(step);
      for (int round = 0; round < rounds; ++round) {
        const SignedIn& grant = grants.at(deaths.size());
        Start();
        EXPECT_FALSE(world_->Refresh(grant.grant_id).ok()) << step;
        ExpectKilled();
        deaths.push_back({step, grant, Presented(grant)});
      }
    }
    return deaths;
  }

  void ExpectSettled(const Death& death, const Answer<v1::RefreshResponse>& answer) {
    SCOPED_TRACE(fmt::format("killed at '{}', token presented {} times", death.step, death.presented));
    const bool consumed = death.presented > 0;
    EXPECT_EQ(consumed, death.step == "answered" || death.step == "stored");
    if (death.step == "answered" && !grace()) {
      // Nobody has the new tokens, and the provider takes the old one for stolen.
      ExpectLost(death.grant, answer);
    } else {
      ExpectGood(death.grant, answer);
    }
    // Once in all; once more only where nobody knew the answer.
    EXPECT_EQ(Presented(death.grant), death.step == "answered" ? 2u : 1u);
    EXPECT_EQ(FamilyOf(death.grant).presented.size(), 1u) << "no other token was presented";
  }
};

TEST_P(CrashAtAStep, LosesAGrantOnlyWhereTheProviderAllowsNoRecovery) {
  PracticeTest::Start(Providers(kCallLimit));
  ASSERT_EQ(world_->daemon().Stop(), 0);
  int deaths_in_all = 0;
  int lost = 0;
  for (int left = Rounds(); left > 0; left -= kAtOnce) {
    const std::vector<Death> deaths =
        Die({"begun", "sending", "answered", "stored"}, std::min(left, kAtOnce));
    Live();
    Start();
    std::vector<SignedIn> grants;
    grants.reserve(deaths.size());
    for (const Death& death : deaths) grants.push_back(death.grant);
    const std::vector<Answer<v1::RefreshResponse>> answers = RefreshAllAtLast(grants);
    for (size_t i = 0; i < deaths.size(); ++i) {
      ExpectSettled(deaths[i], answers[i]);
      lost += answers[i].ok() ? 0 : 1;
    }
    deaths_in_all += static_cast<int>(deaths.size());
    EXPECT_EQ(RecoveryFiles(), 0u) << "the store was there all the time";
    ASSERT_EQ(world_->daemon().Stop(), 0);
  }
  std::cout << deaths_in_all << " deaths, " << lost << " grants need a sign-in\n";
}

TEST_P(CrashAtAStep, TheNextTakesUpWhatWasBegunThoughNobodyAsks) {
  PracticeTest::Start(Providers());
  ASSERT_EQ(world_->daemon().Stop(), 0);
  const std::vector<Death> deaths = Die({"sending"}, 1);
  ASSERT_EQ(deaths.size(), 1u);
  Live();
  Start();
  EXPECT_TRUE(Eventually([&] { return Presented(deaths[0].grant) == 1; }, std::chrono::seconds(60)));
  EXPECT_TRUE(Eventually([&] { return world_->GetGrant(deaths[0].grant.grant_id).generation() == 2; }));
}

INSTANTIATE_TEST_SUITE_P(All, CrashAtAStep,
                         ::testing::Combine(::testing::Values(StoreKind::kSqlite, StoreKind::kRedis),
                                            ::testing::Values(Rotation::kStrict, Rotation::kGrace)),
                         CrashCaseName);

}  // namespace
}  // namespace grantkeep::testing
