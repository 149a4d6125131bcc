// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TELEMETRY_LOG_H_
#define GRANTKEEP_TELEMETRY_LOG_H_

#include <spdlog/spdlog.h>

#include <string_view>

#include "absl/status/status.h"

namespace grantkeep {

// Lines go to standard error through one writer thread with a bounded queue; when it is full the
// oldest line is dropped, never the caller blocked. Levels: trace, debug, info, warn, error.
// Fails on an unknown level. Call once, from main.
absl::Status InitLogging(std::string_view level);
// Writes what is queued and joins the writer.
void ShutdownLogging();

// One logger a room ("refresh", "store"), so that each can have its own level.
spdlog::logger& Log(std::string_view room);

}  // namespace grantkeep

#endif  // GRANTKEEP_TELEMETRY_LOG_H_
