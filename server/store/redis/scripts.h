// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_SCRIPTS_H_
#define GRANTKEEP_STORE_REDIS_SCRIPTS_H_

#include <string>
#include <string_view>
#include <vector>

namespace grantkeep {

// A script that runs inside Redis, atomically.
struct RedisScript {
  explicit RedisScript(std::string_view body);
  std::string_view body;
  std::string sha1;  // 40 hex digits: what EVALSHA calls it by
};

// Each script's own comment says what it takes and returns. All keys of a call share a hash tag.
const RedisScript& CommitScript();
const RedisScript& TakeScript();
const RedisScript& ClaimDueScript();
const RedisScript& ScanScript();
const RedisScript& MeetScript();
const RedisScript& AdoptScript();

// All of them, to be loaded into a server.
std::vector<const RedisScript*> AllRedisScripts();

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_SCRIPTS_H_
