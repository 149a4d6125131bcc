// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_REDIS_STORE_H_
#define GRANTKEEP_STORE_REDIS_REDIS_STORE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "store/redis/redis_options.h"
#include "store/store.h"

namespace grantkeep {

// What a Redis may lose, read from its configuration. `readable` false: it does not tell us.
struct RedisDurability {
  bool readable = false;
  // Sentences for people: "maxmemory-policy is allkeys-lru: Redis may evict grants".
  std::vector<std::string> risks;
};

// The store of a fleet: any number of processes over one Redis, or over the master that Sentinels name.
//
//  1. A thread of the store's own does the I/O. Operations are commands or short scripts, pipelined on
//     one connection and answered in order.
//  2. The store connects by itself, at first and whenever it has lost the connection, with growing,
//     jittered pauses. While the last attempt has failed, operations fail at once with
//     kStoreUnavailable and the time of the next attempt.
//  3. An operation whose connection is lost may have happened. Nothing is resent, except a script
//     that the server did not know and therefore did not run.
//  4. Store time is the server's (TIME).
//
// Thread-safe. The clock must outlive the store; the loops need not.
class RedisStore final : public Store {
 public:
  // Returns at once; connects in the background. Fails for options that can never work.
  static absl::StatusOr<std::unique_ptr<RedisStore>> Open(RedisOptions options, Clock& clock);
  ~RedisStore() override;
  RedisStore(const RedisStore&) = delete;
  RedisStore& operator=(const RedisStore&) = delete;

  // Until the store has been reached, its identity read, and changes are reported; the reason of the
  // last failure at `deadline`.
  boost::asio::awaitable<absl::Status> WaitUntilReady(Tick deadline);
  // Asks the server what it may lose.
  boost::asio::awaitable<absl::StatusOr<RedisDurability>> CheckDurability(Tick deadline);

  // Empty until the store was first reached.
  StoreIdentity identity() const override;
  uint64_t adopted_in() const override;
  Time Now() const override;
  absl::Status health() const override;
  CoherenceEpoch epoch() const override;
  Tick CurrentUntil(CoherenceEpoch epoch) const override;
  Tick HoldUntil() const override;
  boost::asio::awaitable<absl::StatusOr<std::optional<Record>>> Get(Key key, Tick deadline) override;
  boost::asio::awaitable<absl::StatusOr<CommitResult>> Commit(std::vector<Write> writes,
                                                              Tick deadline) override;
  boost::asio::awaitable<absl::StatusOr<TakeResult>> Take(Key key, std::string guard, uint32_t burn_after,
                                                          Tick deadline) override;
  boost::asio::awaitable<absl::StatusOr<std::vector<DueItem>>> ClaimDue(Partition partition, size_t limit,
                                                                        Duration lease,
                                                                        Tick deadline) override;
  boost::asio::awaitable<absl::StatusOr<Page>> Scan(Partition partition, Kind kind, TenantId tenant,
                                                    std::string after, size_t limit, Tick deadline) override;
  boost::asio::awaitable<absl::StatusOr<StoreIdentity>> Adopt(Adoption as, Tick deadline) override;
  void OnChange(std::function<void(const Change&)> listener) override;
  void OnLoss(std::function<void()> listener) override;

 private:
  struct State;
  explicit RedisStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_REDIS_STORE_H_
