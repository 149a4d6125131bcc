// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_FLOW_NEW_GRANT_H_
#define GRANTKEEP_FLOW_NEW_GRANT_H_

#include <string>

#include "base/clock.h"
#include "grantkeep/config/v1/provider.pb.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "provider/provider.h"
#include "telemetry/redact.h"

namespace grantkeep {

// What a sign-in leaves: the grant of a flow and of what the provider, whose record this is, has granted for
// its code (kGranted). `now` is store time. There is one such record for each grant, so it holds only what
// somebody reads.
Wiped<storage::v1::Grant> NewGrant(const storage::v1::Flow& flow, const TokenOutcome& outcome,
                                   const config::v1::Provider& record, std::string grant_id, Time now);

}  // namespace grantkeep

#endif  // GRANTKEEP_FLOW_NEW_GRANT_H_
