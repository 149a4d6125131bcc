// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_MASTER_H_
#define GRANTKEEP_STORE_REDIS_MASTER_H_

#include <boost/asio/awaitable.hpp>
#include <cstddef>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "store/redis/redis_options.h"

namespace grantkeep {

// Knows where the master is: the configured server, or the one that Sentinels name. One loop.
class MasterFinder {
 public:
  MasterFinder(const RedisOptions& options, Clock& clock) : options_(options), clock_(clock) {}

  bool asks_sentinels() const { return !options_.url.master_name.empty(); }
  // Asks one Sentinel after the other, the one that answered last first.
  boost::asio::awaitable<absl::StatusOr<RedisAddress>> Find();

 private:
  boost::asio::awaitable<absl::StatusOr<RedisAddress>> Ask(RedisAddress sentinel);

  const RedisOptions& options_;
  Clock& clock_;
  size_t first_ = 0;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_MASTER_H_
