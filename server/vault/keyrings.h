// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_KEYRINGS_H_
#define GRANTKEEP_VAULT_KEYRINGS_H_

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "crypto/random.h"
#include "store/store.h"
#include "vault/keyring.h"
#include "vault/root_key.h"

namespace grantkeep {

// Loads keyrings from the store, creates them, and keeps them in memory. One that is in memory stays
// good while other processes add keys to it: a key that it lacks is looked for in the store.
class Keyrings {
 public:
  using Result = absl::StatusOr<std::shared_ptr<const Keyring>>;
  // What to do for a tenant that has none.
  enum class IfAbsent { kFail, kCreate };

  Keyrings(Store& store, KeyWrapper& root, Clock& clock, Random& random)
      : store_(store), root_(root), clock_(clock), random_(random) {}

  // Null when it is not in memory. Any thread.
  std::shared_ptr<const Keyring> FromMemory(std::string_view tenant) const { return cache_.Find(tenant); }
  // From memory, or from the store; coroutines that want the same keyring share one load.
  // kKeyUnavailable: there is none, or another root key wrapped it; kStoreCorrupt: it is damaged.
  boost::asio::awaitable<Result> Get(TenantId tenant, IfAbsent if_absent, Tick deadline);
  // From the store, past memory, which is refreshed: another process may have added a KEK.
  boost::asio::awaitable<Result> Reload(TenantId tenant, Tick deadline);

  // After the store may have lost writes: a keyring that is in memory, and that the store has no more or
  // in an older form, is put back (true). One that the store has in a newer or another form replaces
  // what is in memory.
  boost::asio::awaitable<absl::StatusOr<bool>> PutBack(TenantId tenant, Tick deadline);
  std::vector<TenantId> InMemory() const;

 private:
  // One load under way, and who waits for it.
  class Load;
  using LoadName = std::pair<std::string, IfAbsent>;

  // The load to wait for, or null after having begun `mine`.
  std::shared_ptr<Load> JoinOrBegin(const LoadName& name, const std::shared_ptr<Load>& mine);
  boost::asio::awaitable<Result> Lead(LoadName name, std::shared_ptr<Load> load, Tick deadline);

  boost::asio::awaitable<Result> LoadOrCreate(TenantId tenant, IfAbsent if_absent, Tick deadline);
  boost::asio::awaitable<absl::Status> WaitOutHold(TenantId tenant, Tick deadline);
  boost::asio::awaitable<absl::Status> Create(TenantId tenant, Tick deadline);
  boost::asio::awaitable<Result> Unwrap(Record record, Tick deadline);

  Store& store_;
  KeyWrapper& root_;
  Clock& clock_;
  Random& random_;
  KeyringCache cache_;
  std::mutex mutex_;
  absl::flat_hash_map<LoadName, std::shared_ptr<Load>> loads_;  // under mutex_
};

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_KEYRINGS_H_
