// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_REDIS_OPTIONS_H_
#define GRANTKEEP_STORE_REDIS_REDIS_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"

namespace grantkeep {

struct RedisAddress {
  std::string host;  // without brackets
  uint16_t port = 0;
  std::string path;  // of a unix socket; then host and port are unused
};

// Where a Redis is:
//
//   redis://HOST[:PORT][/DB]
//   rediss://HOST[:PORT][/DB]                               TLS
//   unix:///PATH[?db=DB]
//   redis+sentinel://HOST[:PORT][,HOST[:PORT]...]/NAME[/DB]  the master that these Sentinels call NAME
//   rediss+sentinel://...                                   TLS, to the Sentinels as well
//
// Ports are 6379 and 26379 unless given, DB is 0. IPv6 addresses stand in brackets.
struct RedisUrl {
  bool tls = false;
  std::vector<RedisAddress> addresses;  // of the server, or of the Sentinels
  std::string master_name;              // empty: no Sentinels
  int database = 0;
};

// Fails, naming `field`, for anything but the above. User names and passwords are refused there: an
// URL is shown in logs.
absl::StatusOr<RedisUrl> ParseRedisUrl(std::string_view url, std::string_view field);
// As people write it.
std::string ToString(const RedisAddress& address);

struct RedisOptions {
  RedisUrl url;
  // ACL user; empty: "default". The files hold a password, a trailing line break left out, and are read
  // at each connection. No file: no password.
  std::string username;
  std::string password_file;
  std::string sentinel_username;
  std::string sentinel_password_file;
  // PEM files, read at each connection. ca_file empty: the system's authorities.
  std::string ca_file;
  std::string certificate_file;
  std::string private_key_file;
  // Begins every key: 1 to 32 of A-Z a-z 0-9 . _ -
  std::string key_prefix = "grantkeep";
  Duration connect_timeout = std::chrono::seconds(1);
  // A connection whose oldest command is not answered by then is given up.
  Duration command_timeout = std::chrono::seconds(2);
  // How long nothing is refreshed after a failover (Store::HoldUntil).
  Duration failover_hold = std::chrono::seconds(5);
  // Replicas that must confirm a write to the vault before it is answered; unset: 1 under Sentinel,
  // otherwise 0. How long they may take: command_timeout / 2.
  std::optional<int> wait_replicas;
  // Operations on their way, and the bytes in them; beyond either the answer is kOverloaded.
  size_t max_queued = 16384;
  size_t max_queued_bytes = size_t{64} * 1024 * 1024;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_REDIS_OPTIONS_H_
