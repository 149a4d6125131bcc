// SPDX-License-Identifier: Apache-2.0
#include "refresh/flights.h"

#include "base/reason.h"
#include "net/loop.h"
#include "refresh/freshness.h"
#include "refresh/refresh.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Prompt repeats inside one flight, where the provider's rotation allows them.
constexpr int kMaxTransactions = 3;
constexpr Duration kRepeatDelay = milliseconds(100);
// A renewal behind the answer that could not even begin is not started again before this.
constexpr Duration kRenewalPause = seconds(1);
// A renewal behind the answer queues for its provider no longer than this.
constexpr Duration kRenewalQueue = seconds(10);

StoredGrant Copy(const StoredGrant& grant) { return StoredGrant{grant.revision, grant.grant.Clone()}; }

}  // namespace

Flights::Flights(RefreshRooms rooms, boost::asio::io_context& loop)
    : rooms_(std::move(rooms)), loop_(loop), budgets_(rooms_.clock, rooms_.random) {}

absl::StatusOr<std::optional<StoredGrant>> Flights::FromMemory(const TenantId& tenant,
                                                               const GrantId& id) const {
  if (any_unsaved_.load(std::memory_order_acquire)) {
    const std::lock_guard lock(unsaved_mutex_);
    if (const auto found = unsaved_.find(GrantKey(tenant, id)); found != unsaved_.end()) {
      std::optional<StoredGrant> revoked = FindRevoked(tenant, id);
      return revoked.has_value() ? std::move(revoked) : Copy(*found->second);
    }
  }
  return rooms_.grants.FromMemory(tenant, id);
}

std::optional<StoredGrant> Flights::FindRevoked(const TenantId& tenant, const GrantId& id) const {
  absl::StatusOr<std::optional<RememberedGrant>> remembered = rooms_.grants.Remembered(tenant, id);
  if (!remembered.ok() || !remembered->has_value()) return std::nullopt;
  if ((*remembered)->stored.grant->state() != storage::v1::Grant::STATE_REVOKED) return std::nullopt;
  return std::move((*remembered)->stored);
}

std::shared_ptr<Flight> Flights::Find(const TenantId& tenant, const GrantId& id) const {
  const auto found = flights_.find(GrantKey(tenant, id));
  return found == flights_.end() ? nullptr : found->second;
}

std::shared_ptr<Flight> Flights::Join(const TenantId& tenant, const GrantId& id, const StoredGrant& seen,
                                      bool forced, Urgency urgency, Tick deadline) {
  if (auto found = Find(tenant, id); found != nullptr) {
    if (urgency == Urgency::kCallerWaits) found->turn->CallerWaits(deadline);
    return found;
  }
  if (draining_) return nullptr;
  const GrantKey key(tenant, id);
  auto flight = std::make_shared<Flight>();
  flight->turn = std::make_shared<Turn>(urgency, deadline);
  flights_.emplace(key, flight);
  Spawn(loop_, Fly(shared_from_this(), key, flight, Copy(seen), forced));
  return flight;
}

void Flights::Renew(const TenantId& tenant, const GrantId& id) {
  if (MarkRenewal({tenant, id})) Spawn(loop_, RunRenewal(shared_from_this(), tenant, id));
}

awaitable<void> Flights::Drain(Tick deadline) {
  draining_ = true;
  if (!flights_.empty()) co_await drained_.Wait(rooms_.clock, deadline);
}

awaitable<void> Flights::Fly(std::shared_ptr<Flights> self, GrantKey key, std::shared_ptr<Flight> flight,
                             StoredGrant seen, bool forced) {
  RefreshResult result;
  for (int transactions = 1;; ++transactions) {
    RefreshTransaction transaction(self->rooms_, self->budgets_, flight->turn, key.first, std::move(seen),
                                   forced, [self, key, flight](const StoredGrant& unsaved) {
                                     auto tokens = std::make_shared<const StoredGrant>(Copy(unsaved));
                                     self->SetUnsaved(key, tokens);
                                     if (self->on_unsaved_) self->on_unsaved_(key.first, key.second);
                                     flight->End(absl::OkStatus(), tokens);
                                   });
    result = co_await transaction.Run();
    if (!result.may_repeat || transactions == kMaxTransactions || !result.grant.has_value()) break;
    co_await self->rooms_.clock.SleepUntil(self->rooms_.clock.Steady() + kRepeatDelay * transactions);
    seen = std::move(*result.grant);
  }
  self->flights_.erase(key);
  self->SetUnsaved(key, nullptr);
  std::shared_ptr<const StoredGrant> newest;
  if (result.grant.has_value()) newest = std::make_shared<const StoredGrant>(std::move(*result.grant));
  flight->End(std::move(result.status), std::move(newest));
  if (self->draining_ && self->flights_.empty()) self->drained_.Set();
}

awaitable<void> Flights::RunRenewal(std::shared_ptr<Flights> self, TenantId tenant, GrantId id) {
  absl::StatusOr<std::optional<StoredGrant>> seen = self->FromMemory(tenant, id);
  std::shared_ptr<Flight> flight;
  // Decided again: a flight may have ended since the poller looked.
  if (seen.ok() && seen->has_value() &&
      Decide(*(*seen)->grant, RefreshRequest(), self->rooms_.store.Now()).kind != Decision::Kind::kServe) {
    flight =
        self->Join(tenant, id, **seen, false, Urgency::kAhead, self->rooms_.clock.Steady() + kRenewalQueue);
  }
  if (flight != nullptr) co_await flight->done.Wait(self->rooms_.clock, Tick::max());
  self->EndRenewal({std::move(tenant), std::move(id)}, flight != nullptr && flight->status.ok());
}

bool Flights::MarkRenewal(const GrantKey& key) {
  const std::lock_guard lock(renewals_mutex_);
  const auto [entry, added] = renewals_.try_emplace(key, Tick::max());
  if (added) return true;
  if (rooms_.clock.Steady() < entry->second) return false;
  entry->second = Tick::max();
  return true;
}

void Flights::EndRenewal(const GrantKey& key, bool renewed) {
  const std::lock_guard lock(renewals_mutex_);
  if (renewed) {
    renewals_.erase(key);
  } else {
    renewals_[key] = rooms_.clock.Steady() + kRenewalPause;
  }
}

void Flights::SetUnsaved(const GrantKey& key, std::shared_ptr<const StoredGrant> tokens) {
  const std::lock_guard lock(unsaved_mutex_);
  if (tokens != nullptr) {
    unsaved_[key] = std::move(tokens);
  } else {
    unsaved_.erase(key);
  }
  any_unsaved_.store(!unsaved_.empty(), std::memory_order_release);
}

}  // namespace grantkeep
