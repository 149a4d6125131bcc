// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_TOKEN_ANSWER_H_
#define GRANTKEEP_PROVIDER_TOKEN_ANSWER_H_

#include <chrono>
#include <optional>
#include <string>

#include "grantkeep/config/v1/provider.pb.h"
#include "net/http_client.h"
#include "provider/json_object.h"

namespace grantkeep {

// An error answer of a token or revocation endpoint (RFC 6749 section 5.2) in a form that can be
// shown: characters outside the RFC's charset are gone, lengths are bounded.
struct OAuthError {
  std::string code;  // after the record's error_aliases
  std::string description;
};

// Pure: the error in an answer of the record's dialect: 4xx, or 200 too where errors come with 200.
// Nothing when there is none, when it is not in that dialect, or when it comes with 200 beside tokens.
std::optional<OAuthError> ReadOAuthError(const config::v1::Provider& record, const HttpResponse& response);

// Pure: Retry-After (RFC 9110 section 10.2.3) in seconds or as a date, at most an hour. A date is
// counted from the answer's own Date, or from `now`. Nothing when absent or malformed.
std::optional<std::chrono::seconds> ReadRetryAfter(const HttpResponse& response, Time now);

// Whether there is an access token or a refresh token directly in `object`, of whatever type.
bool HoldsTokens(const JsonObject& object);

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_TOKEN_ANSWER_H_
