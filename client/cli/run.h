// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_RUN_H_
#define GRANTKEEP_CLIENT_CLI_RUN_H_

#include <string>
#include <vector>

#include "client/cli/console.h"

namespace grantkeep::cli {

// The `grantkeep` command: `arguments` without the program's name. Returns the exit code.
int RunCommandLine(const std::vector<std::string>& arguments, const Console& console);

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_RUN_H_
