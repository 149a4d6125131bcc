// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_SCHEDULE_H_
#define GRANTKEEP_REFRESH_SCHEDULE_H_

#include "base/clock.h"
#include "grantkeep/config/v1/provider.pb.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "store/store.h"

namespace grantkeep {

// When a grant next needs work that nobody asks for: its entry in the due-index, which every commit of the
// grant sets anew. Pure functions; times are store time.

// Tokens are renewed ahead after this much of their lifetime. Spread, so that grants that were made together
// are not renewed together.
inline constexpr double kEarliestRenewal = 0.6;
inline constexpr double kLatestRenewal = 0.8;
// Of short lifetimes so much is left, if kEarliestRenewal allows: callers ask for tokens that are good for
// another 10 s, and the renewal takes its time, too.
inline constexpr Duration kLeftAtRenewal = std::chrono::seconds(15);
// A grant that nobody uses is refreshed after this much of what its provider allows it to be idle.
inline constexpr double kKeepAlive = 0.8;
// How long the refresh token of a grant that needs a sign-in is kept, for an outcome that comes late.
inline constexpr Duration kForgetRefreshToken = std::chrono::hours(24 * 7);

// When the access token is to be renewed; `jitter` from 0 to 1. Time::max() when its lifetime is unknown.
Time RenewAheadTime(const storage::v1::Grant& grant, double jitter);
// When a grant that nobody uses is to be refreshed all the same; Time::max(): never.
Time KeepAliveTime(const storage::v1::Grant& grant, const config::v1::Provider& provider);

// Of a grant in use:
//   ACTIVE: its renewal, or with an unknown lifetime its keep-alive, not before its backoff ends;
//   IN_DOUBT: when the next attempt is allowed, which may be the access token's expiry;
//   NEEDS_REAUTH: when its refresh token is to be forgotten;
//   REVOKED: the next try of its outbox.
// Time::max(): never.
Time DueTime(const storage::v1::Grant& grant, const config::v1::Provider& provider, double jitter);

// The entry that says so.
Write DueAt(const Key& key, Time due);

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_SCHEDULE_H_
