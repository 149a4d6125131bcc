// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_SQLITE_SESSION_H_
#define GRANTKEEP_STORE_SQLITE_SESSION_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/sqlite/leases.h"
#include "store/sqlite/tables.h"
#include "store/store.h"

namespace grantkeep {

// The operations of the Store contract, on arguments that have been checked, inside a transaction
// that someone else begins and ends. An error is SQLite's trouble: the transaction is then to be
// rolled back. The storage thread only.
class Session {
 public:
  Session(Tables tables, Leases& leases) : tables_(std::move(tables)), leases_(leases) {}

  absl::StatusOr<std::optional<Record>> Get(const Key& key, Time now);
  absl::StatusOr<CommitResult> Commit(const std::vector<Write>& writes, Time now);
  absl::StatusOr<TakeResult> Take(const Key& key, const std::string& guard, uint32_t burn_after, Time now);
  absl::StatusOr<std::vector<DueItem>> ClaimDue(Partition partition, size_t limit, Duration lease, Time now);
  absl::StatusOr<Page> Scan(Partition partition, Kind kind, const TenantId& tenant, const std::string& after,
                            size_t limit, Time now);
  // What changes of an identity that is adopted: its epoch, and with a clone its id.
  absl::Status SetIdentity(const StoreIdentity& identity);
  // Removes up to `limit` expired records; returns how many.
  absl::StatusOr<size_t> RemoveExpired(Time now, size_t limit);

  // The changes since the last call, in order.
  std::vector<Change> TakeChanges() { return std::exchange(changes_, {}); }

 private:
  // What `write` asks for before anything is written: kDone when it holds.
  absl::StatusOr<CommitResult> Check(const Write& write, Time now);
  absl::StatusOr<CommitResult> CheckRevision(const Key& key, Revision replaces, Time now);
  absl::StatusOr<CommitResult> CheckLease(const TakeLease& wanted, Time now);

  absl::Status Apply(const Put& put, Time now);
  absl::Status Apply(const Delete& erase, Time now);
  absl::Status Apply(const Restore& restore, Time now);
  absl::Status Apply(const SetDue& due, Time now);
  absl::Status Apply(const ClearDue& due, Time now);
  absl::Status Apply(const TakeLease& lease, Time now);
  absl::Status Apply(const EndLease& lease, Time now);
  absl::Status Apply(const RequireLease& lease, Time now);

  Tables tables_;
  Leases& leases_;
  std::vector<Change> changes_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_SQLITE_SESSION_H_
