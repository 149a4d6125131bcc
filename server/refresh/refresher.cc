// SPDX-License-Identifier: Apache-2.0
#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "net/event.h"
#include "net/loop.h"
#include "refresh/adoption.h"
#include "refresh/freshness.h"
#include "refresh/provider_budget.h"
#include "refresh/refresh.h"
#include "refresh/refusals.h"
#include "refresh/shown_state.h"
#include "refresh/transaction.h"
#include "refresh/usage.h"
#include "telemetry/log.h"
#include "vault/currency.h"

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

using GrantKey = std::pair<TenantId, GrantId>;

// One refresh of one grant, and everybody who waits for it. Belongs to the loop.
struct Flight {
  std::shared_ptr<Turn> turn;
  Event done;
  absl::Status status;
  std::shared_ptr<const StoredGrant> grant;  // null: there is no such grant

  void End(absl::Status with, std::shared_ptr<const StoredGrant> newest) {
    status = std::move(with);
    grant = std::move(newest);
    done.Set();
  }
};

// For a caller whose time is over before the flight is.
absl::Status NotYet(const Flight& flight) {
  if (!flight.turn->queued()) return Error(Reason::kDeadline, "the refresh is still under way; call again");
  return RetryableError(Reason::kProviderThrottled,
                        "the refresh waits for its turn at the provider; call again", seconds(1));
}

absl::Status NoSuchGrant() { return Error(Reason::kGrantNotFound, "grant_id: no such grant"); }

bool IsVisible(const storage::v1::Grant& grant, const SubjectId& subject) {
  return grant.subject() == subject.value() && grant.state() != storage::v1::Grant::STATE_REVOKED;
}

AccessToken ToAccessToken(const storage::v1::Grant& grant, Freshness freshness) {
  AccessToken token;
  token.token = Secret(grant.access_token());
  token.token_type = grant.token_type();
  if (grant.expire_time_us() != 0) token.expire_time = FromMicros(grant.expire_time_us());
  token.generation = {grant.generation()};
  token.scopes.assign(grant.scopes().begin(), grant.scopes().end());
  token.freshness = freshness;
  return token;
}

}  // namespace

// Lives as long as the Refresher or any flight.
class Refresher::State : public std::enable_shared_from_this<Refresher::State> {
 public:
  State(RefreshRooms rooms, boost::asio::io_context& loop, RefreshOptions options)
      : rooms(rooms),
        loop(loop),
        options(options),
        usage(rooms, loop, options.active_window),
        budgets(rooms.clock, rooms.random) {}

  // Any thread. Starts a flight on the loop unless one was asked for already.
  void Renew(const RefreshRequest& request) {
    if (!MarkRenewal({request.tenant, request.grant})) return;
    Spawn(loop, RunRenewal(shared_from_this(), request.tenant, request.grant));
  }

  // Loop. The flight of this grant that is under way, or null.
  std::shared_ptr<Flight> Find(const TenantId& tenant, const GrantId& id) const {
    const auto found = flights.find(GrantKey(tenant, id));
    return found == flights.end() ? nullptr : found->second;
  }

  // Any thread. The grant from memory: tokens that the store has not accepted yet come first.
  absl::StatusOr<std::optional<StoredGrant>> FromMemory(const TenantId& tenant, const GrantId& id) {
    if (any_unsaved_.load(std::memory_order_acquire)) {
      const std::lock_guard lock(unsaved_mutex_);
      if (const auto found = unsaved_.find(GrantKey(tenant, id)); found != unsaved_.end()) {
        std::optional<StoredGrant> revoked = FindRevoked(tenant, id);
        return revoked.has_value() ? std::move(revoked) : Copy(*found->second);
      }
    }
    return rooms.grants.FromMemory(tenant, id);
  }

