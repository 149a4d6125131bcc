// SPDX-License-Identifier: Apache-2.0
#include "store/limits.h"

#include <fmt/format.h>

#include <type_traits>
#include <variant>

#include "absl/container/flat_hash_set.h"
#include "base/reason.h"
#include "base/status_macros.h"

namespace grantkeep {
namespace {

absl::Status CheckSize(std::string_view field, size_t size, size_t min, size_t max) {
  if (size >= min && size <= max) return absl::OkStatus();
  return FieldError(field, fmt::format("must have {} to {} bytes, has {}", min, max, size));
}

absl::Status CheckDuration(std::string_view field, Duration duration) {
  if (duration > Duration::zero() && duration <= Store::kMaxDuration) return absl::OkStatus();
  return FieldError(field, "must be more than zero and at most 100 years");
}

absl::Status CheckPartition(Partition partition) {
  if (partition < kPartitions) return absl::OkStatus();
  return FieldError("partition", fmt::format("must be below {}, is {}", kPartitions, partition));
}

absl::Status CheckPageLimit(size_t limit) {
  if (limit >= 1 && limit <= Store::kMaxPage) return absl::OkStatus();
  return FieldError("limit", fmt::format("must be 1 to {}, is {}", Store::kMaxPage, limit));
}

absl::Status CheckKey(std::string_view field, const Key& key) {
  RETURN_IF_ERROR(CheckPartition(key.partition));
  RETURN_IF_ERROR(
      CheckSize(fmt::format("{}.tenant", field), key.tenant.value().size(), 0, Store::kMaxTenant));
  return CheckSize(fmt::format("{}.id", field), key.id.size(), 1, Store::kMaxKeyId);
}

absl::Status CheckNoHint(std::string_view field, const Key& key) {
  if (!IsHint(key.kind)) return absl::OkStatus();
  return FieldError(fmt::format("{}.kind", field), "is a hint, which is put and scanned and nothing else");
}

absl::Status CheckHint(std::string_view field, const Put& put) {
  if (put.replaces != 0) return FieldError(fmt::format("{}.replaces", field), "must be 0 for a hint");
  if (!put.value.empty()) return FieldError(fmt::format("{}.value", field), "must be empty for a hint");
  if (put.ttl.has_value()) return FieldError(fmt::format("{}.ttl", field), "must be absent for a hint");
  if (put.guard.has_value()) return FieldError(fmt::format("{}.guard", field), "must be absent for a hint");
  return absl::OkStatus();
}

// What is particular to a kind of write.
absl::Status CheckOne(const std::string& field, const Put& put) {
  RETURN_IF_ERROR(CheckSize(field + ".value", put.value.size(), 0, Store::kMaxValue));
  if (put.ttl.has_value()) RETURN_IF_ERROR(CheckDuration(field + ".ttl", *put.ttl));
  if (!put.guard.has_value()) return absl::OkStatus();
  return CheckSize(field + ".guard", put.guard->size(), 1, Store::kMaxGuard);
}
absl::Status CheckOne(const std::string&, const Delete&) { return absl::OkStatus(); }
absl::Status CheckOne(const std::string& field, const Restore& restore) {
  if (restore.revision == 0) return FieldError(field + ".revision", "must be at least 1");
  return CheckSize(field + ".value", restore.value.size(), 0, Store::kMaxValue);
}
absl::Status CheckOne(const std::string&, const SetDue&) { return absl::OkStatus(); }
absl::Status CheckOne(const std::string&, const ClearDue&) { return absl::OkStatus(); }
absl::Status CheckOne(const std::string& field, const TakeLease& lease) {
  RETURN_IF_ERROR(CheckSize(field + ".owner", lease.owner.size(), 1, Store::kMaxOwner));
  return CheckDuration(field + ".duration", lease.duration);
}
absl::Status CheckOne(const std::string& field, const EndLease& lease) {
  return CheckSize(field + ".owner", lease.owner.size(), 1, Store::kMaxOwner);
}
absl::Status CheckOne(const std::string& field, const RequireLease& lease) {
  return CheckSize(field + ".owner", lease.owner.size(), 1, Store::kMaxOwner);
}

}  // namespace

const Key& KeyOf(const Write& write) {
  return std::visit([](const auto& one) -> const Key& { return one.key; }, write);
}

absl::Status CheckGet(const Key& key) {
  RETURN_IF_ERROR(CheckKey("key", key));
  return CheckNoHint("key", key);
}

absl::Status CheckCommit(const std::vector<Write>& writes) {
  if (writes.empty() || writes.size() > Store::kMaxWrites) {
    return FieldError("writes", fmt::format("must be 1 to {}, are {}", Store::kMaxWrites, writes.size()));
  }
  absl::flat_hash_set<Key> written;
  for (size_t i = 0; i < writes.size(); ++i) {
    const std::string field = fmt::format("writes[{}]", i);
    const Key& key = KeyOf(writes[i]);
    RETURN_IF_ERROR(CheckKey(field + ".key", key));
    const auto* put = std::get_if<Put>(&writes[i]);
    if (put == nullptr) RETURN_IF_ERROR(CheckNoHint(field + ".key", key));
    if (put != nullptr && IsHint(key.kind)) RETURN_IF_ERROR(CheckHint(field, *put));
    RETURN_IF_ERROR(std::visit([&](const auto& one) { return CheckOne(field, one); }, writes[i]));
    if (key.partition != KeyOf(writes.front()).partition) {
      return FieldError(field + ".key", "is in another partition than the writes before it");
    }
    const bool is_write = put != nullptr || std::holds_alternative<Delete>(writes[i]) ||
                          std::holds_alternative<Restore>(writes[i]);
    if (is_write && !written.insert(key).second) {
      return FieldError(field + ".key", "is put or deleted twice");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTake(const Key& key, std::string_view guard, uint32_t burn_after) {
  RETURN_IF_ERROR(CheckKey("key", key));
  RETURN_IF_ERROR(CheckNoHint("key", key));
  RETURN_IF_ERROR(CheckSize("guard", guard.size(), 1, Store::kMaxGuard));
  if (burn_after == 0) return FieldError("burn_after", "must be at least 1");
  return absl::OkStatus();
}

absl::Status CheckClaimDue(Partition partition, size_t limit, Duration lease) {
  RETURN_IF_ERROR(CheckPartition(partition));
  RETURN_IF_ERROR(CheckPageLimit(limit));
  return CheckDuration("lease", lease);
}

absl::Status CheckScan(Partition partition, Kind kind, const TenantId& tenant, std::string_view after,
                       size_t limit) {
  if (kind == Kind::kFlow) return FieldError("kind", "flows are not scanned");
  RETURN_IF_ERROR(CheckPartition(partition));
  RETURN_IF_ERROR(CheckSize("tenant", tenant.value().size(), 0, Store::kMaxTenant));
  RETURN_IF_ERROR(CheckSize("after", after.size(), 0, Store::kMaxKeyId));
  return CheckPageLimit(limit);
}

}  // namespace grantkeep
