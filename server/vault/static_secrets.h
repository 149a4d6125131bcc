// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_STATIC_SECRETS_H_
#define GRANTKEEP_VAULT_STATIC_SECRETS_H_

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/ids.h"
#include "crypto/secret.h"
#include "store/store.h"
#include "vault/currency.h"
#include "vault/snapshot_cache.h"

namespace grantkeep {

class CachedRecords;
class SealedRecords;
class StoreChanges;

struct StaticSecretInfo {
  std::string name;
  uint64_t version = 0;
  Time create_time;
  ProviderId provider;
  size_t size = 0;
};

struct StaticSecretValue {
  StaticSecretInfo info;
  Secret value;
  // From memory while the store does not answer: it may have been replaced or deleted elsewhere.
  bool unverified = false;
};

struct StaticSecretPage {
  std::vector<StaticSecretInfo> secrets;  // by name
  std::string next;                       // empty at the end
};

// Named, versioned secrets that have no OAuth flow. The newest version is one record, answered
// from the snapshot cache; each older version (the last 10 are kept) is a record of its own. A
// delete leaves a tombstone without values, so that version numbers are not used twice.
class StaticSecrets {
 public:
  static constexpr size_t kMaxValue = size_t{64} * 1024;
  static constexpr size_t kVersionsKept = 10;

  struct Options {
    SnapshotCache::Limits limits = {};
    // How long the newest version is answered, unverified, while the store cannot be asked; 0: never.
    Duration outage_serve = kDefaultOutageServe;
  };

  StaticSecrets(Store& store, SealedRecords& records, StoreChanges& changes, Clock& clock, Options options);
  StaticSecrets(Store& store, SealedRecords& records, StoreChanges& changes, Clock& clock)
      : StaticSecrets(store, records, changes, clock, Options()) {}
  ~StaticSecrets();

  // From the snapshot cache, without waiting; any thread. Nothing: not in memory, or not provably the
  // newest; ask Get. kSecretNotFound for a tombstone, kStoreCorrupt when the record does not authenticate. A
  // `version` other than the latest is never in memory.
  absl::StatusOr<std::optional<StaticSecretValue>> FromMemory(const TenantId& tenant, const std::string& name,
                                                              std::optional<uint64_t> version);
  // From the store; the newest version from memory while that cannot be asked. kSecretNotFound,
  // kSecretVersionNotFound.
  boost::asio::awaitable<absl::StatusOr<StaticSecretValue>> Get(TenantId tenant, std::string name,
                                                                std::optional<uint64_t> version,
                                                                Tick deadline);
  // Stores the next version. kVersionMismatch when `expected` is given and is not the latest (0:
  // there is none). Without `expected`, concurrent puts all succeed, in some order. An empty
  // `provider` keeps that of the version before.
  boost::asio::awaitable<absl::StatusOr<StaticSecretInfo>> Put(TenantId tenant, std::string name,
                                                               Secret value, ProviderId provider,
                                                               std::optional<uint64_t> expected,
                                                               Tick deadline);
  // kSecretNotFound, kVersionMismatch.
  boost::asio::awaitable<absl::Status> Delete(TenantId tenant, std::string name,
                                              std::optional<uint64_t> expected, Tick deadline);
  boost::asio::awaitable<absl::StatusOr<StaticSecretPage>> List(TenantId tenant, size_t limit,
                                                                std::string page_token, Tick deadline);

  // For whoever compares memory with the store (vault/put_back.h).
  CachedRecords& cached_records();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_STATIC_SECRETS_H_
