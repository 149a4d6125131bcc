// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_URI_H_
#define GRANTKEEP_PROVIDER_URI_H_

#include <string>
#include <string_view>
#include <vector>

namespace grantkeep {

// Each of these says what is wrong with a URI ("must be https"), or nothing when it is fine. The
// answer does not repeat the URI. URIs are RFC 3986 URIs of at most 2,048 bytes.

// An endpoint: absolute, https, no fragment (RFC 6749 section 3.1), no user information. In
// development also http to 127.0.0.1, [::1] or localhost.
std::string ProblemWithEndpoint(std::string_view uri, bool development);
// The same without a query (RFC 8414 section 2).
std::string ProblemWithIssuer(std::string_view uri, bool development);
// Absolute, no fragment, https (RFC 6749 section 3.1.2), or http to 127.0.0.1, [::1] or localhost
// (RFC 8252 section 7.3).
std::string ProblemWithRedirectUri(std::string_view uri);

// Whether `uri` is http to 127.0.0.1 or [::1].
bool IsLoopbackLiteral(std::string_view uri);
// Whether the two are equal, or both loopback literals that differ in the port alone.
bool RedirectUriMatches(std::string_view configured, std::string_view uri);

// Names of the parameters in the query of `uri`, form-decoded, in order.
std::vector<std::string> QueryParameterNames(std::string_view uri);

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_URI_H_
