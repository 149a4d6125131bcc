// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_E2E_CRASH_CRASH_FIXTURE_H_
#define GRANTKEEP_TESTS_E2E_CRASH_CRASH_FIXTURE_H_

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/practice_fixture.h"
#include "tests/support/eventually.h"

namespace grantkeep::testing {

// Deaths a step: GRANTKEEP_CRASH_ROUNDS, or 5.
inline int Rounds() {
  const char* const rounds = std::getenv("GRANTKEEP_CRASH_ROUNDS");
  return rounds == nullptr ? 5 : std::atoi(rounds);
}

// A grant, and the provider's name of it.
struct SignedIn {
  std::string grant_id;
  uint64_t family = 0;
};

// grantkeepd dies at a step of a refresh, and another goes on with the same store and the same recovery
// files.
class CrashFixture : public PracticeTest {
 protected:
  static constexpr std::chrono::seconds kGrace{3000};

  CrashFixture(StoreKind store, practice::Rotation rotation) : PracticeTest(store), rotation_(rotation) {
    configuration_ =
        fmt::format("refresh: {{ahead: false, recovery_dir: {}}}\n", (files_ / "recovery").string());
    if (redis_ != nullptr) store_ = fmt::format("redis: {{url: \"{}\", failover_hold: 1s}}", redis_->url());
  }
  ~CrashFixture() override {
    if (HasFailure() && world_ != nullptr) std::cerr << world_->daemon().Output().substr(0, 200'000);
  }

  bool grace() const { return rotation_ == practice::Rotation::kGrace; }
  std::string Providers(std::chrono::seconds request_timeout = std::chrono::seconds(1)) const {
    std::string providers =
        grace() ? DefaultProviders("grace", fmt::format("rotation_grace: {}s\n", kGrace.count()))
                : DefaultProviders("strict");
    constexpr std::string_view kUsual = "request_timeout: 1s";
    return providers.replace(providers.find(kUsual), kUsual.size(),
                             fmt::format("request_timeout: {}s", request_timeout.count()));
  }
  void SetTokens(std::chrono::seconds lifetime) { practice_->SetTokenPolicy({rotation_, kGrace, lifetime}); }

  // Grants whose access tokens have expired; tokens from now on live for an hour.
  std::vector<SignedIn> SignInExpired(size_t count) {
    SetTokens(std::chrono::seconds(1));
    std::vector<SignedIn> grants;
    for (size_t i = 0; i < count; ++i) {
      const size_t before = practice_->Stats().families.size();
      grants.push_back({SignIn().grant_id(), before + 1});
    }
    SetTokens(std::chrono::hours(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    return grants;
  }

  // From the next start on.
  void DieAt(const std::string& step) {
    world_->daemon().UseProgram(CRASHING_DAEMON, {{"GRANTKEEP_DIE_AT", step}});
  }
  void Live() { world_->daemon().UseProgram(GRANTKEEPD, {}); }
  void Start() {
    const absl::Status ready = world_->Start();
    ASSERT_TRUE(ready.ok()) << ready;
  }
  void ExpectKilled() {
    const std::optional<int> status = world_->daemon().WaitForEnd();
    ASSERT_TRUE(status.has_value());
    EXPECT_TRUE(WIFSIGNALED(*status) && WTERMSIG(*status) == SIGKILL) << *status;
  }

  // Asks until there is a token, or there can be none.
  Answer<v1::RefreshResponse> RefreshAtLast(const std::string& grant_id) {
    Answer<v1::RefreshResponse> answer;
    EXPECT_TRUE(Eventually(
        [&] {
          answer = world_->caller().Refresh(World::RefreshRequest(grant_id), std::chrono::seconds(60));
          return answer.ok() || answer.status.code == grpc::StatusCode::FAILED_PRECONDITION;
        },
        std::chrono::seconds(60)))
        << answer.status;
    return answer;
  }
  std::vector<Answer<v1::RefreshResponse>> RefreshAllAtLast(const std::vector<SignedIn>& grants) {
    std::vector<std::future<Answer<v1::RefreshResponse>>> asked;
    asked.reserve(grants.size());
    for (const SignedIn& grant : grants) {
      asked.push_back(std::async(std::launch::async, [&] { return RefreshAtLast(grant.grant_id); }));
    }
    std::vector<Answer<v1::RefreshResponse>> answers;
    answers.reserve(asked.size());
    for (auto& answer : asked) answers.push_back(answer.get());
    return answers;
  }

  // How often its first refresh token was presented.
  uint64_t Presented(const SignedIn& grant) {
    const practice::FamilyStats family = FamilyOf(grant);
    const auto first = family.presented.find(1);
    return first == family.presented.end() ? 0 : first->second;
  }
  practice::FamilyStats FamilyOf(const SignedIn& grant) {
    return practice_->Stats().families.at(grant.family - 1);
  }

  // The token is this grant's, the newest, and good now.
  void ExpectGood(const SignedIn& grant, const Answer<v1::RefreshResponse>& answer) {
    ASSERT_TRUE(answer.ok()) << answer.status;
    const auto facts = practice_->FactsOf(answer->access_token());
    ASSERT_TRUE(facts.has_value());
    EXPECT_EQ(facts->family, grant.family);
    EXPECT_TRUE(facts->live);
    EXPECT_GT(facts->expires.value(), std::chrono::steady_clock::now());
    EXPECT_EQ(world_->GetGrant(grant.grant_id).state(), v1::GRANT_STATE_ACTIVE);
  }
  void ExpectLost(const SignedIn& grant, const Answer<v1::RefreshResponse>& answer) {
    EXPECT_EQ(answer.status.reason, "NEEDS_REAUTH") << answer.status;
    const v1::Grant shown = world_->GetGrant(grant.grant_id);
    EXPECT_EQ(shown.state(), v1::GRANT_STATE_NEEDS_REAUTH);
    EXPECT_EQ(shown.state_reason(), "IN_DOUBT");
  }
  size_t RecoveryFiles() const {
    std::error_code absent;
    const std::filesystem::directory_iterator files(files_ / "recovery", absent);
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }

  const practice::Rotation rotation_;
  TempDir files_;
};

using CrashCase = std::tuple<StoreKind, practice::Rotation>;
inline std::string CrashCaseName(const ::testing::TestParamInfo<CrashCase>& info) {
  return fmt::format("{}{}", std::get<0>(info.param) == StoreKind::kRedis ? "Redis" : "Sqlite",
                     std::get<1>(info.param) == practice::Rotation::kGrace ? "Grace" : "Strict");
}

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_E2E_CRASH_CRASH_FIXTURE_H_
