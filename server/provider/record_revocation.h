// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_RECORD_REVOCATION_H_
#define GRANTKEEP_PROVIDER_RECORD_REVOCATION_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "grantkeep/config/v1/provider.pb.h"

namespace grantkeep {

// Stands in revocation_endpoint for the client's id, which is percent-encoded there.
inline constexpr std::string_view kClientIdPart = "client_id";
// As revocation.token_parameter: none, or "refresh_token" or "access_token", whichever is sent.
inline constexpr std::string_view kNoTokenParameter = "-";
inline constexpr std::string_view kTokenTypeParameter = "{token_type}";

// What is wrong with the record's `revocation`, by field.
absl::Status CheckRevocation(const config::v1::Provider& record);

// An error code that is about us, or about now, and not about the token.
bool IsPassingError(std::string_view code);

// `url` with the client's id in its place. Only for URLs of the record itself.
std::string WithClientId(std::string_view url, std::string_view client_id);

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_RECORD_REVOCATION_H_
