// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_AUTHORIZATION_URL_H_
#define GRANTKEEP_PROVIDER_AUTHORIZATION_URL_H_

#include <string>

#include "provider/provider.h"

namespace grantkeep {

// The URL that starts a flow, from a record with its defaults filled in. Parameters are
// form-urlencoded (RFC 6749 section 4.1.1) behind the query that the endpoint has already. No
// parameter but `resource` (RFC 8707 section 2) occurs twice: the first to come stays, in the
// order endpoint, protocol, record, caller. Empty values are left out (section 3.1).
std::string BuildAuthorizationUrl(const config::v1::Provider& record, const ServerMetadata& metadata,
                                  const AuthorizationRequest& request);

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_AUTHORIZATION_URL_H_
