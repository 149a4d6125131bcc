// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_FLOW_RENEWED_GRANT_H_
#define GRANTKEEP_FLOW_RENEWED_GRANT_H_

#include <optional>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/ids.h"
#include "grantkeep/config/v1/provider.pb.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "provider/provider.h"
#include "telemetry/redact.h"
#include "vault/grants.h"

namespace grantkeep {

// A user who signs in again for a grant that there is. Pure functions.

// Whether the subject may sign in again at the provider for what was found: kGrantNotFound when that is
// nothing, another's or revoked, a wrong field "grant_id" when it is a grant at another provider.
absl::Status CheckRenewable(const std::optional<StoredGrant>& found, const SubjectId& subject,
                            const ProviderId& provider);

// What the sign-in makes of the grant: generation g+1, ACTIVE, with nothing left of what has failed. Id,
// subject and create_time stay; everything else is of the new sign-in (flow/new_grant.h).
//
// A sign-in that brings no refresh token (Google sends one only for the first consent) leaves the old one in
// use where it is good for all that is known: it belongs to the same server, and the grant was not
// NEEDS_REAUTH. The client is the same then, because a grant's client is its provider's. If the old one was
// presented and the outcome is not known, that goes on being so: its intent becomes one of the new
// generation, and the rules for a second presentation hold as before.
Wiped<storage::v1::Grant> RenewedGrant(const storage::v1::Grant& old, const storage::v1::Flow& flow,
                                       const TokenOutcome& outcome, const config::v1::Provider& record,
                                       Time now);

}  // namespace grantkeep

#endif  // GRANTKEEP_FLOW_RENEWED_GRANT_H_