  // Loop. The grant from memory if that is provably the newest, else from the store; while that cannot
  // be asked, from memory if the grant `may_stand_in`.
  awaitable<absl::StatusOr<SeenGrant>> Look(TenantId tenant, GrantId id,
                                            std::function<bool(const storage::v1::Grant&)> may_stand_in,
                                            Tick deadline) {
    absl::StatusOr<std::optional<StoredGrant>> found = FromMemory(tenant, id);
    if (!found.ok()) co_return found.status();
    if (found->has_value()) co_return SeenGrant{**std::move(found), false};
    std::optional<StoredGrant> stand_in = FindStandIn(tenant, id, may_stand_in);
    const Tick until = stand_in.has_value() ? FallBackTime(rooms.clock, deadline) : deadline;
    found = co_await rooms.grants.Load(tenant, id, until);
    if (IsOutage(found.status()) && stand_in.has_value()) co_return SeenGrant{*std::move(stand_in), true};
    if (!found.ok()) co_return found.status();
    if (!found->has_value()) co_return NoSuchGrant();
    co_return SeenGrant{**std::move(found), false};
  }

  // Loop. The flight of this grant; a new one begins with `seen`. Null while draining. `urgency` and
  // `deadline` are those of whoever joins.
  std::shared_ptr<Flight> Join(const TenantId& tenant, const GrantId& id, const StoredGrant& seen,
                               bool forced, Urgency urgency, Tick deadline) {
    if (auto found = Find(tenant, id); found != nullptr) {
      if (urgency == Urgency::kCallerWaits) found->turn->CallerWaits(deadline);
      return found;
    }
    if (draining) return nullptr;
    const GrantKey key(tenant, id);
    auto flight = std::make_shared<Flight>();
    flight->turn = std::make_shared<Turn>(urgency, deadline);
    flights.emplace(key, flight);
    Spawn(loop, Fly(shared_from_this(), key, flight, StoredGrant{seen.revision, seen.grant.Clone()}, forced));
    return flight;
  }

  // Any thread. What memory has of the grant, if that says REVOKED.
  std::optional<StoredGrant> FindRevoked(const TenantId& tenant, const GrantId& id) const {
    return FindStandIn(tenant, id, [](const storage::v1::Grant&) { return false; });
  }

  RefreshRooms rooms;
  boost::asio::io_context& loop;
  const RefreshOptions options;
  Usage usage;
  // Loop only.
  ProviderBudgets budgets;
  uint64_t waits = 0;           // calls that had to wait for a flight
  uint64_t needless_waits = 0;  // of these, with a token that was still valid
  absl::flat_hash_map<GrantKey, std::shared_ptr<Flight>> flights;
  bool draining = false;
  Event drained;
  std::function<void(const TenantId&, const GrantId&)> on_unsaved;

 private:
  // What memory has of the grant, if it may be used in the place of what the store has.
  std::optional<StoredGrant> FindStandIn(
      const TenantId& tenant, const GrantId& id,
      const std::function<bool(const storage::v1::Grant&)>& may_stand_in) const {
    absl::StatusOr<std::optional<RememberedGrant>> remembered = rooms.grants.Remembered(tenant, id);
    if (!remembered.ok() || !remembered->has_value()) return std::nullopt;
    RememberedGrant& grant = **remembered;
    // What was revoked stays so.
    const bool revoked = grant.stored.grant->state() == storage::v1::Grant::STATE_REVOKED;
    const bool recent = options.outage_serve > Duration(0) && grant.unproven_for <= options.outage_serve;
    if (!revoked && !(recent && may_stand_in(*grant.stored.grant))) return std::nullopt;
    return std::move(grant.stored);
  }

