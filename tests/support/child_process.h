// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_CHILD_PROCESS_H_
#define GRANTKEEP_TESTS_SUPPORT_CHILD_PROCESS_H_

#include <sys/types.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace grantkeep::testing {

// A program that a test has started. It is killed with this object, and by the kernel when the
// thread that started it ends.
class ChildProcess {
 public:
  struct Options {
    std::vector<std::string> command;                // [0]: path of the program
    std::map<std::string, std::string> environment;  // in addition to the test's own
    std::vector<std::string> without = {};           // names left out of the test's own environment
    std::filesystem::path output = {};               // stdout and stderr are appended there
    // Descriptors of the test's for its standard input, output and error; -1: /dev/null and `output`.
    std::array<int, 3> streams = {-1, -1, -1};
  };

  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(const Options& options);
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  // Until `file` exists. Fails as soon as the program ends before, or at `limit`, which is as long as
  // a test may take: a machine under load is slow, and that is no failure.
  absl::Status WaitForFile(const std::filesystem::path& file,
                           std::chrono::seconds limit = std::chrono::seconds(100));
  void Signal(int signal);
  // The exit status as waitpid gives it, or nothing when the program still runs at `limit`.
  std::optional<int> Wait(std::chrono::seconds limit = std::chrono::seconds(100));

 private:
  ChildProcess(pid_t pid, int pid_fd) : pid_(pid), pid_fd_(pid_fd) {}

  pid_t pid_;
  int pid_fd_;
  std::optional<int> status_;
};

// The whole content of a file; empty when it cannot be read.
std::string ReadFile(const std::filesystem::path& path);

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_SUPPORT_CHILD_PROCESS_H_
