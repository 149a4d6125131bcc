// SPDX-License-Identifier: Apache-2.0
// What does a Refresh answered from memory cost, compared with a bare completion-queue echo of the
// same messages in the same run?
//
// Five rounds, in each of which echo, Refresh and GetStaticSecret take turns. Prints every round
// and the medians of the ratios to the echo; exits with 1 when Refresh costs more than the budget
// in CPU (of the whole server process, for one call) or in p50 (at one outstanding call).
//
// Usage: refresh_budget [--tcp] [Google Benchmark's flags]
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdio>
#include <string_view>
#include <utility>

#include "bench/caller.h"
#include "bench/round.h"
#include "bench/seed.h"
#include "bench/server_process.h"
#include "grantkeep/v1/auth.grpc.pb.h"

namespace grantkeep::bench {
namespace {

constexpr double kBudget = 1.5;
constexpr int kRounds = 5;
constexpr int kWarmUpCalls = 2000;

using Stub = v1::AuthService::Stub;
using RefreshCaller = UnaryCaller<v1::RefreshRequest, v1::RefreshResponse>;
using SecretCaller = UnaryCaller<v1::GetStaticSecretRequest, v1::GetStaticSecretResponse>;

std::unique_ptr<Stub> Connect(const ServerProcess& server) {
  return v1::AuthService::NewStub(grpc::CreateChannel(server.address(), grpc::InsecureChannelCredentials()));
}

RefreshCaller CallRefresh(Stub& stub) {
  v1::RefreshRequest request;
  request.set_tenant(kTenant);
  request.set_subject(kSubject);
  request.set_grant_id(kGrant);
  return RefreshCaller(
      request,
      [&stub](grpc::ClientContext* context, const v1::RefreshRequest& sent, grpc::CompletionQueue* queue) {
        return stub.AsyncRefresh(context, sent, queue);
      },
      [](const v1::RefreshResponse& answer) {
        return answer.access_token().size() == kTokenSize && answer.freshness() == v1::FRESHNESS_FRESH;
      });
}

SecretCaller CallGetStaticSecret(Stub& stub) {
  v1::GetStaticSecretRequest request;
  request.set_tenant(kTenant);
  request.set_name(kSecretName);
  return SecretCaller(
      request,
      [&stub](grpc::ClientContext* context, const v1::GetStaticSecretRequest& sent,
              grpc::CompletionQueue* queue) { return stub.AsyncGetStaticSecret(context, sent, queue); },
      [](const v1::GetStaticSecretResponse& answer) { return answer.value().size() == kTokenSize; });
}

// The ratios of all rounds for one figure of one contender.
struct Ratios {
  std::vector<double> cpu;
  std::vector<double> p50;
  std::vector<double> p99;
};

class Comparison {
 public:
  void Add(const std::vector<Contender>& contenders, const std::vector<Result>& results) {
    if (ratios_.empty()) PrintHead();
    ratios_.resize(results.size());
    const Result& echo = results.front();
    for (size_t i = 0; i < results.size(); ++i) {
      const Result& result = results[i];
      ratios_[i].cpu.push_back(result.cpu_us / echo.cpu_us);
      ratios_[i].p50.push_back(result.p50_us / echo.p50_us);
      ratios_[i].p99.push_back(result.p99_us / echo.p99_us);
      fmt::print("{:>5}  {:<16} {:>8.2f} {:>8.1f} {:>8.1f}   {:>6.2f} {:>6.2f} {:>6.2f}\n",
                 ratios_[i].cpu.size(), contenders[i].name, result.cpu_us, result.p50_us, result.p99_us,
                 ratios_[i].cpu.back(), ratios_[i].p50.back(), ratios_[i].p99.back());
    }
    std::fflush(stdout);
  }

  double MedianCpu(size_t contender) const { return Median(ratios_[contender].cpu); }
  double MedianP50(size_t contender) const { return Median(ratios_[contender].p50); }
  double MedianP99(size_t contender) const { return Median(ratios_[contender].p99); }
  bool empty() const { return ratios_.empty(); }

 private:
  static void PrintHead() {
    fmt::print("{:>5}  {:<16} {:>8} {:>8} {:>8}   {:>20}\n", "round", "", "CPU us", "p50 us", "p99 us",
               "ratio: CPU  p50  p99");
  }

  std::vector<Ratios> ratios_;
};

Socket g_socket = Socket::kUnix;
Comparison& TheComparison() {
  static auto& comparison = *new Comparison;
  return comparison;
}

void Compare(benchmark::State& state) {
  const testing::TempDir dir;
  const std::string data_dir = (dir / "data").string();
  Seed(data_dir);
  const auto echo_server = ServerProcess::Limit(g_socket);
  const auto grantkeepd = ServerProcess::Grantkeepd(data_dir, g_socket);
  const auto echo_stub = Connect(*echo_server);
  const auto stub = Connect(*grantkeepd);
  // The echo answers the same request with a token of the same size.
  RefreshCaller echo = CallRefresh(*echo_stub);
  RefreshCaller refresh = CallRefresh(*stub);
  SecretCaller secret = CallGetStaticSecret(*stub);
  std::vector<Contender> contenders = {{"echo", echo, CpuClock(echo_server->pid())},
                                       {"Refresh", refresh, CpuClock(grantkeepd->pid())},
                                       {"GetStaticSecret", secret, CpuClock(grantkeepd->pid())}};
  std::vector<Nanos> ignored;
  for (Contender& contender : contenders) contender.caller.Run(kWarmUpCalls, 16, ignored);
  Comparison& comparison = TheComparison();
  for (auto _ : state) comparison.Add(contenders, RunRound(contenders, RoundOptions{}));
  state.counters["Refresh_cpu_ratio"] = comparison.MedianCpu(1);
  state.counters["Refresh_p50_ratio"] = comparison.MedianP50(1);
  state.counters["Refresh_p99_ratio"] = comparison.MedianP99(1);
  state.counters["GetStaticSecret_cpu_ratio"] = comparison.MedianCpu(2);
  state.counters["GetStaticSecret_p50_ratio"] = comparison.MedianP50(2);
}

// Says whether the budget was kept.
bool Judge(const Comparison& comparison) {
  if (comparison.empty()) return true;  // filtered out
  const double cpu = comparison.MedianCpu(1);
  const double p50 = comparison.MedianP50(1);
  const bool kept = cpu <= kBudget && p50 <= kBudget;
  fmt::print(
      "Refresh from memory against the echo, medians of {} rounds: CPU {:.2f}x, p50 {:.2f}x, p99 {:.2f}x; "
      "budget {:.2f}x: {}\n",
      kRounds, cpu, p50, comparison.MedianP99(1), kBudget, kept ? "kept" : "EXCEEDED");
  return kept;
}

}  // namespace
}  // namespace grantkeep::bench

int main(int argc, char** argv) {
  using namespace grantkeep::bench;
  benchmark::Initialize(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) != "--tcp") {
      fmt::print(stderr, "refresh_budget: unknown argument {}\n", argv[i]);
      return 2;
    }
    g_socket = Socket::kTcp;
  }
  benchmark::RegisterBenchmark("does_a_Refresh_from_memory_cost_at_most_1.5x_a_bare_echo", Compare)
      ->Iterations(kRounds)
      ->Unit(benchmark::kSecond)
      ->UseRealTime();
  benchmark::RunSpecifiedBenchmarks();
  return Judge(TheComparison()) ? 0 : 1;
}
