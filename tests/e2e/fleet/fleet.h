// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_E2E_FLEET_FLEET_H_
#define GRANTKEEP_TESTS_E2E_FLEET_FLEET_H_

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/caller.h"
#include "tests/e2e/daemon_run.h"
#include "tests/support/temp_dir.h"

namespace grantkeep::testing {

using SteadyTime = std::chrono::steady_clock::time_point;

// From just before something was done to just after.
struct Moment {
  SteadyTime begin;
  SteadyTime end;
};

// Replicas of grantkeepd over one Redis: the same root key, and the same configuration but for a name that
// each gives to providers. Start() and Kill() from one thread that lives on; the rest from any.
class Fleet {
 public:
  struct Options {
    size_t replicas = 3;
    std::string redis;          // lines of store.redis, "name: value\n" each; the url at least
    std::string providers;      // kName in it is what NameOf says of each replica
    std::string ca_file;        // of the providers' servers
    std::string configuration;  // more of it, "name: {...}" lines
    std::map<std::string, std::string> environment = {};
  };

  static constexpr std::string_view kName = "NAME-OF-THE-REPLICA";
  static std::string NameOf(size_t replica);

  explicit Fleet(Options options);

  // Starts all of them and waits until each is ready.
  void StartAll();
  // Starts one, with lines of its own for store.redis where `redis` is not empty.
  void Start(size_t replica, const std::string& redis = "");
  // SIGKILL, and waits for the end.
  Moment Kill(size_t replica);
  // SIGTERM, and waits for the end; what it has written.
  std::string Stop(size_t replica);
  // All at once.
  Moment KillAll();
  // SIGSTOP, and waits until it stands still; SIGCONT.
  void Pause(size_t replica);
  void Continue(size_t replica);

  size_t size() const { return replicas_.size(); }
  // Who calls this replica; null while it does not run. Stays usable when the replica ends.
  std::shared_ptr<const Caller> caller(size_t replica) const;
  // What all have written, for the message of a test that has failed.
  std::string Output() const;

 private:
  struct Replica {
    DaemonRun run;
    std::shared_ptr<const Caller> caller;
  };

  std::string Configuration(size_t replica, const std::string& redis) const;
  void SetCaller(size_t replica, std::shared_ptr<const Caller> caller);

  const Options options_;
  TempDir dir_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  mutable std::mutex callers_mutex_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_E2E_FLEET_FLEET_H_
