// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/session.h"

#include <variant>

#include "base/status_macros.h"
#include "crypto/digest.h"

namespace grantkeep {
namespace {

using Outcome = CommitResult::Outcome;

// A page of a scan ends early when its values pass this, so that it stays a matter of milliseconds.
constexpr size_t kMaxPageBytes = size_t{4} * 1024 * 1024;

}  // namespace

absl::StatusOr<std::optional<Record>> Session::Get(const Key& key, Time now) {
  ASSIGN_OR_RETURN(auto row, tables_.Find(key, now));
  if (!row.has_value()) return std::nullopt;
  return Record{key, row->revision, std::move(row->value)};
}

absl::StatusOr<CommitResult> Session::Commit(const std::vector<Write>& writes, Time now) {
  for (const Write& write : writes) {
    ASSIGN_OR_RETURN(CommitResult result, Check(write, now));
    if (result.outcome != Outcome::kDone) return result;
  }
  for (const Write& write : writes) {
    RETURN_IF_ERROR(std::visit([&](const auto& one) { return Apply(one, now); }, write));
  }
  return CommitResult{.outcome = Outcome::kDone, .store_time = now};
}

absl::StatusOr<CommitResult> Session::Check(const Write& write, Time now) {
  if (const auto* put = std::get_if<Put>(&write)) return CheckRevision(put->key, put->replaces, now);
  if (const auto* erase = std::get_if<Delete>(&write)) return CheckRevision(erase->key, erase->replaces, now);
  if (const auto* restore = std::get_if<Restore>(&write)) {
    return CheckRevision(restore->key, restore->replaces, now);
  }
  if (const auto* lease = std::get_if<TakeLease>(&write)) return CheckLease(*lease, now);
  CommitResult result{.outcome = Outcome::kDone, .store_time = now};
  if (const auto* required = std::get_if<RequireLease>(&write)) {
    const Lease* lease = leases_.Find(required->key, now);
    if (lease == nullptr || lease->owner != required->owner) result.outcome = Outcome::kLeaseLost;
  }
  return result;
}

absl::StatusOr<CommitResult> Session::CheckRevision(const Key& key, Revision replaces, Time now) {
  CommitResult result{.outcome = Outcome::kDone, .store_time = now};
  ASSIGN_OR_RETURN(const Revision revision, tables_.FindRevision(key, now));
  if (revision == replaces) return result;
  result.outcome = Outcome::kRevisionMismatch;
  ASSIGN_OR_RETURN(result.current, Get(key, now));
  return result;
}

absl::StatusOr<CommitResult> Session::CheckLease(const TakeLease& wanted, Time now) {
  CommitResult result{.outcome = Outcome::kDone, .store_time = now};
  const Lease* held = leases_.Find(wanted.key, now);
  if (held == nullptr || held->owner == wanted.owner) return result;
  result.outcome = Outcome::kLeased;
  result.lease_end = held->end;
  ASSIGN_OR_RETURN(result.current, Get(wanted.key, now));
  return result;
}

absl::Status Session::Apply(const Put& put, Time now) {
  const Revision revision = put.replaces + 1;
  std::optional<Time> expires;
  if (put.ttl.has_value()) expires = now + *put.ttl;
  RETURN_IF_ERROR(tables_.Put(put.key, revision, put.value, expires, put.guard));
  changes_.push_back({put.key, revision});
  return absl::OkStatus();
}

absl::Status Session::Apply(const Delete& erase, Time) {
  // With `replaces` 0 the record is absent, and an expired one may lie there: nothing changes.
  if (erase.replaces == 0) return absl::OkStatus();
  RETURN_IF_ERROR(tables_.Delete(erase.key));
  changes_.push_back({erase.key, 0});
  return absl::OkStatus();
}

absl::Status Session::Apply(const Restore& restore, Time) {
  RETURN_IF_ERROR(tables_.Put(restore.key, restore.revision, restore.value, std::nullopt, std::nullopt));
  changes_.push_back({restore.key, restore.revision});
  return absl::OkStatus();
}

absl::Status Session::Apply(const SetDue& due, Time) { return tables_.SetDue(due.key, due.at); }

absl::Status Session::Apply(const ClearDue& due, Time) { return tables_.ClearDue(due.key); }

absl::Status Session::Apply(const TakeLease& lease, Time now) {
  leases_.Take(lease.key, lease.owner, now + lease.duration);
  return absl::OkStatus();
}

absl::Status Session::Apply(const EndLease& lease, Time) {
  leases_.End(lease.key, lease.owner);
  return absl::OkStatus();
}

absl::Status Session::Apply(const RequireLease&, Time) { return absl::OkStatus(); }

absl::StatusOr<TakeResult> Session::Take(const Key& key, const std::string& guard, uint32_t burn_after,
                                         Time now) {
  TakeResult result;
  ASSIGN_OR_RETURN(auto row, tables_.Find(key, now));
  if (!row.has_value()) return result;
  result.revision = row->revision;
  const bool matches = row->guard.has_value() && ConstantTimeEquals(*row->guard, guard);
  if (matches) {
    result.outcome = TakeResult::Outcome::kTaken;
    result.value = std::move(row->value);
  } else {
    result.outcome = TakeResult::Outcome::kMismatch;
    // A record without a guard is not for taking, and cannot be burnt.
    if (!row->guard.has_value()) return result;
    const uint32_t misses = row->misses + 1;
    if (misses < burn_after) {
      RETURN_IF_ERROR(tables_.SetMisses(key, misses));
      return result;
    }
  }
  RETURN_IF_ERROR(tables_.Delete(key));
  changes_.push_back({key, 0});
  return result;
}

absl::StatusOr<std::vector<DueItem>> Session::ClaimDue(Partition partition, size_t limit, Duration lease,
                                                       Time now) {
  ASSIGN_OR_RETURN(auto items, tables_.FindDue(partition, now, limit));
  for (const DueItem& item : items) RETURN_IF_ERROR(tables_.SetDue(item.key, now + lease));
  return items;
}

absl::StatusOr<Page> Session::Scan(Partition partition, Kind kind, const TenantId& tenant,
                                   const std::string& after, size_t limit, Time now) {
  return tables_.Scan(partition, kind, tenant, after, limit, kMaxPageBytes, now);
}

absl::Status Session::SetIdentity(const StoreIdentity& identity) {
  RETURN_IF_ERROR(tables_.SetMeta("store_id", identity.id));
  RETURN_IF_ERROR(tables_.SetMeta("epoch", static_cast<int64_t>(identity.epoch)));
  RETURN_IF_ERROR(tables_.SetMeta("restored_in", static_cast<int64_t>(identity.restored_in)));
  RETURN_IF_ERROR(tables_.SetMeta("cloned_in", static_cast<int64_t>(identity.cloned_in)));
  return tables_.SetMeta("cloned_from", identity.cloned_from);
}

absl::StatusOr<size_t> Session::RemoveExpired(Time now, size_t limit) {
  ASSIGN_OR_RETURN(const auto keys, tables_.FindExpired(now, limit));
  for (const Key& key : keys) {
    RETURN_IF_ERROR(tables_.Delete(key));
    changes_.push_back({key, 0});
  }
  return keys.size();
}

}  // namespace grantkeep
