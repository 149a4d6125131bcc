// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_STATIC_SECRET_RECORDS_H_
#define GRANTKEEP_VAULT_STATIC_SECRET_RECORDS_H_

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/ids.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "store/store.h"
#include "telemetry/redact.h"
#include "vault/cached_records.h"
#include "vault/sealed.h"
#include "vault/snapshot_cache.h"
#include "vault/store_changes.h"

namespace grantkeep {

// The newest version of a static secret, or its tombstone, as it is in the store.
struct SecretHead {
  Revision revision = 0;  // 0: there never was such a secret
  Wiped<storage::v1::StaticSecret> secret;
  // For how long it has not been provable that this is the newest; see UnprovenFor.
  Duration unproven_for{0};

  bool exists() const { return secret->has_value(); }
  // 0: there is none.
  uint64_t latest() const { return exists() ? secret->version() : 0; }
};

// The records of static secrets, and the snapshot cache of the heads. All records of a tenant are
// under hash(tenant, ""); a head's id is the name, an older version's is name, NUL and the version
// in 8 bytes big-endian. A version is written once, so its record is at revision 1 while it exists.
class StaticSecretRecords {
 public:
  using Version = Wiped<storage::v1::StaticSecretVersion>;

  StaticSecretRecords(Store& store, SealedRecords& records, StoreChanges& changes, Clock& clock,
                      SnapshotCache::Limits limits);

  // Nothing when it, or the tenant's keyring, is not in memory, or is not provably the newest. Any
  // thread.
  absl::StatusOr<std::optional<SecretHead>> HeadFromMemory(const TenantId& tenant, const std::string& name);
  // The same when it is not provably the newest, but was until `outage_serve` ago.
  absl::StatusOr<std::optional<SecretHead>> RememberedHead(const TenantId& tenant, const std::string& name,
                                                           Duration outage_serve);
  // Revision 0 when there is no record. Fills the cache.
  boost::asio::awaitable<absl::StatusOr<SecretHead>> LoadHead(TenantId tenant, std::string name,
                                                              Tick deadline);
  // Opens a head that the store returned, without filling the cache.
  boost::asio::awaitable<absl::StatusOr<SecretHead>> OpenHead(Record record, Tick deadline);
  // Nothing when there is no such record.
  boost::asio::awaitable<absl::StatusOr<std::optional<Version>>> LoadVersion(TenantId tenant,
                                                                             std::string name,
                                                                             uint64_t version, Tick deadline);
  // Replaces `old` by `next` in one commit: if next.older names the version of `old`, its value
  // moves to a record of its own; versions that next.older names no more are deleted, unless the store
  // has lost them. Nothing on success; otherwise what has replaced `old` already. Both must live until
  // this returns.
  boost::asio::awaitable<absl::StatusOr<std::optional<SecretHead>>> Replace(
      TenantId tenant, const SecretHead& old, const storage::v1::StaticSecret& next, Tick deadline);
  boost::asio::awaitable<absl::StatusOr<Page>> ScanHeads(TenantId tenant, std::string after, size_t limit,
                                                         Tick deadline);
  CachedRecords& heads() { return heads_; }

 private:
  boost::asio::awaitable<absl::StatusOr<Put>> SealedPut(Key key, Revision replaces,
                                                        const google::protobuf::Message& message,
                                                        Tick deadline);
  // Of `deletes`, those whose records are there.
  boost::asio::awaitable<absl::StatusOr<std::vector<Write>>> OfWhatIsThere(std::vector<Write> deletes,
                                                                           Tick deadline);

  Store& store_;
  SealedRecords& records_;
  CachedRecords heads_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_STATIC_SECRET_RECORDS_H_
