// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_DURABILITY_H_
#define GRANTKEEP_STORE_REDIS_DURABILITY_H_

#include <map>
#include <string>

#include "store/redis/redis_store.h"

namespace grantkeep {

// What a server has told of itself.
struct RedisFacts {
  std::string info;                             // sections memory, persistence and replication of INFO
  std::map<std::string, std::string> settings;  // of CONFIG GET, as far as that is allowed
  int wait_replicas = 0;
  bool sentinels = false;
};

// What it may lose. Pure.
RedisDurability AssessDurability(const RedisFacts& facts);

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_DURABILITY_H_
