// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_CONSOLE_H_
#define GRANTKEEP_CLIENT_CLI_CONSOLE_H_

#include <unistd.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace grantkeep::cli {

// The three streams of a command, as file descriptors that somebody else owns.
struct Console {
  int in = STDIN_FILENO;
  int out = STDOUT_FILENO;
  int err = STDERR_FILENO;

  bool InIsTerminal() const { return isatty(in) == 1; }
  bool OutIsTerminal() const { return isatty(out) == 1; }
  bool ErrIsTerminal() const { return isatty(err) == 1; }

  // Writes all of `text`. Fails when standard output does (a full disk, a closed pipe).
  absl::Status Out(std::string_view text) const;
  // The same to standard error, where nothing can be done about a failure.
  void Err(std::string_view text) const;

  // Standard input up to its end; INVALID_ARGUMENT when it is longer than `limit` bytes.
  absl::StatusOr<std::string> ReadAll(size_t limit) const;
  // Asks on standard error and reads one line from the terminal on standard input without
  // echo. A signal that ends the process finds the terminal as it was before.
  absl::StatusOr<std::string> Prompt(std::string_view question) const;
  // Asks on standard error and reads one line from the terminal on standard input: true for "yes".
  bool Confirm(std::string_view question) const;
};

// Overwrites a value that is no longer needed, in a way that the compiler does not remove.
void Wipe(std::string& value);

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_CONSOLE_H_
