// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_E2E_DAEMON_RUN_H_
#define GRANTKEEP_TESTS_E2E_DAEMON_RUN_H_

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

namespace grantkeep::testing {

// How a run of grantkeepd that ended by itself ended.
struct EndedRun {
  int exit_code = -1;  // -1: a signal, or not in time
  std::string output;  // stdout and stderr
};

// Runs grantkeepd with any arguments, in a folder of its own that is its home, too.
class DaemonRun {
 public:
  using Arguments = std::vector<std::string>;

  // Runs it to its end.
  EndedRun ToEnd(Arguments arguments, std::map<std::string, std::string> environment = {});
  // Starts it with --ready-file and waits for that; a failure fails the test.
  void Start(Arguments arguments, std::map<std::string, std::string> environment = {});
  // The same without waiting: for one that is not ready.
  void Begin(Arguments arguments, std::map<std::string, std::string> environment = {});
  void WaitUntilReady();
  bool IsReady() const { return std::filesystem::exists(ready_file()); }
  // Signals it and waits for its end.
  EndedRun End(int signal);
  EndedRun Wait();

  // Where it said that it listens when it was ready.
  const std::string& address() const { return address_; }
  std::string output() const { return ReadFile(dir_ / "output"); }
  // Whether its log has `text`, now or soon: a thread of its own writes the lines.
  bool Says(std::string_view text) const {
    return Eventually([&] { return output().find(text) != std::string::npos; });
  }
  pid_t pid() const { return process_->pid(); }
  void Signal(int signal) { process_->Signal(signal); }

  std::filesystem::path path(const std::string& name) const { return dir_ / name; }
  // Writes a file below the folder, and returns its path.
  std::string Write(const std::string& name, const std::string& content);
  std::filesystem::path ready_file() const { return dir_ / "ready"; }

 private:
  std::unique_ptr<ChildProcess> Launch(Arguments arguments, std::map<std::string, std::string> environment,
                                       const std::filesystem::path& output);

  TempDir dir_;
  int runs_ = 0;
  std::string address_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_E2E_DAEMON_RUN_H_
