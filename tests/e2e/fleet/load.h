// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_E2E_FLEET_LOAD_H_
#define GRANTKEEP_TESTS_E2E_FLEET_LOAD_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/fleet/fleet.h"
#include "tests/support/practice_provider/provider.h"

namespace grantkeep::testing {

// What callers of a fleet have seen.
struct LoadReport {
  std::vector<uint64_t> served;             // by replica
  std::map<std::string, uint64_t> refused;  // by code and reason
  // Tokens that the provider would not have taken when they were handed out: the first 20.
  std::vector<std::string> wrong;
  // How long after somebody had been given the next generation a call began that was answered with the one
  // before; the longest.
  std::chrono::microseconds longest_behind{0};
  std::vector<std::chrono::microseconds> latencies;  // of what was served, sorted

  uint64_t all_served() const;
  uint64_t all_refused() const;
  // Of those served: the latency that only one in 1 / (1 - `share`) exceeded.
  std::chrono::microseconds Latency(double share) const;
  friend std::ostream& operator<<(std::ostream& out, const LoadReport& report);
};

// Callers that each call Refresh for a random grant at a random replica that runs, again and again, and ask
// the provider's ledger about every token that they get. From construction until Stop().
class Load {
 public:
  struct Options {
    size_t callers = 32;
    // From the beginning of a caller's call to that of its next: without it the callers would take the
    // processors from the service, and a slow machine would fail where a broken service should.
    std::chrono::milliseconds period = std::chrono::milliseconds(20);
    // As in the requests; nothing: the service's default.
    std::optional<std::chrono::seconds> min_ttl = {};
  };

  Load(const Fleet& fleet, const practice::PracticeProvider& provider, std::vector<std::string> grant_ids,
       Options options);
  Load(const Fleet& fleet, const practice::PracticeProvider& provider, std::vector<std::string> grant_ids)
      : Load(fleet, provider, std::move(grant_ids), Options()) {}
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  LoadReport Stop();

 private:
  struct Seen {
    std::mutex mutex;
    std::map<uint64_t, SteadyTime> first;  // when somebody was given this generation
  };

  void Call(size_t seed);
  void Take(size_t grant, size_t replica, SteadyTime begun, const v1::RefreshResponse& response);

  const Fleet& fleet_;
  const practice::PracticeProvider& provider_;
  const std::vector<std::string> grant_ids_;
  const Options options_;
  std::vector<Seen> seen_;  // by grant
  std::atomic<bool> stop_ = false;
  std::mutex report_mutex_;
  LoadReport report_;
  std::vector<std::thread> callers_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_E2E_FLEET_LOAD_H_
