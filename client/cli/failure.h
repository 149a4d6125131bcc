// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_FAILURE_H_
#define GRANTKEEP_CLIENT_CLI_FAILURE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "client/cli/console.h"
#include "grantkeep/call_error.h"

namespace grantkeep::cli {

// What the command ends with, for scripts. Part of the interface: kExitCodeHelp and docs/cli.md
// document it.
enum ExitCode : int {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,
  kNotFound = 3,
  kSignIn = 4,
  kUnavailable = 5,
  kRefused = 6,
  kOperator = 7,
};

inline constexpr char kExitCodeHelp[] =
    "Exit codes:\n"
    "  0  done\n"
    "  1  failed in another way\n"
    "  2  wrong usage, or a value that the service does not accept\n"
    "  3  not found: the grant, secret, provider or flow\n"
    "  4  the user must sign in again: grantkeep login PROVIDER\n"
    "  5  unavailable or out of time: try again later\n"
    "  6  refused: by the user, the provider or policy, or a version that does not match\n"
    "  7  the service needs its operator: its configuration, keys or data are wrong\n"
    "doctor and providers check end with 0, or with 1 if they have found something.\n";

ExitCode ExitCodeOf(const CallError& error);

// What was asked for, so that an error can name the way out.
struct Attempt {
  // Completes "cannot ...": "get a token for g_1".
  std::string what;
  // Where the service was called; empty: nobody was.
  std::string address;
  // As in Globals; empty: the address is the default.
  std::string address_from;
  std::string tenant;
  std::string subject;
  // Empty when not known.
  std::string provider;
  std::string secret;
  std::string grant;
};

// The way out for who may not use the daemon's socket.
inline constexpr char kOnlyItsUser[] = "this user may not use the socket: run as the daemon's user";

// The way out of `error`, one line: a command to run or a thing to look at. May be empty.
std::string AdviceFor(const CallError& error, const Attempt& attempt);

// Prints what failed and the way out to standard error, as text or as one JSON document, and
// returns the exit code.
ExitCode Fail(const Console& console, bool json, const CallError& error, const Attempt& attempt);

// The JSON document: {"error":{"code","reason","message","field","next","retry_after_seconds"}}. `field`
// is the first that was refused, empty for other errors; `next` the way out, or empty; the last member
// is there only where it applies.
std::string ErrorJson(const CallError& error, const std::string& next);

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_FAILURE_H_
