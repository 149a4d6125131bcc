// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_OPENED_STORE_H_
#define GRANTKEEP_DAEMON_OPENED_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "daemon/store_settings.h"
#include "store/store.h"

namespace grantkeep {

class RedisStore;

// The store that the settings name: SQLite, a Redis, or two of them.
struct OpenedStore {
  std::unique_ptr<Store> store;
  // Inside `store`, when it is Redis: what holds the vault, and flows if they live apart.
  RedisStore* redis = nullptr;
  RedisStore* ephemeral = nullptr;

  bool is_redis() const { return redis != nullptr; }
  std::string kind() const { return is_redis() ? "redis" : "sqlite"; }
};

// An SQLite file is opened, a Redis is being connected to when this returns. The clock must outlive the
// store.
absl::StatusOr<OpenedStore> OpenStore(const StoreSettings& settings, Clock& clock);

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_OPENED_STORE_H_
