// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_TOKEN_FAILURE_H_
#define GRANTKEEP_REFRESH_TOKEN_FAILURE_H_

#include "absl/status/status.h"
#include "base/ids.h"
#include "provider/provider.h"

namespace grantkeep {

// What callers are told of a token request that brought nothing usable: whose fault it is, without
// a time to come back. A refusal of what was presented is PROVIDER_ERROR here.
absl::Status FailureOf(const TokenOutcome& outcome, const ProviderId& provider);

// The provider refused our client, not what was presented (RFC 6749 section 5.2).
bool RefusesClient(const TokenOutcome& outcome);

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_TOKEN_FAILURE_H_
