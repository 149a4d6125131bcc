// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/fleet/load.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <utility>

#include "tests/e2e/world.h"

namespace grantkeep::testing {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr size_t kWrongKept = 20;
// The service tells a token's age by Redis's clock, which it knows to about this.
constexpr auto kGranularity = 50ms;

std::string NameOf(const CallStatus& status) {
  return fmt::format("{}{}{}", static_cast<int>(status.code), status.reason.empty() ? "" : " ",
                     status.reason.empty() ? status.message : status.reason);
}

microseconds Percentile(const std::vector<microseconds>& sorted, double share) {
  if (sorted.empty()) return 0us;
  return sorted[std::min(sorted.size() - 1, static_cast<size_t>(share * static_cast<double>(sorted.size())))];
}

}  // namespace

uint64_t LoadReport::all_served() const { return std::accumulate(served.begin(), served.end(), uint64_t{0}); }

uint64_t LoadReport::all_refused() const {
  uint64_t sum = 0;
  for (const auto& [name, count] : refused) sum += count;
  return sum;
}

microseconds LoadReport::Latency(double share) const { return Percentile(latencies, share); }

std::ostream& operator<<(std::ostream& out, const LoadReport& report) {
  out << fmt::format("served {} ({} by replica), p50 {} us, p99 {} us, max {} us; longest behind {} us",
                     report.all_served(), fmt::join(report.served, "+"),
                     Percentile(report.latencies, 0.5).count(), Percentile(report.latencies, 0.99).count(),
                     Percentile(report.latencies, 1).count(), report.longest_behind.count());
  for (const auto& [name, count] : report.refused) out << fmt::format("; {} x {}", count, name);
  for (const std::string& token : report.wrong) out << "\n  " << token;
  return out;
}

Load::Load(const Fleet& fleet, const practice::PracticeProvider& provider, std::vector<std::string> grant_ids,
           Options options)
    : fleet_(fleet),
      provider_(provider),
      grant_ids_(std::move(grant_ids)),
      options_(options),
      seen_(grant_ids_.size()) {
  report_.served.resize(fleet.size());
  for (size_t seed = 0; seed < options.callers; ++seed) {
    callers_.emplace_back([this, seed] { Call(seed); });
  }
}

Load::~Load() { Stop(); }

LoadReport Load::Stop() {
  stop_ = true;
  for (std::thread& caller : callers_) {
    if (caller.joinable()) caller.join();
  }
  std::ranges::sort(report_.latencies);
  return report_;
}

void Load::Call(size_t seed) {
  std::mt19937 random(static_cast<uint32_t>(seed));
  SteadyTime next = steady_clock::now() + options_.period * seed / options_.callers;
  while (!stop_) {
    std::this_thread::sleep_until(next);
    const SteadyTime begun = steady_clock::now();
    next = std::max(next + options_.period, begun);
    const size_t replica = random() % fleet_.size();
    const size_t grant = random() % grant_ids_.size();
    const std::shared_ptr<const Caller> caller = fleet_.caller(replica);
    if (caller == nullptr) continue;
    // Short enough that a caller is not lost with a replica that was killed under its call.
    v1::RefreshRequest request = World::RefreshRequest(grant_ids_[grant]);
    if (options_.min_ttl.has_value()) request.mutable_min_ttl()->set_seconds(options_.min_ttl->count());
    const auto answer = caller->Refresh(request, 5s);
    if (answer.ok()) {
      Take(grant, replica, begun, *answer.operator->());
    } else {
      const std::lock_guard lock(report_mutex_);
      ++report_.refused[NameOf(answer.status)];
    }
  }
}

void Load::Take(size_t grant, size_t replica, SteadyTime begun, const v1::RefreshResponse& response) {
  const SteadyTime now = steady_clock::now();
  microseconds behind{0};
  {
    Seen& seen = seen_[grant];
    const std::lock_guard lock(seen.mutex);
    seen.first.try_emplace(response.generation(), now);
    const auto next = seen.first.upper_bound(response.generation());
    if (next != seen.first.end() && next->second < begun)
      behind = duration_cast<microseconds>(begun - next->second);
  }
  std::string wrong;
  const auto facts = provider_.FactsOf(response.access_token());
  if (!facts.has_value()) {
    wrong = "unknown";
  } else if (!facts->live) {
    wrong = "revoked";
  } else if (facts->expires.has_value() && *facts->expires + kGranularity < begun) {
    // It may well expire on its way to the caller, but not before the call.
    wrong = fmt::format("expired {} us before the call",
                        duration_cast<microseconds>(begun - *facts->expires).count());
  }
  const std::lock_guard lock(report_mutex_);
  ++report_.served[replica];
  report_.latencies.push_back(duration_cast<microseconds>(now - begun));
  report_.longest_behind = std::max(report_.longest_behind, behind);
  if (wrong.empty() || report_.wrong.size() == kWrongKept) return;
  report_.wrong.push_back(fmt::format("replica {}, grant {}, generation {}, {}: {}", replica,
                                      grant_ids_[grant], response.generation(),
                                      v1::Freshness_Name(response.freshness()), wrong));
}

}  // namespace grantkeep::testing
