// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_CONFIGURATION_H_
#define GRANTKEEP_DAEMON_CONFIGURATION_H_

#include <string>

#include "daemon/command_line.h"
#include "daemon/prerequisites.h"
#include "daemon/settings.h"

namespace grantkeep {

// The configuration that a command line names, and all that there is to say about it. Each line begins
// with its place in the file, "FILE:LINE: field: what".
struct CheckedConfiguration {
  Settings settings;
  // The configuration is wrong: its form, its meaning, its providers.
  Problems wrong;
  // What it refers to, as far as it could be looked at.
  Prerequisites found;
  // It may be used, but hardly as it was meant.
  Problems warnings;
  // Something was not looked at because of what is wrong.
  bool more_may_follow = false;

  bool CanStart() const { return wrong.empty() && found.missing.empty(); }
};

// Reads and checks; changes nothing. Goes on behind a mistake wherever what follows does not hang on it.
CheckedConfiguration CheckConfiguration(const CommandLine& command_line);

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_CONFIGURATION_H_
