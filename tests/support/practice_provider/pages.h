// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_PAGES_H_
#define GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_PAGES_H_

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/practice_provider/http_server.h"

namespace grantkeep::practice {

// Asks a person to allow or deny; the form posts `ticket` and `decision` ("allow", "deny") back.
ServerReply ConsentPage(std::string_view client_id, const std::vector<std::string>& scopes,
                        std::string_view redirect_uri, std::string_view ticket);

// Tells a person why the request cannot even be sent back to its client.
ServerReply ErrorPage(std::string_view message);

}  // namespace grantkeep::practice

#endif  // GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_PAGES_H_
