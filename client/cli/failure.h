// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_FAILURE_H_
#define GRANTKEEP_CLIENT_CLI_FAILURE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "client/cli/console.h"
#include "grantkeep/call_error.h"

namespace grantkeep::cli {

// What the command ends with, for scripts. Part of the interface: kExitCodeHelp documents it.
enum ExitCode : int {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,
  kNotFound = 3,
  kSignIn = 4,
  kUnavailable = 5,
  kRefused = 6,
};

inline constexpr char kExitCodeHelp[] =
    "Exit codes:\n"
    "  0  done\n"
    "  1  failed in another way\n"
    "  2  wrong usage, or a value that the service does not accept\n"
    "  3  not found: the grant, secret, provider or flow\n"
    "  4  the user must sign in again: grantkeep login PROVIDER\n"
    "  5  unavailable or out of time: try again later\n"
    "  6  refused: by the user, the provider or policy, or a version that does not match\n";

ExitCode ExitCodeOf(const CallError& error);

// What was asked for, so that an error can name the way out.
struct Attempt {
  // Completes "cannot ...": "get a token for g_1".
  std::string what;
  std::string address;
  std::string tenant;
  std::string subject;
  // Empty when not known.
  std::string provider;
  std::string secret;
};

// The way out of `error`, one line: a command to run or a thing to look at. May be empty.
std::string AdviceFor(const CallError& error, const Attempt& attempt);

// Prints what failed and the way out to standard error, as text or as one JSON document, and
// returns the exit code.
ExitCode Fail(const Console& console, bool json, const absl::Status& status, const Attempt& attempt);

// The JSON document: {"error":{"code","reason","message","field","retry_after_seconds"}}, the
// last two only where they apply.
std::string ErrorJson(const CallError& error);

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_FAILURE_H_