  static awaitable<void> Fly(std::shared_ptr<State> self, GrantKey key, std::shared_ptr<Flight> flight,
                             StoredGrant seen, bool forced) {
    RefreshResult result;
    for (int transactions = 1;; ++transactions) {
      RefreshTransaction transaction(self->rooms, self->budgets, flight->turn, key.first, std::move(seen),
                                     forced, [self, key, flight](const StoredGrant& unsaved) {
                                       auto tokens = std::make_shared<const StoredGrant>(Copy(unsaved));
                                       self->SetUnsaved(key, tokens);
                                       if (self->on_unsaved) self->on_unsaved(key.first, key.second);
                                       flight->End(absl::OkStatus(), tokens);
                                     });
      result = co_await transaction.Run();
      if (!result.may_repeat || transactions == kMaxTransactions || !result.grant.has_value()) break;
      co_await self->rooms.clock.SleepUntil(self->rooms.clock.Steady() + kRepeatDelay * transactions);
      seen = std::move(*result.grant);
    }
    self->flights.erase(key);
    self->SetUnsaved(key, nullptr);
    std::shared_ptr<const StoredGrant> newest;
    if (result.grant.has_value()) newest = std::make_shared<const StoredGrant>(std::move(*result.grant));
    flight->End(std::move(result.status), std::move(newest));
    if (self->draining && self->flights.empty()) self->drained.Set();
  }

  static awaitable<void> RunRenewal(std::shared_ptr<State> self, TenantId tenant, GrantId id) {
    absl::StatusOr<std::optional<StoredGrant>> seen = self->FromMemory(tenant, id);
    std::shared_ptr<Flight> flight;
    // Decided again: a flight may have ended since the poller looked.
    if (seen.ok() && seen->has_value() &&
        Decide(*(*seen)->grant, RefreshRequest(), self->rooms.store.Now()).kind != Decision::Kind::kServe) {
      flight =
          self->Join(tenant, id, **seen, false, Urgency::kAhead, self->rooms.clock.Steady() + kRenewalQueue);
    }
    if (flight != nullptr) co_await flight->done.Wait(self->rooms.clock, Tick::max());
    self->EndRenewal({std::move(tenant), std::move(id)}, flight != nullptr && flight->status.ok());
  }

  bool MarkRenewal(const GrantKey& key) {
    const std::lock_guard lock(renewals_mutex_);
    const auto [entry, added] = renewals_.try_emplace(key, Tick::max());
    if (added) return true;
    if (rooms.clock.Steady() < entry->second) return false;
    entry->second = Tick::max();
    return true;
  }

  void EndRenewal(const GrantKey& key, bool renewed) {
    const std::lock_guard lock(renewals_mutex_);
    if (renewed) {
      renewals_.erase(key);
    } else {
      renewals_[key] = rooms.clock.Steady() + kRenewalPause;
    }
  }

  static StoredGrant Copy(const StoredGrant& grant) {
    return StoredGrant{grant.revision, grant.grant.Clone()};
  }

  // Null: the store has them, or there are none.
  void SetUnsaved(const GrantKey& key, std::shared_ptr<const StoredGrant> tokens) {
    const std::lock_guard lock(unsaved_mutex_);
    if (tokens != nullptr) {
      unsaved_[key] = std::move(tokens);
    } else {
      unsaved_.erase(key);
    }
    any_unsaved_.store(!unsaved_.empty(), std::memory_order_release);
  }

  // Any thread. Almost always empty, which costs the hot path one load.
  std::atomic<bool> any_unsaved_{false};
  std::mutex unsaved_mutex_;
  absl::flat_hash_map<GrantKey, std::shared_ptr<const StoredGrant>> unsaved_;

  std::mutex renewals_mutex_;
  // Renewals asked for, and until when none is asked for again. Any thread.
  absl::flat_hash_map<GrantKey, Tick> renewals_;
};

Refresher::Refresher(Grants& grants, Store& store, Catalogue& catalogue, Clock& clock, Random& random,
                     boost::asio::io_context& loop, RefreshOptions options)
    : state_(std::make_shared<State>(
          RefreshRooms{{grants, store, catalogue, clock, random},
                       std::make_shared<Refusals>(clock),
                       options.recovery,
                       options.on_step},
          loop,
          options)) {
  CountAdoptions(grants, store, catalogue);
}

Refresher::~Refresher() = default;

