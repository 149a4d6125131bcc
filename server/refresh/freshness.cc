// SPDX-License-Identifier: Apache-2.0
#include "refresh/freshness.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/reason.h"

namespace grantkeep {
namespace {

using storage::v1::Grant;

bool LifetimeKnown(const Grant& grant) { return grant.expire_time_us() != 0; }

Duration Lifetime(const Grant& grant) {
  return std::max(Duration(0), Duration(grant.expire_time_us() - grant.issue_time_us()));
}

Duration Remaining(const Grant& grant, Time now) { return FromMicros(grant.expire_time_us()) - now; }

Decision Serve(Freshness freshness) { return {Decision::Kind::kServe, freshness, absl::OkStatus()}; }
Decision Refuse(absl::Status status) { return {Decision::Kind::kRefuse, {}, std::move(status)}; }

absl::Status NeedsReauth(const Grant& grant) {
  const std::string reason = grant.state_reason().empty() ? "NO_REFRESH_TOKEN" : grant.state_reason();
  return Error(Reason::kNeedsReauth,
               fmt::format("grant_id: the user must sign in again at '{}' ({}); call StartAuth with this "
                           "grant_id",
                           grant.provider(), reason));
}

absl::Status BackingOff(const Grant& grant, Time now) {
  return RetryableError(
      Reason::kProviderError,
      fmt::format("the last refresh at '{}' failed and is not due again yet", grant.provider()),
      FromMicros(grant.not_before_us()) - now);
}

// How a valid token is labelled against what the caller asked for.
Freshness Label(const Grant& grant, const RefreshRequest& request, Time now) {
  if (!LifetimeKnown(grant) || Remaining(grant, now) >= request.min_ttl) return Freshness::kFresh;
  return Remaining(grant, now) * 2 >= Lifetime(grant) ? Freshness::kBelowMinTtl : Freshness::kStaleOk;
}

// The API refused the newest token. Nothing: the request is like any other.
std::optional<Decision> DecideRejected(const Grant& grant, const RefreshRequest& request, Time now) {
  const Generation rejected = request.rejected_generation;
  if (rejected.value == 0 || rejected.value < grant.generation()) return std::nullopt;
  if (rejected.value > grant.generation()) {
    return Refuse(FieldError("rejected_generation", fmt::format("{} was never issued; the newest is {}",
                                                                rejected.value, grant.generation())));
  }
  if (!IsRefreshable(grant)) return Refuse(NeedsReauth(grant));
  const Duration since_forced = now - FromMicros(grant.forced_time_us());
  if (grant.forced_time_us() != 0 && since_forced >= Duration(0) && since_forced < kForcedRefreshInterval) {
    return Refuse(
        RetryableError(Reason::kProviderThrottled,
                       "rejected_generation: a refresh was forced for this grant less than 30 s ago",
                       kForcedRefreshInterval - since_forced));
  }
  if (now < FromMicros(grant.not_before_us())) return Refuse(BackingOff(grant, now));
  return Decision{Decision::Kind::kWait, {}, absl::OkStatus()};
}

}  // namespace

bool TokenIsValid(const Grant& grant, Time now) {
  return !grant.access_token().empty() && (!LifetimeKnown(grant) || Remaining(grant, now) > Duration(0));
}

bool IsRefreshable(const Grant& grant) {
  return !grant.refresh_token().empty() &&
         (grant.state() == Grant::STATE_ACTIVE || grant.state() == Grant::STATE_IN_DOUBT);
}

Time RenewTime(const Grant& grant) {
  if (!LifetimeKnown(grant)) return Time::max();
  return FromMicros(grant.issue_time_us()) + Lifetime(grant) * 4 / 5;
}

bool ServableUnverified(const Grant& grant, const RefreshRequest& request, Time now) {
  return TokenIsValid(grant, now) && request.rejected_generation.value < grant.generation();
}

Decision Decide(const Grant& grant, const RefreshRequest& request, Time now) {
  if (auto rejected = DecideRejected(grant, request, now); rejected.has_value()) return *rejected;

  const bool valid = TokenIsValid(grant, now);
  if (!IsRefreshable(grant)) {
    return valid ? Serve(Label(grant, request, now)) : Refuse(NeedsReauth(grant));
  }
  const bool backing_off = now < FromMicros(grant.not_before_us());
  if (!valid) {
    if (!backing_off) return {Decision::Kind::kWait, {}, absl::OkStatus()};
    return Refuse(BackingOff(grant, now));
  }
  if (!LifetimeKnown(grant)) return Serve(Freshness::kFresh);

  // A token younger than half of its lifetime is the best there is, whatever min_ttl says.
  const Duration wanted = std::min(request.min_ttl, Lifetime(grant) / 2);
  const bool may_try = !backing_off && grant.state() == Grant::STATE_ACTIVE;
  if (Remaining(grant, now) < wanted) {
    if (may_try) return {Decision::Kind::kWait, {}, absl::OkStatus()};
    return Serve(Freshness::kStaleOk);
  }
  Decision decision = Serve(Label(grant, request, now));
  if (may_try && now >= RenewTime(grant)) decision.kind = Decision::Kind::kServeAndRenew;
  return decision;
}

Decision DecideAfterFlight(const Grant& grant, const RefreshRequest& request, const absl::Status& outcome,
                           Time now) {
  const bool rejected = request.rejected_generation.value == grant.generation();
  if (TokenIsValid(grant, now) && !rejected) {
    return Serve(outcome.ok() ? Label(grant, request, now) : Freshness::kStaleOk);
  }
  if (!outcome.ok()) return Refuse(outcome);
  if (!IsRefreshable(grant)) return Refuse(NeedsReauth(grant));
  return Refuse(RetryableError(Reason::kProviderError,
                               fmt::format("'{}' issued a token that has expired already", grant.provider()),
                               std::chrono::seconds(1)));
}

}  // namespace grantkeep
