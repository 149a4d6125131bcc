// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_SETTING_CHECKS_H_
#define GRANTKEEP_DAEMON_SETTING_CHECKS_H_

#include <google/protobuf/duration.pb.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace grantkeep {

// What is wrong, one line each, "server.listen: is required".
using Problems = std::vector<std::string>;

// What several parts of a configuration are checked for. Each adds to `problems` what it finds.

// Reads a duration from `low` to `high` into `out`, which stays as it is when there is none.
void TakeDuration(bool present, const google::protobuf::Duration& value, std::string_view field, Duration low,
                  Duration high, Duration& out, Problems& problems);
// Shells write out "~", programs do not.
void RefuseTilde(std::string_view field, std::string_view path, Problems& problems);

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_SETTING_CHECKS_H_