std::optional<absl::StatusOr<AccessToken>> Refresher::FromMemory(const RefreshRequest& request) {
  absl::StatusOr<std::optional<StoredGrant>> found = state_->FromMemory(request.tenant, request.grant);
  if (!found.ok()) return found.status();
  if (!found->has_value()) return std::nullopt;
  const storage::v1::Grant& grant = *(*found)->grant;
  if (!IsVisible(grant, request.subject)) return NoSuchGrant();

  Decision decision = Decide(grant, request, state_->rooms.store.Now());
  switch (decision.kind) {
    case Decision::Kind::kWait:
      return std::nullopt;
    case Decision::Kind::kRefuse:
      // "Not yet": a flight may be under way that brings the answer.
      if (RetryAfterOf(decision.status).has_value()) return std::nullopt;
      return std::move(decision.status);
    case Decision::Kind::kServeAndRenew:
      state_->Renew(request);
      break;
    case Decision::Kind::kServe:
      break;
  }
  state_->usage.Mark(request.tenant, grant);
  return ToAccessToken(grant, decision.freshness);
}

awaitable<absl::StatusOr<AccessToken>> Refresher::Refresh(Call call, RefreshRequest request) {
  const std::shared_ptr<State> state = state_;
  Clock& clock = state->rooms.clock;
  const auto may_stand_in = [&](const storage::v1::Grant& grant) {
    return ServableUnverified(grant, request, state->rooms.store.Now());
  };
  absl::StatusOr<SeenGrant> looked =
      co_await state->Look(request.tenant, request.grant, may_stand_in, call.deadline);
  if (!looked.ok()) co_return looked.status();
  const StoredGrant& seen = looked->stored;
  if (!IsVisible(*seen.grant, request.subject)) co_return NoSuchGrant();
  if (looked->unverified) co_return ToAccessToken(*seen.grant, Freshness::kUnverified);

  const Decision before = Decide(*seen.grant, request, state->rooms.store.Now());
  std::shared_ptr<Flight> flight = state->Find(request.tenant, request.grant);
  const bool may_wait = flight != nullptr && RetryAfterOf(before.status).has_value();
  if (before.kind == Decision::Kind::kRefuse && !may_wait) co_return before.status;
  if (before.kind == Decision::Kind::kServeAndRenew) state->Renew(request);
  if (before.kind == Decision::Kind::kServe || before.kind == Decision::Kind::kServeAndRenew) {
    state->usage.Mark(request.tenant, *seen.grant);
    co_return ToAccessToken(*seen.grant, before.freshness);
  }
  if (before.kind == Decision::Kind::kWait && state->rooms.store.HoldUntil() > clock.Steady()) {
    // A flight would wait, too: who has a token that is good for anything gets it now.
    const Decision now =
        DecideAfterFlight(*seen.grant, request, Error(Reason::kStoreUnavailable, "the store has failed over"),
                          state->rooms.store.Now());
    if (now.kind == Decision::Kind::kServe) {
      state->Renew(request);
      co_return ToAccessToken(*seen.grant, now.freshness);
    }
  }

  const bool forced = request.rejected_generation.value == seen.grant->generation();
  flight = state->Join(request.tenant, request.grant, seen, forced, Urgency::kCallerWaits, call.deadline);
  absl::Status outcome = Error(Reason::kShuttingDown, "the service is shutting down");
  std::shared_ptr<const StoredGrant> newest;
  if (flight != nullptr) {
    ++state->waits;
    if (!forced && TokenIsValid(*seen.grant, state->rooms.store.Now())) ++state->needless_waits;
    const bool ended = co_await flight->done.Wait(clock, call.deadline);
    if (ended) {
      outcome = flight->status;
      newest = flight->grant;
      if (newest == nullptr && HasReason(outcome, Reason::kGrantNotFound)) co_return NoSuchGrant();
    } else {
      outcome = NotYet(*flight);
    }
  }
  // Nor is what was seen before the wait served, when it was revoked meanwhile.
  if (state->FindRevoked(request.tenant, request.grant).has_value()) co_return NoSuchGrant();
  const storage::v1::Grant& grant = newest != nullptr ? *newest->grant : *seen.grant;
  if (!IsVisible(grant, request.subject)) co_return NoSuchGrant();
  state->usage.Mark(request.tenant, grant);
  Decision after = DecideAfterFlight(grant, request, outcome, state->rooms.store.Now());
  if (after.kind == Decision::Kind::kRefuse) co_return after.status;
  co_return ToAccessToken(grant, after.freshness);
}

