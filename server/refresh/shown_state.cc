// SPDX-License-Identifier: Apache-2.0
#include "refresh/shown_state.h"

#include "refresh/freshness.h"

namespace grantkeep {

using storage::v1::Grant;

void ShowState(Grant& grant, Time now) {
  const bool alive = grant.state() == Grant::STATE_ACTIVE || grant.state() == Grant::STATE_IN_DOUBT;
  if (!alive || !grant.refresh_token().empty() || TokenIsValid(grant, now)) return;
  grant.set_state(Grant::STATE_NEEDS_REAUTH);
  grant.set_state_reason("NO_REFRESH_TOKEN");
  // Without an expiry there was no access token either, and nobody knows since when.
  grant.set_state_time_us(grant.expire_time_us());
}

}  // namespace grantkeep
