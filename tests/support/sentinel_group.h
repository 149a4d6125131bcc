// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_SENTINEL_GROUP_H_
#define GRANTKEEP_TESTS_SUPPORT_SENTINEL_GROUP_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/redis_server.h"

namespace grantkeep::testing {

// A Redis master, its replicas and three Sentinels, two of which make a quorum. A failover:
//
//   RedisServer& old = group.CurrentMaster();
//   old.Kill();  // or Pause()
//   RedisServer& now = group.WaitForNewMaster(old);
//
// What is said of threads in RedisServer holds here, too. A Sentinel that a test restarts looks about
// less often than the others.
class SentinelGroup {
 public:
  struct Options {
    size_t replicas = 1;
    int min_replicas_to_write = 0;  // of whoever is master
    std::chrono::milliseconds down_after = std::chrono::milliseconds(1000);
    RedisServer::Options node = {};  // master and replicas
    RedisServer::Options sentinel = {};
  };

  // By what name the Sentinels know the master.
  static constexpr std::string_view kName = "vault";

  explicit SentinelGroup(const Options& options);
  SentinelGroup() : SentinelGroup(Options{}) {}

  // Starts all and waits until they are whole. Throws std::runtime_error when that takes too long.
  void Start();
  // Until the running Sentinels know one another and agree on a master that all the other nodes follow.
  void WaitUntilWhole();

  // redis+sentinel://127.0.0.1:P1,127.0.0.1:P2,127.0.0.1:P3/NAME/0; rediss+sentinel:// with TLS.
  std::string url() const;
  // The node that was started as master, and those that were started as its replicas.
  RedisServer& master() { return *nodes_.front(); }
  RedisServer& replica(size_t index) { return *nodes_.at(index + 1); }
  RedisServer& sentinel(size_t index) { return *sentinels_.at(index); }
  // The node that the first running Sentinel calls the master.
  RedisServer& CurrentMaster();

  // Has the Sentinels replace the master while it is well, as WaitForNewMaster does.
  RedisServer& Failover(std::chrono::seconds limit = std::chrono::seconds(60));
  // Until all running Sentinels name one other master than `old`, and it knows that it is one. Throws
  // std::runtime_error when there is none at `limit`.
  RedisServer& WaitForNewMaster(const RedisServer& old,
                                std::chrono::seconds limit = std::chrono::seconds(60));

  // Everything that they have written, the Sentinels first: why there was a failover.
  std::string Output() const;

 private:
  RedisServer* MasterOf(const RedisServer& sentinel) const;
  // Null while the running Sentinels do not agree.
  RedisServer* AgreedMaster() const;
  bool Whole() const;
  // Null while there is no other, agreed master than `old`.
  RedisServer* NewMaster(const RedisServer& old) const;

  const size_t replicas_;
  const int min_replicas_to_write_;
  const bool tls_;
  std::vector<std::unique_ptr<RedisServer>> nodes_;
  std::vector<std::unique_ptr<RedisServer>> sentinels_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_SUPPORT_SENTINEL_GROUP_H_
