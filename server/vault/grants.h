// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_GRANTS_H_
#define GRANTKEEP_VAULT_GRANTS_H_

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/ids.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "store/store.h"
#include "telemetry/redact.h"
#include "vault/change_waiters.h"
#include "vault/snapshot_cache.h"

namespace grantkeep {

class CachedRecords;
class SealedRecords;
class StoreChanges;

// A grant as it is in the store, opened.
struct StoredGrant {
  Revision revision = 0;
  Wiped<storage::v1::Grant> grant;
};

// A grant from memory, and for how long it has not been provable that the store has no newer one:
// zero while it is, Duration::max() when nobody knows.
struct RememberedGrant {
  StoredGrant stored;
  Duration unproven_for{0};
};

// What a commit of a grant led to.
struct GrantCommit {
  CommitResult::Outcome outcome = CommitResult::Outcome::kDone;
  Time store_time;
  Time lease_end;                      // kLeased
  std::optional<StoredGrant> current;  // kDone: as written; otherwise what is there now
};

struct GrantPage {
  std::vector<StoredGrant> grants;
  std::string next;  // empty at the end
};

// The vault's grants: sealed records in the store, with a snapshot cache for the hot path. What was
// revoked once stays so: also when the store has forgotten it (vault/cached_records.h).
class Grants {
 public:
  Grants(Store& store, SealedRecords& records, StoreChanges& changes, Clock& clock,
         SnapshotCache::Limits limits = {});
  ~Grants();

  // Every grant that is read, from memory or from the store, passes `rule` before anybody sees it; what
  // the rule makes of it is stored with the next commit. Set once, before the first read; any thread.
  void OnRead(std::function<void(storage::v1::Grant&)> rule);
  // A grant from what was sealed under its key, which is where its id is. Fails with kStoreCorrupt.
  absl::Status Read(const GrantId& id, Revision revision, std::string_view payload,
                    StoredGrant& stored) const;

  static Key KeyOf(const TenantId& tenant, const GrantId& grant);

  // From the snapshot cache, without waiting; any thread. Nothing: not in memory (or its keyring
  // is not), or not provably the newest; ask Load. Fails with kStoreCorrupt when the record does not
  // authenticate.
  absl::StatusOr<std::optional<StoredGrant>> FromMemory(const TenantId& tenant, const GrantId& grant);
  // The same when it is not provably the newest, too.
  absl::StatusOr<std::optional<RememberedGrant>> Remembered(const TenantId& tenant, const GrantId& grant);
  // From the store, past the cache, which is filled. Nothing: there is no such grant.
  boost::asio::awaitable<absl::StatusOr<std::optional<StoredGrant>>> Load(TenantId tenant, GrantId grant,
                                                                          Tick deadline);
  // Seals `grant` as revision `replaces`+1 and commits it together with `also` (leases, due
  // entries of the same grant). What was written enters the cache before this returns, and carries the
  // store's epoch.
  boost::asio::awaitable<absl::StatusOr<GrantCommit>> Commit(TenantId tenant, Wiped<storage::v1::Grant> grant,
                                                             Revision replaces, std::vector<Write> also,
                                                             Tick deadline);
  // Waits for the grant to change, in this process or another. To be armed before the grant is read.
  ChangeWaiters::Armed ChangeOf(const TenantId& tenant, const GrantId& grant) const;
  // Records that the subject has this grant; a hint, written after the grant, and again when the store has
  // lost the grant and it is put back.
  boost::asio::awaitable<absl::Status> Index(TenantId tenant, SubjectId subject, GrantId grant,
                                             Tick deadline);
  // A page of a tenant's grants, all or one subject's. `page_token` is the `next` of the page
  // before; kInvalidField when it is not one.
  boost::asio::awaitable<absl::StatusOr<GrantPage>> List(TenantId tenant, std::optional<SubjectId> subject,
                                                         size_t limit, std::string page_token, Tick deadline);

  // Number of grants in memory; for metrics and tests.
  size_t cached() const;
  // For whoever compares memory with the store (vault/put_back.h).
  CachedRecords& cached_records();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_GRANTS_H_
