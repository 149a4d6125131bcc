// SPDX-License-Identifier: Apache-2.0
#include "refresh/due_rules.h"

#include <algorithm>

#include "refresh/freshness.h"
#include "refresh/schedule.h"
#include "refresh/usage.h"

namespace grantkeep {
namespace {

using storage::v1::Grant;
using Do = DueStep::Kind;

DueStep Reschedule(Time due) { return {Do::kReschedule, due}; }

DueStep NeedsReauth(const Grant& grant, Time now) {
  // 0: nobody knows since when.
  if (grant.refresh_token().empty() || grant.state_time_us() == 0) return Reschedule(Time::max());
  const Time forget = FromMicros(grant.state_time_us()) + kForgetRefreshToken;
  return forget <= now ? DueStep{Do::kForget} : Reschedule(forget);
}

DueStep Active(const Grant& grant, const config::v1::Provider& provider, const RefreshOptions& options,
               double jitter, Time now) {
  // Whoever was to write how its request ended has not done so.
  if (grant.has_intent() && grant.intent().generation() == grant.generation()) return {Do::kRenew};
  if (now < FromMicros(grant.not_before_us())) return Reschedule(DueTime(grant, provider, jitter));
  const Time keep_alive = KeepAliveTime(grant, provider);
  if (keep_alive <= now) return {Do::kRenew};
  if (!options.ahead || !InUse(grant, options.active_window, now)) return Reschedule(keep_alive);
  if (now < RenewAheadTime(grant, 0)) return Reschedule(DueTime(grant, provider, jitter));
  return {Do::kRenew};
}

}  // namespace

DueStep NextDueStep(const Grant& grant, const config::v1::Provider* provider, const RefreshOptions& options,
                    double jitter, Time now) {
  if (grant.state() == Grant::STATE_REVOKED) return {Do::kRevoke};
  if (grant.state() == Grant::STATE_NEEDS_REAUTH) return NeedsReauth(grant, now);
  if (!IsRefreshable(grant)) return Reschedule(Time::max());
  if (grant.has_intent() && now < FromMicros(grant.intent().end_time_us())) return {Do::kLeave};
  if (provider == nullptr) return Reschedule(now + kUnknownProviderPause);
  if (grant.state() == Grant::STATE_ACTIVE) return Active(grant, *provider, options, jitter, now);
  const Time next = DueTime(grant, *provider, jitter);
  return next <= now ? DueStep{.kind = Do::kRenew, .due = {}} : Reschedule(next);
}

}  // namespace grantkeep
