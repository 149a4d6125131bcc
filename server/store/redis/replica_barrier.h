// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_REPLICA_BARRIER_H_
#define GRANTKEEP_STORE_REDIS_REPLICA_BARRIER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "store/redis/connection.h"

namespace grantkeep {

// Waits until replicas have confirmed writes. WAIT blocks the connection that it comes by, and covers the
// writes of that connection; so this has a connection of its own, and writes a key there first, which
// comes after everything that was answered before. All who wait together share one WAIT. One loop.
class ReplicaBarrier : public std::enable_shared_from_this<ReplicaBarrier> {
 public:
  // `key` is the one that is written. Replicas have `timeout` to confirm.
  ReplicaBarrier(std::shared_ptr<RedisConnection> connection, std::string key, int replicas, Duration timeout)
      : connection_(std::move(connection)), key_(std::move(key)), replicas_(replicas), timeout_(timeout) {}

  // Calls `done`, later: OK when so many replicas have what had been written before this call.
  void Wait(std::function<void(absl::Status)> done);

 private:
  void Ask();
  void End(const std::vector<std::function<void(absl::Status)>>& asked,
           const absl::StatusOr<RedisReply>& reply);

  const std::shared_ptr<RedisConnection> connection_;
  const std::string key_;
  const int replicas_;
  const Duration timeout_;
  std::vector<std::function<void(absl::Status)>> waiting_;
  bool asking_ = false;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_REPLICA_BARRIER_H_
