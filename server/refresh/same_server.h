// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_SAME_SERVER_H_
#define GRANTKEEP_REFRESH_SAME_SERVER_H_

#include <string>

#include "absl/status/statusor.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "provider/provider.h"

namespace grantkeep {

// Where the codes and tokens of one sign-in may be sent.
struct TokenServer {
  std::string token_endpoint;
  std::string revocation_endpoint;  // empty: there is none
  bool discovered = false;          // they are untrusted URLs
};

// Codes and refresh tokens go to nobody but the server that the user signed in at. Its endpoints as
// they are configured now, or, of a discovered server, as they were at the sign-in. Fails when the
// provider (null: it is not configured any more) is static or another server by now: another issuer
// or, without one, another origin, or parts of its URLs that are not allowed any more, or one that is
// discovered but was configured, so that nobody knows the endpoints of then.
absl::StatusOr<TokenServer> ServerOf(const Provider* provider, const storage::v1::Flow& flow);
absl::StatusOr<TokenServer> ServerOf(const Provider* provider, const storage::v1::Grant& grant);

// Writes into a flow, from which its grant has it, what ServerOf needs to find the server again, and no more:
// the issuer and the url_parts; the endpoints of a discovered server; and the token endpoint of one that was
// configured without an issuer, for its origin. Other endpoints are taken from the configuration.
void KeepServer(const ServerMetadata& server, const UrlParts& parts, storage::v1::Flow& flow);

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_SAME_SERVER_H_
