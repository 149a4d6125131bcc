// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_DEMO_DAEMON_H_
#define GRANTKEEP_TESTS_DEMO_DAEMON_H_

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/support/child_process.h"

namespace grantkeep::demo {

// The folder of the program that is running: the daemon is beside it.
std::filesystem::path ProgramFolder();

// The process that keeps `data`, the data directory of a daemon in development mode: its id, or "?" if it
// has written none; nothing when nobody does.
std::optional<std::string> OwnerOf(const std::filesystem::path& data);

// A grantkeepd that ends with this object, and with this process however that ends.
class Daemon {
 public:
  // Starts it and waits until `ready_file` appears. What it prints goes to `output`.
  static absl::StatusOr<std::unique_ptr<Daemon>> Start(const std::vector<std::string>& arguments,
                                                       const std::filesystem::path& ready_file,
                                                       const std::filesystem::path& output);
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // SIGTERM, then waits. False when it did not end in order and in time. Later calls, from any
  // thread, say the same.
  bool Stop();
  // Whether it has ended, by itself or not.
  bool Ended();

 private:
  explicit Daemon(std::unique_ptr<testing::ChildProcess> process) : process_(std::move(process)) {}
  std::mutex mutex_;
  const std::unique_ptr<testing::ChildProcess> process_;
};

}  // namespace grantkeep::demo

#endif  // GRANTKEEP_TESTS_DEMO_DAEMON_H_
