// SPDX-License-Identifier: Apache-2.0
#include "store/split_store.h"

#include <algorithm>
#include <utility>

#include "base/reason.h"
#include "store/limits.h"

namespace grantkeep {

using boost::asio::awaitable;

namespace {

bool IsOfFlow(const Write& write) { return KeyOf(write).kind == Kind::kFlow; }
bool IsDueEntryOfFlow(const Write& write) { return std::holds_alternative<SetDue>(write) && IsOfFlow(write); }

awaitable<absl::StatusOr<CommitResult>> Refuse(std::string_view what) {
  co_return Error(Reason::kInternal, what);
}

}  // namespace

SplitStore::SplitStore(std::unique_ptr<Store> vault, std::unique_ptr<Store> ephemeral)
    : vault_(std::move(vault)), ephemeral_(std::move(ephemeral)) {}

awaitable<absl::StatusOr<std::optional<Record>>> SplitStore::Get(Key key, Tick deadline) {
  Store& store = Of(key);
  return store.Get(std::move(key), deadline);
}

awaitable<absl::StatusOr<CommitResult>> SplitStore::Commit(std::vector<Write> writes, Tick deadline) {
  if (std::ranges::any_of(writes, IsDueEntryOfFlow)) return Refuse("store: a flow has no due entry");
  const bool flows = std::ranges::any_of(writes, IsOfFlow);
  if (flows && !std::ranges::all_of(writes, IsOfFlow)) {
    return Refuse("store: a commit names flows and other records, which live in two stores");
  }
  Store& store = flows ? *ephemeral_ : *vault_;
  return store.Commit(std::move(writes), deadline);
}

awaitable<absl::StatusOr<TakeResult>> SplitStore::Take(Key key, std::string guard, uint32_t burn_after,
                                                       Tick deadline) {
  Store& store = Of(key);
  return store.Take(std::move(key), std::move(guard), burn_after, deadline);
}

awaitable<absl::StatusOr<std::vector<DueItem>>> SplitStore::ClaimDue(Partition partition, size_t limit,
                                                                     Duration lease, Tick deadline) {
  return vault_->ClaimDue(partition, limit, lease, deadline);
}

awaitable<absl::StatusOr<Page>> SplitStore::Scan(Partition partition, Kind kind, TenantId tenant,
                                                 std::string after, size_t limit, Tick deadline) {
  // Flows are not scanned, in whichever store.
  return vault_->Scan(partition, kind, std::move(tenant), std::move(after), limit, deadline);
}

awaitable<absl::StatusOr<StoreIdentity>> SplitStore::Adopt(Adoption as, Tick deadline) {
  return vault_->Adopt(as, deadline);
}

void SplitStore::OnChange(std::function<void(const Change&)> listener) {
  ephemeral_->OnChange(listener);
  vault_->OnChange(std::move(listener));
}

void SplitStore::OnLoss(std::function<void()> listener) { vault_->OnLoss(std::move(listener)); }

}  // namespace grantkeep
