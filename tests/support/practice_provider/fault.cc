// SPDX-License-Identifier: Apache-2.0
#include "tests/support/practice_provider/fault.h"

#include <utility>

namespace grantkeep::practice {
namespace {

constexpr std::pair<Fault::Kind, std::string_view> kNames[] = {
    {Fault::Kind::kServerError, "server_error"},
    {Fault::Kind::kUnavailable, "unavailable"},
    {Fault::Kind::kReset, "reset"},
    {Fault::Kind::kHang, "hang"},
    {Fault::Kind::kHtml, "html"},
    {Fault::Kind::kTooManyRequests, "too_many_requests"},
    {Fault::Kind::kOAuthError, "oauth_error"},
    {Fault::Kind::kTruncated, "truncated"},
    {Fault::Kind::kDropScope, "drop_scope"},
    {Fault::Kind::kDropExpiresIn, "drop_expires_in"},
    {Fault::Kind::kDropRefreshToken, "drop_refresh_token"},
};

}  // namespace

std::string_view FaultName(Fault::Kind kind) {
  for (const auto& [known, name] : kNames) {
    if (known == kind) return name;
  }
  return "";
}

std::optional<Fault::Kind> FaultByName(std::string_view name) {
  for (const auto& [kind, known] : kNames) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

}  // namespace grantkeep::practice
