// SPDX-License-Identifier: Apache-2.0
#include "refresh/schedule.h"

#include <algorithm>

#include "refresh/freshness.h"
#include "refresh/grant_changes.h"

namespace grantkeep {
namespace {

using storage::v1::Grant;

Time After(Time begin, Duration whole, double part) {
  return begin + std::chrono::duration_cast<Duration>(whole * part);
}

Time NextAttemptTime(const Grant& grant, const config::v1::Provider& provider) {
  Time next = FromMicros(std::max(grant.not_before_us(), grant.intent().end_time_us()));
  const bool waits_for_expiry =
      !RepeatIsHarmless(provider) && provider.rotation() != config::v1::ROTATION_GRACE;
  // Unknown lifetimes end when the API says so.
  if (waits_for_expiry && grant.expire_time_us() == 0) return Time::max();
  if (waits_for_expiry) next = std::max(next, FromMicros(grant.expire_time_us()));
  return next;
}

}  // namespace

Time RenewAheadTime(const Grant& grant, double jitter) {
  if (grant.expire_time_us() == 0) return Time::max();
  const Time issued = FromMicros(grant.issue_time_us());
  const Duration lifetime = std::max(Duration(0), FromMicros(grant.expire_time_us()) - issued);
  return After(issued, lifetime, kEarliestRenewal + (kLatestRenewal - kEarliestRenewal) * jitter);
}

Time KeepAliveTime(const Grant& grant, const config::v1::Provider& provider) {
  if (!provider.has_inactivity_limit()) return Time::max();
  return After(FromMicros(grant.issue_time_us()), std::chrono::seconds(provider.inactivity_limit().seconds()),
               kKeepAlive);
}

Time DueTime(const Grant& grant, const config::v1::Provider& provider, double jitter) {
  switch (grant.state()) {
    case Grant::STATE_IN_DOUBT:
      return IsRefreshable(grant) ? NextAttemptTime(grant, provider) : Time::max();
    case Grant::STATE_NEEDS_REAUTH:
      if (grant.refresh_token().empty() || grant.state_time_us() == 0) return Time::max();
      return FromMicros(grant.state_time_us()) + kForgetRefreshToken;
    case Grant::STATE_REVOKED:
      return grant.has_outbox() ? FromMicros(grant.outbox().not_before_us()) : Time::max();
    default:
      break;
  }
  if (!IsRefreshable(grant)) return Time::max();
  const Time next = std::min(RenewAheadTime(grant, jitter), KeepAliveTime(grant, provider));
  return next == Time::max() ? next : std::max(next, FromMicros(grant.not_before_us()));
}

Write DueAt(const Key& key, Time due) {
  if (due == Time::max()) return ClearDue{key};
  return SetDue{key, due};
}

}  // namespace grantkeep
