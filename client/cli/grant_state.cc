// SPDX-License-Identifier: Apache-2.0
#include "client/cli/grant_state.h"

#include <fmt/format.h>

#include <string_view>

namespace grantkeep::cli {
namespace {

struct Meaning {
  std::string_view reason;
  std::string_view text;
};

constexpr Meaning kMeanings[] = {
    {"INVALID_GRANT", "the provider no longer accepts the refresh token"},
    {"IN_DOUBT", "the answer to a refresh was lost, and the provider allows no further one"},
    {"NO_ANSWER", "a refresh was sent and its outcome is not known"},
    {"NO_REFRESH_TOKEN", "the provider gave no refresh token, and the access token has expired"},
    {"RESTORED", "the store is a restored backup, and the provider may have replaced the token since"},
    {"CLONED", "the store is a copy, and the original uses the refresh token"},
    {"REVOKE_GRANT", "it was revoked with RevokeGrant"},
};

}  // namespace

std::string StateReason(const std::string& reason) {
  for (const Meaning& meaning : kMeanings) {
    if (meaning.reason == reason) return fmt::format("{}: {}", reason, meaning.text);
  }
  return reason;
}

std::string NextStep(const v1::Grant& grant) {
  switch (grant.next_step()) {
    case v1::NEXT_STEP_NONE:
      return "nothing: the service settles it by itself";
    case v1::NEXT_STEP_SIGN_IN:
      return fmt::format("sign in again; run: grantkeep login --grant {}", grant.grant_id());
    case v1::NEXT_STEP_NEW_GRANT:
      return fmt::format("it is gone; for a new one, run: grantkeep login {}", grant.provider());
    default:
      return "";
  }
}

}  // namespace grantkeep::cli
