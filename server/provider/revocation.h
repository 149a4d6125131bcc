// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_REVOCATION_H_
#define GRANTKEEP_PROVIDER_REVOCATION_H_

#include <boost/asio/awaitable.hpp>
#include <string>

#include "provider/authenticated_post.h"
#include "provider/provider.h"

namespace grantkeep {

// See Provider::Revoke.
boost::asio::awaitable<RevocationOutcome> RevokeTokens(const config::v1::Provider& record,
                                                       AuthenticatedPost& post, std::string endpoint,
                                                       bool discovered, RevocableTokens tokens,
                                                       Tick deadline);

// Pure: reads the answer of a revocation endpoint.
RevocationOutcome ParseRevocationAnswer(const config::v1::Provider& record, const HttpOutcome& answer,
                                        Time sent_time);

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_REVOCATION_H_
