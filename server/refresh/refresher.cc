// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "refresh/adoption.h"
#include "refresh/flights.h"
#include "refresh/freshness.h"
#include "refresh/refresh.h"
#include "refresh/refusals.h"
#include "refresh/shown_state.h"
#include "refresh/usage.h"
#include "telemetry/log.h"
#include "vault/currency.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using std::chrono::seconds;

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

// Lives as long as the Refresher or any call.
class Refresher::State {
 public:
  State(const RefreshRooms& rooms, boost::asio::io_context& loop, const RefreshOptions& options)
      : rooms(rooms),
        outage_serve(options.outage_serve),
        flights(std::make_shared<Flights>(rooms, loop)),
        usage(rooms, loop, options.active_window) {}

  // Loop. The grant from memory if that is provably the newest, else from the store; while that cannot
  // be asked, from memory if the grant `may_stand_in`.
  awaitable<absl::StatusOr<SeenGrant>> Look(TenantId tenant, GrantId id,
                                            std::function<bool(const storage::v1::Grant&)> may_stand_in,
                                            Tick deadline) {
    absl::StatusOr<std::optional<StoredGrant>> found = flights->FromMemory(tenant, id);
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

  const RefreshRooms rooms;
  const Duration outage_serve;
  const std::shared_ptr<Flights> flights;
  Usage usage;
  // Loop only.
  uint64_t waits = 0;           // calls that had to wait for a flight
  uint64_t needless_waits = 0;  // of these, with a token that was still valid

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
    const bool recent = outage_serve > Duration(0) && grant.unproven_for <= outage_serve;
    if (!revoked && !(recent && may_stand_in(*grant.stored.grant))) return std::nullopt;
    return std::move(grant.stored);
  }
};

Refresher::Refresher(Grants& grants, Store& store, Catalogue& catalogue, Clock& clock, Random& random,
                     boost::asio::io_context& loop, const RefreshOptions& options)
    : state_(std::make_shared<State>(RefreshRooms{{grants, store, catalogue, clock, random},
                                                  std::make_shared<Refusals>(clock),
                                                  options.recovery,
                                                  options.on_step},
                                     loop, options)) {
  CountAdoptions(grants, store, catalogue);
}

Refresher::~Refresher() = default;

std::optional<absl::StatusOr<AccessToken>> Refresher::FromMemory(const RefreshRequest& request) {
  absl::StatusOr<std::optional<StoredGrant>> found =
      state_->flights->FromMemory(request.tenant, request.grant);
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
      state_->flights->Renew(request.tenant, request.grant);
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
  std::shared_ptr<Flight> flight = state->flights->Find(request.tenant, request.grant);
  const bool may_wait = flight != nullptr && RetryAfterOf(before.status).has_value();
  if (before.kind == Decision::Kind::kRefuse && !may_wait) co_return before.status;
  if (before.kind == Decision::Kind::kServeAndRenew) state->flights->Renew(request.tenant, request.grant);
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
      state->flights->Renew(request.tenant, request.grant);
      co_return ToAccessToken(*seen.grant, now.freshness);
    }
  }

  const bool forced = request.rejected_generation.value == seen.grant->generation();
  flight =
      state->flights->Join(request.tenant, request.grant, seen, forced, Urgency::kCallerWaits, call.deadline);
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
  if (state->flights->FindRevoked(request.tenant, request.grant).has_value()) co_return NoSuchGrant();
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
  const std::shared_ptr<Flight> flight =
      state->flights->Join(tenant, id, seen, false, Urgency::kAhead, deadline);
  if (flight != nullptr) co_await flight->done.Wait(state->rooms.clock, Tick::max());
}

ProviderBudgets& Refresher::budgets() { return state_->flights->budgets(); }

awaitable<absl::StatusOr<SeenGrant>> Refresher::Observe(TenantId tenant, SubjectId subject, GrantId grant,
                                                        Revision at_least, Tick deadline) {
  const std::shared_ptr<State> state = state_;
  const auto any = [](const storage::v1::Grant&) { return true; };
  absl::StatusOr<SeenGrant> seen = co_await state->Look(tenant, grant, any, deadline);
  if (seen.ok() && !seen->unverified && seen->stored.revision < at_least) {
    absl::StatusOr<std::optional<StoredGrant>> loaded =
        co_await state->rooms.grants.Load(tenant, grant, deadline);
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
      state->flights->Renew(use.tenant, use.grant);
    }
  }
  Show(*seen->stored.grant);
  co_return seen;
}

void Refresher::OnUnsaved(std::function<void(const TenantId&, const GrantId&)> listener) {
  state_->flights->OnUnsaved(std::move(listener));
}

awaitable<void> Refresher::Drain(Tick deadline) {
  const std::shared_ptr<State> state = state_;
  state->usage.Stop();
  Log("refresh").info("{} calls have waited for a provider, {} of them with a valid token", state->waits,
                      state->needless_waits);
  co_await state->flights->Drain(deadline);
}

}  // namespace grantkeep
