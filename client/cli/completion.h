// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_COMPLETION_H_
#define GRANTKEEP_CLIENT_CLI_COMPLETION_H_

#include <CLI/CLI.hpp>
#include <string>

namespace grantkeep::cli {

// A script for `shell` ("bash" or "zsh") that completes the commands and options of `root`, the words
// that an option takes, files, and the names of the built-in providers.
std::string CompletionScript(const CLI::App& root, const std::string& shell);

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_COMPLETION_H_
