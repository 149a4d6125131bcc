// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_COMMAND_LINE_H_
#define GRANTKEEP_DAEMON_COMMAND_LINE_H_

#include <optional>
#include <string>

namespace grantkeep {

// Exit codes of grantkeepd.
inline constexpr int kExitFailure = 1;  // it cannot start: what the configuration refers to is missing
inline constexpr int kExitUsage = 2;    // the command line or the configuration is wrong

struct CommandLine {
  bool dev = false;
  std::string data_dir;     // --dev; empty: the default
  std::string config_file;  // empty: none
  bool check_config = false;
  std::string listen;      // instead of server.listen; empty: not given
  std::string ready_file;  // empty: none
  bool reflection = false;
};

// Reads the flags, and answers --help, --version and mistakes by itself: then `exit_code` is set.
struct ParsedCommandLine {
  CommandLine options;
  std::optional<int> exit_code;
};
ParsedCommandLine ParseCommandLine(int argc, char** argv);

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_COMMAND_LINE_H_
