// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_DAEMON_H_
#define GRANTKEEP_TESTS_SUPPORT_DAEMON_H_

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

namespace grantkeep::testing {

// The real grantkeepd on a free loopback port, or on a unix socket if a store is given, with a data
// directory that lives as long as this object and survives restarts of the program; in development mode
// unless a store is given.
class Daemon {
 public:
  // `program`: path of grantkeepd. `config`: YAML, written to a file. `environment`: the program's,
  // in addition to the test's own.
  Daemon(std::filesystem::path program, std::string config,
         std::map<std::string, std::string> environment = {});

  // From the next start on: not in development mode, with this store, YAML ("redis: {...}"), and the root key
  // in this file, which is made if it is not there.
  void UseStore(std::string store, std::filesystem::path root_key);

  // From the next start on: another program that is used like grantkeepd, with more in its environment.
  void UseProgram(std::filesystem::path program, std::map<std::string, std::string> environment);

  // Starts the program and waits until it is ready. Also after Stop() and Kill().
  absl::Status Start();
  // The same without waiting: for one whose store is not there. Only with a store.
  absl::Status Begin();
  // SIGTERM; the exit code, or nothing when it did not end in time or not by itself.
  std::optional<int> Stop();
  // SIGKILL.
  void Kill();
  // Until it ends by itself; its status as waitpid gives it, or nothing when it did not end in time.
  std::optional<int> WaitForEnd();

  // Where it listens, as gRPC spells it.
  const std::string& address() const { return address_; }
  // Read at each start.
  std::filesystem::path config_file() const { return dir_ / "config.yaml"; }
  std::filesystem::path data_dir() const { return dir_ / "data"; }
  // Everything that it has written to stdout and stderr so far, all runs.
  std::string Output() const { return ReadFile(output_file()); }
  // Whether its log has `text`, now or soon: a thread of its own writes the lines.
  bool Says(std::string_view text) const {
    return Eventually([&] { return Output().find(text) != std::string::npos; });
  }
  pid_t pid() const { return process_ == nullptr ? -1 : process_->pid(); }

 private:
  std::filesystem::path output_file() const { return dir_ / "output"; }
  void WriteConfig() const;
  std::filesystem::path ready_file() const { return dir_ / "ready"; }
  std::string socket_address() const { return "unix:" + (dir_ / "socket").string(); }

  std::filesystem::path program_;
  std::string config_;
  std::string store_;  // empty: development mode
  std::filesystem::path root_key_;
  std::map<std::string, std::string> environment_;
  std::map<std::string, std::string> program_environment_;
  TempDir dir_;
  std::unique_ptr<ChildProcess> process_;
  std::string address_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_SUPPORT_DAEMON_H_
