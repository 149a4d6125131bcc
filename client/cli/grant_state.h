// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_GRANT_STATE_H_
#define GRANTKEEP_CLIENT_CLI_GRANT_STATE_H_

#include <string>

#include "grantkeep/v1/grant.pb.h"

namespace grantkeep::cli {

// A state_reason with what it means: "INVALID_GRANT: the provider no longer accepts the refresh token".
// A word that this version does not know stands alone.
std::string StateReason(const std::string& reason);

// What the grant's user has to do now, with the command that does it; empty when the service does not say.
std::string NextStep(const v1::Grant& grant);

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_GRANT_STATE_H_
