// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_REDIS_FILES_H_
#define GRANTKEEP_DAEMON_REDIS_FILES_H_

#include <string_view>

#include "daemon/store_settings.h"

namespace grantkeep {

// Looks at the files that a Redis of the configuration names: that they are there, that nobody else may
// read passwords and the private key, and that certificates, key and authorities can be used, together.
// Adds "field.password_file: PATH: what is wrong" to `missing`; never what is in them.
void CheckRedisFiles(const RedisSettings& redis, std::string_view field, Problems& missing);

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_REDIS_FILES_H_
