// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_E2E_CLI_PROCESS_H_
#define GRANTKEEP_TESTS_E2E_CLI_PROCESS_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.h"

namespace grantkeep::testing {

struct CliResult {
  // The exit code, or minus the signal that ended it.
  int code = -1;
  std::string out;
  std::string err;
};

// The real `grantkeep` program with pipes for its streams. Killed with this object.
class CliProcess {
 public:
  using Environment = std::map<std::string, std::string>;

  // `terminal`: a terminal for standard input and error instead of pipes; -1: none.
  CliProcess(const std::vector<std::string>& arguments, const Environment& environment, int terminal = -1);
  ~CliProcess();
  CliProcess(const CliProcess&) = delete;
  CliProcess& operator=(const CliProcess&) = delete;

  pid_t pid() const { return process_->pid(); }
  // Some of its standard input.
  void Type(const std::string& bytes);
  // The rest of it.
  void Input(const std::string& bytes);
  // Reads standard error until it ends in `end`, or is closed, and returns what was read so far.
  const std::string& ErrUntil(const std::string& end);
  // Its arguments as every user of this machine sees them.
  std::string CommandLine() const;
  // Closes its input and waits for its end.
  CliResult Finish();

 private:
  std::unique_ptr<ChildProcess> process_;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;
  CliResult result_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_E2E_CLI_PROCESS_H_
