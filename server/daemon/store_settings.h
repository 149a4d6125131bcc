// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_STORE_SETTINGS_H_
#define GRANTKEEP_DAEMON_STORE_SETTINGS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "daemon/setting_checks.h"
#include "daemon/store_memory.h"
#include "grantkeep/config/v1/config.pb.h"
#include "store/redis/redis_options.h"

namespace grantkeep {

struct RedisSettings {
  RedisOptions options;
  bool require_durable = false;
  // Its password files and its private key may have any mode.
  bool files_are_mounted_secrets = false;
};

// Where records live, and how much of them in memory.
struct StoreSettings {
  // The SQLite file; empty when `redis` is there.
  std::string path;
  std::optional<RedisSettings> redis;
  // Flows, when they live apart.
  std::optional<RedisSettings> ephemeral;
  // By which the daemon knows the store that it was left with.
  IdentitySettings identity;
  Duration outage_serve = std::chrono::minutes(5);
  uint64_t max_cached_grants = 1'000'000;
  uint64_t max_cached_bytes = uint64_t{1} << 30;
};

// Checks the meaning of `store`, as far as it could be read. What it adds to `problems` names the field
// below "store".
StoreSettings TakeStoreSettings(const config::v1::Store& store, Problems& problems);

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_STORE_SETTINGS_H_
