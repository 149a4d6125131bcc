// SPDX-License-Identifier: Apache-2.0
#include "store/guarded_store.h"

#include <utility>

namespace grantkeep {

using boost::asio::awaitable;

GuardedStore::GuardedStore(Store& store, Judge judge) : store_(store), judge_(std::move(judge)) {}

absl::Status GuardedStore::CheckOpen() {
  // Read under the lock: an older identity never overrules a newer one.
  const std::lock_guard lock(mutex_);
  StoreIdentity now = store_.identity();
  if (judged_ != now) {
    verdict_ = judge_(now);
    judged_ = std::move(now);
  }
  return verdict_;
}

absl::Status GuardedStore::JudgeAnew() {
  const std::lock_guard lock(mutex_);
  judged_ = store_.identity();
  verdict_ = judge_(*judged_);
  return verdict_;
}

awaitable<absl::StatusOr<std::optional<Record>>> GuardedStore::Get(Key key, Tick deadline) {
  return store_.Get(std::move(key), deadline);
}

awaitable<absl::StatusOr<CommitResult>> GuardedStore::Commit(std::vector<Write> writes, Tick deadline) {
  const absl::Status open = CheckOpen();
  if (!open.ok()) co_return open;
  co_return co_await store_.Commit(std::move(writes), deadline);
}

awaitable<absl::StatusOr<TakeResult>> GuardedStore::Take(Key key, std::string guard, uint32_t burn_after,
                                                         Tick deadline) {
  const absl::Status open = CheckOpen();
  if (!open.ok()) co_return open;
  co_return co_await store_.Take(std::move(key), std::move(guard), burn_after, deadline);
}

awaitable<absl::StatusOr<std::vector<DueItem>>> GuardedStore::ClaimDue(Partition partition, size_t limit,
                                                                       Duration lease, Tick deadline) {
  const absl::Status open = CheckOpen();
  if (!open.ok()) co_return open;
  co_return co_await store_.ClaimDue(partition, limit, lease, deadline);
}

awaitable<absl::StatusOr<Page>> GuardedStore::Scan(Partition partition, Kind kind, TenantId tenant,
                                                   std::string after, size_t limit, Tick deadline) {
  return store_.Scan(partition, kind, std::move(tenant), std::move(after), limit, deadline);
}

awaitable<absl::StatusOr<StoreIdentity>> GuardedStore::Adopt(Adoption as, Tick deadline) {
  return store_.Adopt(as, deadline);
}

void GuardedStore::OnChange(std::function<void(const Change&)> listener) {
  store_.OnChange(std::move(listener));
}

void GuardedStore::OnLoss(std::function<void()> listener) { store_.OnLoss(std::move(listener)); }

}  // namespace grantkeep
