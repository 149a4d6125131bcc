// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_DEV_FILES_H_
#define GRANTKEEP_DAEMON_DEV_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "crypto/random.h"

namespace grantkeep {

// Makes the data directory of --dev, with mode 0700, unless it is there. Fails when it is not a
// directory, belongs to somebody else, or others may write to it.
absl::Status PrepareDataDir(const std::string& path);

// Makes the root key of --dev on its first start; true when it did. Fails when the database is
// there without it: a new key could not open what the old one has sealed.
absl::StatusOr<bool> PrepareRootKey(const std::string& key_file, const std::string& database, Random& random);

// Without a database --dev starts afresh: what was remembered of the one that is gone goes, too.
void ForgetLostDatabase(const std::string& database, const std::string& identity_file);

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_DEV_FILES_H_
