// SPDX-License-Identifier: Apache-2.0
#include "store/gated_store.h"

#include <string_view>
#include <utility>

#include "base/reason.h"

namespace grantkeep {

using boost::asio::awaitable;

namespace {

template <typename T>
awaitable<absl::StatusOr<T>> Refuse(absl::Status why) {
  co_return why;
}

}  // namespace

absl::Status GatedStore::Closed() const {
  absl::Status health = store_.health();
  if (health.ok()) {
    return RetryableError(Reason::kStoreUnavailable, "store: it is being checked before it is used",
                          kComeBack);
  }
  if (HasReason(health, Reason::kStoreUnavailable) && RetryAfterOf(health).has_value()) return health;
  const std::string_view why(health.message().data(), health.message().size());
  return RetryableError(Reason::kStoreUnavailable, why, kComeBack);
}

awaitable<absl::StatusOr<std::optional<Record>>> GatedStore::Get(Key key, Tick deadline) {
  if (!open_) return Refuse<std::optional<Record>>(Closed());
  return store_.Get(std::move(key), deadline);
}

awaitable<absl::StatusOr<CommitResult>> GatedStore::Commit(std::vector<Write> writes, Tick deadline) {
  if (!open_) return Refuse<CommitResult>(Closed());
  return store_.Commit(std::move(writes), deadline);
}

awaitable<absl::StatusOr<TakeResult>> GatedStore::Take(Key key, std::string guard, uint32_t burn_after,
                                                       Tick deadline) {
  if (!open_) return Refuse<TakeResult>(Closed());
  return store_.Take(std::move(key), std::move(guard), burn_after, deadline);
}

awaitable<absl::StatusOr<std::vector<DueItem>>> GatedStore::ClaimDue(Partition partition, size_t limit,
                                                                     Duration lease, Tick deadline) {
  if (!open_) return Refuse<std::vector<DueItem>>(Closed());
  return store_.ClaimDue(partition, limit, lease, deadline);
}

awaitable<absl::StatusOr<Page>> GatedStore::Scan(Partition partition, Kind kind, TenantId tenant,
                                                 std::string after, size_t limit, Tick deadline) {
  if (!open_) return Refuse<Page>(Closed());
  return store_.Scan(partition, kind, std::move(tenant), std::move(after), limit, deadline);
}

awaitable<absl::StatusOr<StoreIdentity>> GatedStore::Adopt(Adoption as, Tick deadline) {
  if (!open_) return Refuse<StoreIdentity>(Closed());
  return store_.Adopt(as, deadline);
}

void GatedStore::OnChange(std::function<void(const Change&)> listener) {
  store_.OnChange(std::move(listener));
}

void GatedStore::OnLoss(std::function<void()> listener) { store_.OnLoss(std::move(listener)); }

}  // namespace grantkeep
