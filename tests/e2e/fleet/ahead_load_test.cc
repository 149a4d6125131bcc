// SPDX-License-Identifier: Apache-2.0
// Ten thousand grants whose tokens live for a minute, at a provider that takes half a second, and a thousand
// calls a second: nobody waits for the provider.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <iostream>
#include <random>
#include <regex>
#include <thread>

#include "tests/e2e/fleet/fleet.h"
#include "tests/e2e/fleet/length.h"
#include "tests/e2e/fleet/load.h"
#include "tests/e2e/practice_fixture.h"

namespace grantkeep::testing {
namespace {

using practice::Fault;
using namespace std::chrono_literals;

constexpr size_t kGrants = 10'000;
constexpr auto kLifetime = 60s;
constexpr auto kLatency = 500ms;

// The most refresh requests in any second, by the provider's log.
size_t MostInASecond(const practice::ProviderStats& stats) {
  std::vector<SteadyTime> arrived;
  for (const practice::TokenRequestRecord& record : stats.log) {
    if (record.grant_type == "refresh_token") arrived.push_back(record.arrived);
  }
  size_t most = 0;
  for (size_t end = 0, begin = 0; end < arrived.size(); ++end) {
    while (arrived[begin] + 1s <= arrived[end]) ++begin;
    most = std::max(most, end - begin + 1);
  }
  return most;
}

// What the daemon says of its calls when it ends.
struct Waits {
  int all = -1;
  int needless = -1;
};
Waits WaitsIn(const std::string& output) {
  static const std::regex line(
      "([0-9]+) calls have waited for a provider, ([0-9]+) of them with a valid token");
  std::smatch match;
  if (!std::regex_search(output, match, line)) return {};
  return {std::stoi(match[1]), std::stoi(match[2])};
}

class AheadLoad : public PracticeTest {
 protected:
  AheadLoad() : PracticeTest(StoreKind::kRedis) {}
  ~AheadLoad() override {
    if (HasFailure() && fleet_.has_value()) std::cerr << fleet_->Output().substr(0, 20'000);
  }

  // One daemon, and the grants.
  void Start(practice::Rotation rotation, std::string_view name, const std::string& budget,
             std::string_view timeout, std::chrono::seconds sign_ins = 0s) {
    practice_->SetTokenPolicy({rotation, 0s, kLifetime});
    std::string providers = DefaultProviders(name, "request_budget: " + budget + "\n");
    constexpr std::string_view kTimeout = "request_timeout: 1s";
    providers.replace(providers.find(kTimeout), kTimeout.size(), fmt::format("request_timeout: {}", timeout));
    fleet_.emplace(Fleet::Options{.replicas = 1,
                                  .redis = "url: " + redis_->url(),
                                  .providers = std::move(providers),
                                  .ca_file = ca_->file(),
                                  .configuration = "",
                                  .environment = {{"PRACTICE_CLIENT_SECRET", kPracticeClientSecret}}});
    fleet_->StartAll();
    SignInUsers(sign_ins);
    practice_->SetLatency(std::chrono::duration_cast<std::chrono::milliseconds>(kLatency));
  }

  LoadReport CallFor(std::chrono::seconds duration, std::optional<std::chrono::seconds> min_ttl = {}) {
    Load load(*fleet_, *practice_, grant_ids_, {.callers = 50, .period = 50ms, .min_ttl = min_ttl});
    std::this_thread::sleep_for(duration);
    LoadReport report = load.Stop();
    std::cout << report << "\n  p99.9 " << report.Latency(0.999).count() << " us" << std::endl;
    return report;
  }

  // Also prints.
  Waits End() {
    const Waits waits = WaitsIn(fleet_->Stop(0));
    std::cout << waits.all << " calls waited for the provider, " << waits.needless
              << " of them with a valid token" << std::endl;
    return waits;
  }

  std::optional<Fleet> fleet_;
  std::vector<std::string> grant_ids_;

 private:
  // In no less than `duration`.
  void SignInUsers(std::chrono::seconds duration) {
    constexpr size_t kThreads = 8;
    std::vector<std::vector<std::string>> ids(kThreads);
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    const std::shared_ptr<const Caller> caller = fleet_->caller(0);
    const auto begin = std::chrono::steady_clock::now();
    for (size_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        Browser browser;
        browser.Trust(ca_->file());
        for (size_t i = 0; i < kGrants / kThreads; ++i) {
          std::this_thread::sleep_until(begin + duration * i / (kGrants / kThreads));
          const PendingSignIn pending = World::Begin(*caller, "practice");
          const auto completed =
              World::Complete(*caller, pending, browser.Get(pending.authorization_url).location);
          if (!completed.ok()) {
            ADD_FAILURE() << completed.status;
            return;
          }
          ids[thread].push_back(completed->grant().grant_id());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& some : ids) grant_ids_.insert(grant_ids_.end(), some.begin(), some.end());
    std::cout << grant_ids_.size() << " users signed in within "
              << std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begin)
              << std::endl;
  }
};

TEST_F(AheadLoad, NobodyWaitsForTheProvider) {
  constexpr size_t kBudget = 600;
  // Renewals come as the sign-ins did: four fifths of the budget, which is what is done ahead, suffice for
  // that.
  constexpr auto kSignIns = 30s;
  Start(practice::Rotation::kStrict, "strict", fmt::format("{{per_second: {}, concurrent: 500}}", kBudget),
        "5s", kSignIns);
  ASSERT_EQ(grant_ids_.size(), kGrants);
  const LoadReport report = CallFor(ByLength(60s, 300s));
  const practice::ProviderStats stats = practice_->Stats();
  const Waits waits = End();
  std::cout << stats.refresh_requests << " refreshes, at most " << MostInASecond(stats) << " in a second"
            << std::endl;

  EXPECT_EQ(waits.all, 0);
  EXPECT_EQ(report.all_refused(), 0u);
  EXPECT_TRUE(report.wrong.empty()) << report;
  EXPECT_GT(report.all_served(), ByLength(30'000u, 150'000u));
  // On its way a request may fall behind by a few milliseconds.
  EXPECT_LE(MostInASecond(stats), kBudget + kBudget / 20);
  EXPECT_EQ(stats.reuse_detections, 0u);
  EXPECT_EQ(stats.live_families, kGrants);
}

TEST_F(AheadLoad, HalfFailing) {
  constexpr size_t kBudget = 1500;
  Start(practice::Rotation::kNone, "none", fmt::format("{{per_second: {}, concurrent: 1500}}", kBudget),
        "3s");
  ASSERT_EQ(grant_ids_.size(), kGrants);
  // Every other answer, on the average, is right, but for a scope that does not matter.
  std::mt19937 random(1);
  for (int i = 0; i < ByLength(60'000, 300'000); ++i) {
    static constexpr Fault::Kind kKinds[] = {Fault::Kind::kServerError, Fault::Kind::kReset,
                                             Fault::Kind::kTooManyRequests, Fault::Kind::kHang};
    Fault fault{.kind = random() % 2 == 0 ? Fault::Kind::kDropScope : kKinds[random() % 4]};
    if (fault.kind == Fault::Kind::kTooManyRequests) fault.retry_after = 1s;
    practice_->InjectFault(fault);
  }
  const LoadReport report = CallFor(ByLength(60s, 300s), 0s);
  practice_->ClearFaults();
  const practice::ProviderStats stats = practice_->Stats();
  const Waits waits = End();
  std::cout << stats.refresh_requests << " refreshes, at most " << MostInASecond(stats) << " in a second, "
            << stats.tokens_granted << " granted" << std::endl;

  EXPECT_EQ(waits.needless, 0);
  EXPECT_TRUE(report.wrong.empty()) << report;
  EXPECT_GT(report.all_served(), ByLength(30'000u, 150'000u));
  // Nor did many expire: an eighth would, had each three attempts before that, and most have more.
  EXPECT_LT(static_cast<uint64_t>(waits.all) + report.all_refused(), report.all_served() / 50);
  EXPECT_LE(MostInASecond(stats), kBudget + kBudget / 20);
}

}  // namespace
}  // namespace grantkeep::testing
