// SPDX-License-Identifier: Apache-2.0
#include "provider/record_requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "provider/charset.h"
#include "provider/record.h"

namespace grantkeep {
namespace {

using config::v1::Provider;
using config::v1::SecretReference;

constexpr size_t kMaxText = 1024;
constexpr char kMissing[] = "is missing";

absl::Status CheckSecretReference(const std::string& field, const SecretReference& reference) {
  switch (reference.source_case()) {
    case SecretReference::kEnv:
      if (IsVariableName(reference.env())) return absl::OkStatus();
      return FieldError(field + ".env", "must be the name of an environment variable");
    case SecretReference::kFile:
      return reference.file().empty() ? FieldError(field + ".file", kMissing) : absl::OkStatus();
    case SecretReference::kVault:
      if (reference.vault().tenant().empty()) return FieldError(field + ".vault.tenant", kMissing);
      if (reference.vault().name().empty()) return FieldError(field + ".vault.name", kMissing);
      return absl::OkStatus();
    case SecretReference::SOURCE_NOT_SET:
      break;
  }
  return FieldError(field, "must say where the secret is: env, file or vault");
}

absl::Status CheckClient(const Provider& record) {
  const auto& client = record.client();
  if (client.client_id().empty()) return FieldError("client.client_id", kMissing);
  if (client.client_id().size() > kMaxText || !IsPrintableAscii(client.client_id())) {
    return FieldError("client.client_id",
                      fmt::format("must be printable ASCII of at most {} bytes", kMaxText));
  }
  if (record.client_authentication() == config::v1::CLIENT_AUTHENTICATION_NONE) {
    if (client.client_secrets_size() > 0) {
      return FieldError("client.client_secrets", "are not used with client_authentication none");
    }
    return absl::OkStatus();
  }
  if (client.client_secrets_size() == 0) {
    return FieldError("client.client_secrets", "is missing; only client_authentication none needs no secret");
  }
  for (int i = 0; i < client.client_secrets_size(); ++i) {
    RETURN_IF_ERROR(
        CheckSecretReference(fmt::format("client.client_secrets[{}]", i), client.client_secrets(i)));
  }
  return absl::OkStatus();
}

absl::Status CheckParameters(const Provider& record) {
  for (const auto& [name, value] : record.authorization_parameters()) {
    const std::string field = fmt::format("authorization_parameters[\"{}\"]", name);
    if (!IsParameterName(name)) return FieldError("authorization_parameters", "has a malformed name");
    if (IsProtocolParameter(name)) return FieldError(field, "is a protocol parameter");
    if (value.empty() || value.size() > kMaxText) {
      return FieldError(field, fmt::format("must have from 1 to {} bytes", kMaxText));
    }
  }
  std::set<std::string_view> seen;
  for (int i = 0; i < record.optional_authorization_parameters_size(); ++i) {
    const std::string& name = record.optional_authorization_parameters(i);
    const std::string field = fmt::format("optional_authorization_parameters[{}]", i);
    if (!IsParameterName(name)) return FieldError(field, "is not a parameter name");
    if (IsProtocolParameter(name) || name == record.scope_parameter()) {
      return FieldError(field, "is a protocol parameter");
    }
    if (record.authorization_parameters().contains(name)) {
      return FieldError(field, "is in authorization_parameters already");
    }
    if (!seen.insert(name).second) return FieldError(field, "is given twice");
  }
  return absl::OkStatus();
}

absl::Status CheckScopes(const Provider& record) {
  static constexpr std::string_view kSeparators = " ,;+|";
  const auto separator = [](std::string_view field, const std::string& value) {
    if (value.size() == 1 && kSeparators.find(value) != std::string_view::npos) return absl::OkStatus();
    return FieldError(field, "must be one of space, comma, semicolon, plus or vertical bar");
  };
  RETURN_IF_ERROR(separator("scope_separator", record.scope_separator()));
  RETURN_IF_ERROR(separator("answer_scope_separator", record.answer_scope_separator()));
  const std::string& name = record.scope_parameter();
  const bool taken =
      name != "scope" && (IsProtocolParameter(name) || record.authorization_parameters().contains(name));
  if (!IsParameterName(name) || taken)
    return FieldError("scope_parameter", "is not the name of a free parameter");
  for (int i = 0; i < record.default_scopes_size(); ++i) {
    const std::string& scope = record.default_scopes(i);
    if (!IsScopeToken(scope) || scope.find(record.scope_separator()) != std::string::npos) {
      return FieldError(fmt::format("default_scopes[{}]", i), "is not a single scope");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTokenRequests(const Provider& record) {
  // These are set by the request itself.
  static constexpr std::array<std::string_view, 7> kOurs = {
      "authorization", "connection", "content-length", "content-type", "expect", "host", "transfer-encoding"};
  std::set<std::string> seen;
  for (const auto& [name, value] : record.token_request_headers()) {
    if (!IsHeaderName(name)) return FieldError("token_request_headers", "has a malformed name");
    const std::string field = fmt::format("token_request_headers[\"{}\"]", name);
    const std::string lower = LowerCase(name);
    if (std::find(kOurs.begin(), kOurs.end(), lower) != kOurs.end())
      return FieldError(field, "cannot be set");
    if (!seen.insert(lower).second) return FieldError(field, "is given twice");
    if (!IsHeaderValue(value)) return FieldError(field, "must be printable ASCII");
  }
  return absl::OkStatus();
}

absl::Status CheckTokenAnswers(const Provider& record) {
  static constexpr std::array<std::string_view, 8> kErrors = {
      "invalid_request",        "invalid_client", "invalid_grant",  "unauthorized_client",
      "unsupported_grant_type", "invalid_scope",  "invalid_target", "temporarily_unavailable"};
  for (const auto& [theirs, rfc] : record.error_aliases()) {
    if (!IsScopeToken(theirs)) return FieldError("error_aliases", "has a malformed error code");
    if (std::find(kErrors.begin(), kErrors.end(), rfc) == kErrors.end()) {
      return FieldError(fmt::format("error_aliases[\"{}\"]", theirs),
                        "must be an error code of RFC 6749 section 5.2");
    }
  }
  if (!record.token_object().empty() && !IsParameterName(record.token_object())) {
    return FieldError("token_object", "is not the name of a member");
  }
  return absl::OkStatus();
}

absl::Status CheckPkce(const Provider& record) {
  if (record.pkce() == config::v1::PKCE_DISABLED &&
      record.client_authentication() == config::v1::CLIENT_AUTHENTICATION_NONE) {
    return FieldError("pkce", "cannot be disabled for a client without a secret");
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<absl::Status> RequestProblemsOf(const Provider& record) {
  std::vector<absl::Status> problems;
  for (const auto check :
       {&CheckClient, &CheckTokenRequests, &CheckTokenAnswers, &CheckScopes, &CheckParameters, &CheckPkce}) {
    if (absl::Status problem = check(record); !problem.ok()) problems.push_back(std::move(problem));
  }
  return problems;
}

}  // namespace grantkeep
