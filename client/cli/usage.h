// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_USAGE_H_
#define GRANTKEEP_CLIENT_CLI_USAGE_H_

#include "client/cli/command_tree.h"

namespace grantkeep::cli {

// What is wrong with the arguments that `tree` has refused with `error`, and where the help is.
// Names options and commands, with a suggestion where one is near; never a value.
Stop UsageError(const CommandTree& tree, const CLI::ParseError& error, bool json);

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_USAGE_H_
