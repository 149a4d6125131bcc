// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "provider/charset.h"
#include "provider/record.h"

namespace grantkeep {

bool IsProtocolParameter(std::string_view name) {
  static constexpr std::array<std::string_view, 24> kProtocol = {"client_assertion",
                                                                 "client_assertion_type",
                                                                 "client_id",
                                                                 "client_secret",
                                                                 "code",
                                                                 "code_challenge",
                                                                 "code_challenge_method",
                                                                 "code_verifier",
                                                                 "dpop_jkt",
                                                                 "error",
                                                                 "grant_type",
                                                                 "iss",
                                                                 "login_hint",
                                                                 "nonce",
                                                                 "redirect_uri",
                                                                 "refresh_token",
                                                                 "registration",
                                                                 "request",
                                                                 "request_uri",
                                                                 "resource",
                                                                 "response_mode",
                                                                 "response_type",
                                                                 "scope",
                                                                 "state"};
  return std::find(kProtocol.begin(), kProtocol.end(), LowerCase(name)) != kProtocol.end();
}

}  // namespace grantkeep
