// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_SAME_SERVER_H_
#define GRANTKEEP_REFRESH_SAME_SERVER_H_

#include <string>

#include "absl/status/status.h"
#include "provider/provider.h"

namespace grantkeep {

// Codes and refresh tokens go to nobody but the server that the user signed in at. Fails when the
// provider as configured now (null: not any more) is static or another server than the one that
// `issuer` and `token_endpoint` were recorded for: another issuer or, without one, another origin.
absl::Status CheckSameServer(const Provider* provider, const std::string& id, const std::string& issuer,
                             const std::string& token_endpoint);

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_SAME_SERVER_H_
