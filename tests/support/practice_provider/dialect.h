// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_DIALECT_H_
#define GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_DIALECT_H_

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tests/support/practice_provider/client_registry.h"
#include "tests/support/practice_provider/form.h"
#include "tests/support/practice_provider/http_server.h"

namespace grantkeep::practice {

// The language of the authorization and token endpoints. Everything inside is RFC 6749; these are
// translated at the edge.
enum class Dialect {
  kRfc6749,
  // user_scope with commas; answers with status 200, "ok" and errors of its own; the token set of a
  // code in authed_user, that of a refresh at the top level.
  kSlackUser,
  // Token requests in JSON, and no form; answers without expires_in and scope, and with
  // "refresh_token": null where there is none.
  kNotion,
};

// The scopes of an authorization request.
std::vector<std::string> RequestedScopes(Dialect dialect, const Form& query);
// The form of a token request, or the error to answer with.
std::variant<Form, OAuthError> ReadTokenRequest(Dialect dialect, const ServerRequest& request);
// An answer of the token endpoint, said in RFC 6749, in `dialect`.
ServerReply Translate(Dialect dialect, std::string_view grant_type, ServerReply reply);

}  // namespace grantkeep::practice

#endif  // GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_DIALECT_H_
