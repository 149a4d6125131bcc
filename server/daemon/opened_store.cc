// SPDX-License-Identifier: Apache-2.0
#include "daemon/opened_store.h"

#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "store/redis/redis_store.h"
#include "store/split_store.h"
#include "store/sqlite/sqlite_store.h"

namespace grantkeep {
namespace {

absl::StatusOr<OpenedStore> OpenSqlite(const StoreSettings& settings, Clock& clock) {
  SqliteStore::Options options;
  options.path = settings.path;
  OpenedStore opened;
  ASSIGN_OR_RETURN(opened.store, SqliteStore::Open(std::move(options), clock));
  return opened;
}

}  // namespace

absl::StatusOr<OpenedStore> OpenStore(const StoreSettings& settings, Clock& clock) {
  if (!settings.redis.has_value()) return OpenSqlite(settings, clock);
  OpenedStore opened;
  absl::StatusOr<std::unique_ptr<RedisStore>> redis = RedisStore::Open(settings.redis->options, clock);
  if (!redis.ok()) return Annotate(redis.status(), "store.redis");
  opened.redis = redis->get();
  if (!settings.ephemeral.has_value()) {
    opened.store = *std::move(redis);
    return opened;
  }
  absl::StatusOr<std::unique_ptr<RedisStore>> ephemeral =
      RedisStore::Open(settings.ephemeral->options, clock);
  if (!ephemeral.ok()) return Annotate(ephemeral.status(), "store.ephemeral");
  opened.ephemeral = ephemeral->get();
  opened.store = std::make_unique<SplitStore>(*std::move(redis), *std::move(ephemeral));
  return opened;
}

}  // namespace grantkeep
