// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_GRANT_CREDENTIALS_H_
#define GRANTKEEP_GRANT_CREDENTIALS_H_

#include <grpcpp/security/credentials.h>

#include <memory>

#include "grantkeep/token_source.h"

namespace grantkeep {

// Call credentials that attach a grant's token to gRPC calls, as `authorization: Bearer TOKEN`:
//
//   context.set_credentials(grantkeep::GrantCredentials(tokens));
//
// or for every call of a channel with grpc::CompositeChannelCredentials. As all call credentials, gRPC only
// sends them over a channel that is encrypted (or local).
//
// Each call takes the newest token. While that is in memory (GrantTokens::InMemory) nothing waits: the token
// is attached in the thread that begins the call. Otherwise a thread of gRPC's own waits for
// GrantTokens::Get(). When that fails the call does, too, and is not sent: with UNAVAILABLE whatever the
// reason, as gRPC makes it (1.51); the message has the reason's word ("NEEDS_REAUTH"), and GrantTokens::Get()
// the rest. A token that the API refuses is to be told to GrantTokens::Reject.
std::shared_ptr<grpc::CallCredentials> GrantCredentials(std::shared_ptr<GrantTokens> tokens);

}  // namespace grantkeep

#endif  // GRANTKEEP_GRANT_CREDENTIALS_H_
