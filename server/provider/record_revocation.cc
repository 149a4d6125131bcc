// SPDX-License-Identifier: Apache-2.0
#include "provider/record_revocation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/reason.h"
#include "provider/charset.h"

namespace grantkeep {
namespace {

using config::v1::Revocation;

bool IsStatus(std::string_view text) {
  return text.size() == 3 && text[0] == '4' &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

absl::Status CheckRevocation(const config::v1::Provider& record) {
  if (!record.has_revocation()) return absl::OkStatus();
  const Revocation& revocation = record.revocation();
  if (record.revocation_endpoint().empty() && !record.token_endpoint().empty()) {
    return FieldError("revocation_endpoint", "is missing; revocation needs it");
  }
  if (revocation.authentication() == Revocation::AUTHENTICATION_CLIENT_SECRET_BASIC &&
      record.client_authentication() == config::v1::CLIENT_AUTHENTICATION_NONE) {
    return FieldError("revocation.authentication",
                      "cannot be client_secret_basic for a client without a secret");
  }
  const std::string& parameter = revocation.token_parameter();
  static constexpr std::array<std::string_view, 3> kOurs = {"client_id", "client_secret", "token_type_hint"};
  if (parameter == kNoTokenParameter) {
    if (revocation.authentication() != Revocation::AUTHENTICATION_BEARER) {
      return FieldError("revocation.token_parameter",
                        "can be \"-\" with authentication bearer only; the request would have no token");
    }
  } else if (!parameter.empty() && parameter != kTokenTypeParameter &&
             (!IsParameterName(parameter) ||
              std::find(kOurs.begin(), kOurs.end(), parameter) != kOurs.end())) {
    return FieldError("revocation.token_parameter", "is not the name of a free parameter");
  }
  for (int i = 0; i < revocation.already_revoked_size(); ++i) {
    const std::string& word = revocation.already_revoked(i);
    const std::string field = fmt::format("revocation.already_revoked[{}]", i);
    if (!IsScopeToken(word)) return FieldError(field, "is not an error code or a status from 400 to 499");
    if (IsPassingError(word) || word == "429") return FieldError(field, "says nothing about the token");
    const bool number = word.find_first_not_of("0123456789") == std::string::npos;
    if (number && !IsStatus(word)) return FieldError(field, "must be a status from 400 to 499");
  }
  return absl::OkStatus();
}

bool IsPassingError(std::string_view code) {
  static constexpr std::array<std::string_view, 5> kPassing = {
      "invalid_client", "unauthorized_client", "temporarily_unavailable", "server_error", "slow_down"};
  return std::find(kPassing.begin(), kPassing.end(), code) != kPassing.end();
}

std::string WithClientId(std::string_view url, std::string_view client_id) {
  static constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  const std::string place = fmt::format("{{{}}}", kClientIdPart);
  std::string encoded;
  for (const char c : client_id) {
    if (kUnreserved.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  std::string whole(url);
  for (size_t at = whole.find(place); at != std::string::npos; at = whole.find(place, at + encoded.size())) {
    whole.replace(at, place.size(), encoded);
  }
  return whole;
}

}  // namespace grantkeep
