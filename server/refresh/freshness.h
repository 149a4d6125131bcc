// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_FRESHNESS_H_
#define GRANTKEEP_REFRESH_FRESHNESS_H_

#include "absl/status/status.h"
#include "base/clock.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "refresh/refresh.h"

namespace grantkeep {

// What to do with a request for a token, decided from the grant alone. Pure functions: the
// rules of serving, waiting and refusing stand here and nowhere else. Times are store time.

// A forced refresh (rejected_generation) is allowed once in this time for a grant.
inline constexpr Duration kForcedRefreshInterval = std::chrono::seconds(30);

// The access token can be presented: it has not expired, or its lifetime is unknown.
bool TokenIsValid(const storage::v1::Grant& grant, Time now);
// A refresh can succeed at all: there is a refresh token, and the provider has not refused it.
bool IsRefreshable(const storage::v1::Grant& grant);
// When the refresh-ahead window opens: 80 % of the lifetime. Time::max() when unknown.
Time RenewTime(const storage::v1::Grant& grant);

struct Decision {
  enum class Kind {
    kServe,          // answer with the token in hand
    kServeAndRenew,  // the same, and start a flight behind the answer
    kWait,           // a flight has to bring the answer
    kRefuse,         // `status` is the answer
  };
  Kind kind = Kind::kServe;
  Freshness freshness = Freshness::kFresh;
  absl::Status status;
};

// Whether the token may be served although the grant may have been changed elsewhere: it is valid, and
// the caller does not say that it is refused.
bool ServableUnverified(const storage::v1::Grant& grant, const RefreshRequest& request, Time now);

// Before a flight. An IN_DOUBT grant with a valid token is served without one: what attempts are
// left (grant_changes.h) are kept for when the token has expired.
Decision Decide(const storage::v1::Grant& grant, const RefreshRequest& request, Time now);
// After a flight that ended with `outcome`: a valid token is served whatever happened, an
// expired one never.
Decision DecideAfterFlight(const storage::v1::Grant& grant, const RefreshRequest& request,
                           const absl::Status& outcome, Time now);

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_FRESHNESS_H_
