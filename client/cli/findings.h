// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_FINDINGS_H_
#define GRANTKEEP_CLIENT_CLI_FINDINGS_H_

#include <chrono>
#include <string>
#include <vector>

#include "grantkeep/v1/vault_admin.pb.h"

namespace grantkeep::cli {

// One thing that doctor has looked at.
struct Finding {
  enum class Level { kOk, kWarn, kFail };
  Level level = Level::kOk;
  std::string check;    // "clock", "provider google"
  std::string message;  // what was seen
  std::string next;     // what to do about it; empty when ok
};

// "ok", "warn", "fail"
std::string_view LevelName(Finding::Level level);

// What the daemon's own answer tells. `now`: this machine's clock when the answer came.
std::vector<Finding> FindingsIn(const v1::GetServerStatusResponse& status, std::string_view client_version,
                                std::chrono::system_clock::time_point now);

// How calls travel to `address` (as Client gives it), and for a unix socket who may call.
std::vector<Finding> TransportFindings(const std::string& address);

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_FINDINGS_H_