awaitable<absl::StatusOr<SeenGrant>> Refresher::Get(TenantId tenant, SubjectId subject, GrantId grant,
                                                    Tick deadline) {
  const std::shared_ptr<State> state = state_;
  const auto any = [](const storage::v1::Grant&) { return true; };
  absl::StatusOr<SeenGrant> seen = co_await state->Look(std::move(tenant), std::move(grant), any, deadline);
  if (seen.ok() && seen->stored.grant->subject() != subject.value()) co_return NoSuchGrant();
  if (seen.ok()) Show(*seen->stored.grant);
  co_return seen;
}

void Refresher::Show(storage::v1::Grant& grant) const { ShowState(grant, state_->rooms.store.Now()); }

void Refresher::MarkUsed(const TenantId& tenant, const storage::v1::Grant& grant) {
  state_->usage.Mark(tenant, grant);
}

awaitable<void> Refresher::RenewAhead(TenantId tenant, StoredGrant seen, Tick deadline) {
  const std::shared_ptr<State> state = state_;
  const GrantId id(seen.grant->grant_id());
  const std::shared_ptr<Flight> flight = state->Join(tenant, id, seen, false, Urgency::kAhead, deadline);
  if (flight != nullptr) co_await flight->done.Wait(state->rooms.clock, Tick::max());
}

ProviderBudgets& Refresher::budgets() { return state_->budgets; }

awaitable<absl::StatusOr<SeenGrant>> Refresher::Observe(TenantId tenant, SubjectId subject, GrantId grant,
                                                        Revision at_least, Tick deadline) {
  const std::shared_ptr<State> state = state_;
  const auto any = [](const storage::v1::Grant&) { return true; };
  absl::StatusOr<SeenGrant> seen = co_await state->Look(tenant, grant, any, deadline);
  if (seen.ok() && !seen->unverified && seen->stored.revision < at_least) {
    absl::StatusOr<std::optional<StoredGrant>> loaded = co_await state->rooms.grants.Load(tenant, grant, deadline);
    if (!loaded.ok()) co_return loaded.status();
    // Tokens that the store has not accepted are newer than what it has.
    if (loaded->has_value() && ((*loaded)->grant->state() == storage::v1::Grant::STATE_REVOKED ||
                                (*loaded)->grant->generation() >= seen->stored.grant->generation())) {
      seen->stored = **std::move(loaded);
    }
  }
  if (!seen.ok()) co_return seen.status();
  const storage::v1::Grant& record = *seen->stored.grant;
  if (record.subject() != subject.value()) co_return NoSuchGrant();
  if (!seen->unverified && IsVisible(record, subject)) {
    state->usage.Mark(tenant, record);
    RefreshRequest use;
    use.tenant = std::move(tenant);
    use.subject = std::move(subject);
    use.grant = std::move(grant);
    const Decision decision = Decide(record, use, state->rooms.store.Now());
    if (decision.kind == Decision::Kind::kServeAndRenew || decision.kind == Decision::Kind::kWait) {
      state->Renew(use);
    }
  }
  Show(*seen->stored.grant);
  co_return seen;
}

void Refresher::OnUnsaved(std::function<void(const TenantId&, const GrantId&)> listener) {
  state_->on_unsaved = std::move(listener);
}

awaitable<void> Refresher::Drain(Tick deadline) {
  const std::shared_ptr<State> state = state_;
  state->draining = true;
  state->usage.Stop();
  Log("refresh").info("{} calls have waited for a provider, {} of them with a valid token", state->waits,
                      state->needless_waits);
  if (state->flights.empty()) co_return;
  co_await state->drained.Wait(state->rooms.clock, deadline);
}

}  // namespace grantkeep
