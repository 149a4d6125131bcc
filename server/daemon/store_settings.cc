// SPDX-License-Identifier: Apache-2.0
#include "daemon/store_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace grantkeep {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr size_t kMaxPrefix = 32;
constexpr size_t kMaxUsername = 128;
constexpr uint32_t kMaxWaitReplicas = 10;
constexpr uint64_t kMinGrants = 1'000;
constexpr uint64_t kMaxGrants = 100'000'000;
constexpr uint64_t kMinBytes = uint64_t{1} << 20;
constexpr uint64_t kMaxBytes = uint64_t{1} << 40;

bool IsOfPrefix(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

// One Redis of the configuration, at `field`.
class RedisReading {
 public:
  RedisReading(const config::v1::Store::Redis& redis, std::string_view field, Problems& problems)
      : redis_(redis), field_(field), problems_(problems) {}

  RedisSettings Take() {
    settings_.require_durable = redis_.require_durable();
    settings_.files_are_mounted_secrets = redis_.files_are_mounted_secrets();
    TakeUrl();
    TakeUser("username", redis_.username(), redis_.password_file(), settings_.options.username,
             settings_.options.password_file);
    TakeUser("sentinel_username", redis_.sentinel_username(), redis_.sentinel_password_file(),
             settings_.options.sentinel_username, settings_.options.sentinel_password_file);
    TakeTls();
    TakeLimits();
    return std::move(settings_);
  }

 private:
  std::string Field(std::string_view name) const { return fmt::format("{}.{}", field_, name); }
  void Wrong(std::string_view name, std::string_view what) {
    problems_.push_back(fmt::format("{}.{}: {}", field_, name, what));
  }

  void TakeUrl() {
    absl::StatusOr<RedisUrl> url = ParseRedisUrl(redis_.url(), Field("url"));
    if (!url.ok()) {
      problems_.emplace_back(url.status().message());
      return;
    }
    url_is_known_ = true;
    settings_.options.url = *std::move(url);
    if (!settings_.options.url.master_name.empty()) return;
    constexpr std::string_view kNoSentinels = "belongs to an url of redis+sentinel:// or rediss+sentinel://";
    if (!redis_.sentinel_username().empty()) Wrong("sentinel_username", kNoSentinels);
    if (!redis_.sentinel_password_file().empty()) Wrong("sentinel_password_file", kNoSentinels);
  }

  void TakeUser(std::string_view field, const std::string& username, const std::string& password_file,
                std::string& to_username, std::string& to_password_file) {
    const bool sentinels = field.starts_with("sentinel");
    const bool printable = std::ranges::all_of(username, [](char c) { return c > ' ' && c < '\x7f'; });
    if (!printable || username.size() > kMaxUsername) {
      Wrong(field, fmt::format("must be at most {} printable characters without spaces", kMaxUsername));
    } else if (!username.empty() && password_file.empty()) {
      Wrong(sentinels ? "sentinel_password_file" : "password_file",
            fmt::format("is required with {}: a file with that user's password", field));
    }
    to_username = username;
    TakeFile(sentinels ? "sentinel_password_file" : "password_file", password_file, to_password_file);
  }

  void TakeTls() {
    if (!redis_.has_tls()) return;
    const config::v1::Store::Redis::Tls& tls = redis_.tls();
    if (url_is_known_ && !settings_.options.url.tls) {
      Wrong("tls", "belongs to an url of rediss:// or rediss+sentinel://");
    }
    if (tls.certificate_file().empty() != tls.private_key_file().empty()) {
      Wrong(tls.certificate_file().empty() ? "tls.certificate_file" : "tls.private_key_file",
            "is required with the other: the daemon's own certificate and its key");
    }
    TakeFile("tls.ca_file", tls.ca_file(), settings_.options.ca_file);
    TakeFile("tls.certificate_file", tls.certificate_file(), settings_.options.certificate_file);
    TakeFile("tls.private_key_file", tls.private_key_file(), settings_.options.private_key_file);
  }

  void TakeFile(std::string_view field, const std::string& path, std::string& to) {
    RefuseTilde(Field(field), path, problems_);
    to = path;
  }

  void TakeLimits() {
    RedisOptions& options = settings_.options;
    if (!redis_.key_prefix().empty()) options.key_prefix = redis_.key_prefix();
    if (options.key_prefix.size() > kMaxPrefix || !std::ranges::all_of(options.key_prefix, IsOfPrefix)) {
      Wrong("key_prefix", fmt::format("must be 1 to {} of A-Z a-z 0-9 . _ -", kMaxPrefix));
    }
    TakeDuration(redis_.has_connect_timeout(), redis_.connect_timeout(), Field("connect_timeout"),
                 milliseconds(100), seconds(30), options.connect_timeout, problems_);
    TakeDuration(redis_.has_command_timeout(), redis_.command_timeout(), Field("command_timeout"),
                 milliseconds(100), seconds(30), options.command_timeout, problems_);
    TakeDuration(redis_.has_failover_hold(), redis_.failover_hold(), Field("failover_hold"), Duration(0),
                 minutes(5), options.failover_hold, problems_);
    if (!redis_.has_wait_replicas()) return;
    if (redis_.wait_replicas() > kMaxWaitReplicas) {
      Wrong("wait_replicas",
            fmt::format("must be at most {}, is {}", kMaxWaitReplicas, redis_.wait_replicas()));
    }
    options.wait_replicas = static_cast<int>(std::min(redis_.wait_replicas(), kMaxWaitReplicas));
  }

  const config::v1::Store::Redis& redis_;
  const std::string_view field_;
  Problems& problems_;
  RedisSettings settings_;
  bool url_is_known_ = false;
};

void TakeEphemeral(const config::v1::Store& store, StoreSettings& settings, Problems& problems) {
  if (!store.has_ephemeral()) return;
  settings.ephemeral = RedisReading(store.ephemeral(), "store.ephemeral", problems).Take();
  if (!settings.redis.has_value()) {
    problems.emplace_back("store.ephemeral: is only for a vault in Redis (store.redis)");
  }
  if (store.ephemeral().require_durable()) {
    problems.emplace_back(
        "store.ephemeral.require_durable: is for store.redis: sign-ins under way may be lost");
  }
}

// Zero means the default, which is there already.
void TakeBound(uint64_t given, std::string_view field, uint64_t low, uint64_t high, uint64_t& to,
               Problems& problems) {
  if (given == 0) return;
  if (given < low || given > high) {
    problems.push_back(fmt::format("{}: must be from {} to {}, is {}", field, low, high, given));
    return;
  }
  to = given;
}

void TakeSqlite(const config::v1::Store& store, StoreSettings& settings, Problems& problems) {
  settings.path = store.sqlite().path();
  if (settings.path.empty()) {
    problems.emplace_back(
        "store.sqlite.path: is required: the database file (or store.redis.url, for several daemons)");
  } else if (settings.path == ":memory:") {
    problems.emplace_back(
        "store.sqlite.path: must be a file: what is kept in memory is gone at the next stop");
  }
  RefuseTilde("store.sqlite.path", settings.path, problems);
}

void TakeIdentity(const config::v1::Store::Identity& identity, IdentitySettings& settings,
                  Problems& problems) {
  settings.file = identity.file();
  RefuseTilde("store.identity.file", identity.file(), problems);
  if (identity.id().empty() && identity.epoch() == 0) return;
  if (!identity.file().empty()) {
    problems.emplace_back("store.identity: is either a file, or id and epoch");
  } else if (!IsStoreId(identity.id())) {
    problems.emplace_back(
        "store.identity.id: must be 32 hexadecimal digits in lower case, as `grantkeep doctor` shows");
  } else if (identity.epoch() == 0) {
    problems.emplace_back("store.identity.epoch: must be 1 or more, as `grantkeep doctor` shows");
  } else {
    settings.fixed = {identity.id(), identity.epoch()};
  }
}

}  // namespace

StoreSettings TakeStoreSettings(const config::v1::Store& store, Problems& problems) {
  StoreSettings settings;
  if (store.has_redis()) {
    settings.redis = RedisReading(store.redis(), "store.redis", problems).Take();
  } else {
    TakeSqlite(store, settings, problems);
  }
  TakeEphemeral(store, settings, problems);
  TakeIdentity(store.identity(), settings.identity, problems);
  TakeDuration(store.has_outage_serve(), store.outage_serve(), "store.outage_serve", Duration(0),
               std::chrono::hours(1), settings.outage_serve, problems);
  TakeBound(store.cache().max_grants(), "store.cache.max_grants", kMinGrants, kMaxGrants,
            settings.max_cached_grants, problems);
  TakeBound(store.cache().max_bytes(), "store.cache.max_bytes", kMinBytes, kMaxBytes,
            settings.max_cached_bytes, problems);
  return settings;
}

}  // namespace grantkeep
