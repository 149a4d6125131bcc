// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_PREREQUISITES_H_
#define GRANTKEEP_DAEMON_PREREQUISITES_H_

#include <set>

#include "daemon/settings.h"

namespace grantkeep {

// What the configuration refers to, looked at without changing anything.
struct Prerequisites {
  // The daemon cannot start: the root key, the folder of the database, the folder of the socket, that of
  // recovery files, the password and TLS files of a Redis, to which nothing connects here.
  Problems missing;
  // It starts, but cannot sign anybody in at a provider: client secrets that are not there.
  Problems secrets;
  // Client secrets in the vault, which is not opened.
  Problems unchecked;
};
// The secrets of the providers in `unusable` are left out.
Prerequisites CheckPrerequisites(const Settings& settings, const std::set<int>& unusable);

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_PREREQUISITES_H_
