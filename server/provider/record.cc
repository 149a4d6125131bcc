// SPDX-License-Identifier: Apache-2.0
#include "provider/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/reason.h"
#include "base/status_macros.h"
#include "net/address.h"
#include "provider/charset.h"
#include "provider/uri.h"

namespace grantkeep {
namespace {

using config::v1::Provider;
using config::v1::SecretReference;
using google::protobuf::Duration;

constexpr size_t kMaxId = 128;
constexpr size_t kMaxText = 1024;
constexpr char kMissing[] = "is missing";

absl::Status CheckDuration(std::string_view field, const Duration& value, int64_t min_seconds,
                           int64_t max_seconds) {
  const bool below = value.seconds() < min_seconds;
  const bool above = value.seconds() > max_seconds || (value.seconds() == max_seconds && value.nanos() > 0);
  if (!below && !above) return absl::OkStatus();
  return FieldError(field, fmt::format("must be from {}s to {}s", min_seconds, max_seconds));
}

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

absl::Status CheckServerIdentity(const Provider& record, bool development) {
  const auto endpoint = [&](std::string_view field, const std::string& uri) {
    const std::string problem = uri.empty() ? "" : ProblemWithEndpoint(uri, development);
    return problem.empty() ? absl::OkStatus() : FieldError(field, problem);
  };
  RETURN_IF_ERROR(endpoint("authorization_endpoint", record.authorization_endpoint()));
  RETURN_IF_ERROR(endpoint("token_endpoint", record.token_endpoint()));
  RETURN_IF_ERROR(endpoint("revocation_endpoint", record.revocation_endpoint()));
  if (!record.issuer().empty()) {
    const std::string problem = ProblemWithIssuer(record.issuer(), development);
    if (!problem.empty()) return FieldError("issuer", problem);
  } else if (record.iss_parameter_supported()) {
    return FieldError("issuer", "is missing; iss_parameter_supported needs something to compare with");
  }

  const bool authorization = !record.authorization_endpoint().empty();
  const bool token = !record.token_endpoint().empty();
  if (!authorization && !token) {
    if (record.issuer().empty()) {
      return FieldError("issuer", "is missing, and so are authorization_endpoint and token_endpoint");
    }
    if (!record.revocation_endpoint().empty()) {
      return FieldError("revocation_endpoint", "is discovered where the other endpoints are");
    }
    return absl::OkStatus();
  }
  constexpr char kBoth[] = "is missing; give both endpoints, or the issuer alone to discover them";
  if (!authorization) return FieldError("authorization_endpoint", kBoth);
  if (!token) return FieldError("token_endpoint", kBoth);
  std::set<std::string> names;
  for (const std::string& name : QueryParameterNames(record.authorization_endpoint())) {
    if (IsProtocolParameter(name))
      return FieldError("authorization_endpoint", "has a protocol parameter in its query");
    if (record.authorization_parameters().contains(name) || !names.insert(name).second) {
      return FieldError("authorization_endpoint", "has a parameter in its query that is given twice");
    }
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
  return CheckDuration("request_timeout", record.request_timeout(), 1, 60);
}

absl::Status CheckLifetimes(const Provider& record) {
  constexpr int64_t kYear = 365 * 24 * 3600;
  if (record.rotation() == config::v1::ROTATION_GRACE) {
    if (!record.has_rotation_grace())
      return FieldError("rotation_grace", "is missing; rotation grace needs it");
    RETURN_IF_ERROR(CheckDuration("rotation_grace", record.rotation_grace(), 1, 24 * 3600));
  } else if (record.has_rotation_grace()) {
    return FieldError("rotation_grace", "is for rotation grace only");
  }
  if (!record.has_default_lifetime()) return absl::OkStatus();
  return CheckDuration("default_lifetime", record.default_lifetime(), 1, 10 * kYear);
}

absl::Status CheckAddresses(const Provider& record) {
  std::set<std::string_view> seen;
  for (int i = 0; i < record.redirect_uris_size(); ++i) {
    const std::string field = fmt::format("redirect_uris[{}]", i);
    const std::string problem = ProblemWithRedirectUri(record.redirect_uris(i));
    if (!problem.empty()) return FieldError(field, problem);
    if (!seen.insert(record.redirect_uris(i)).second) return FieldError(field, "is given twice");
  }
  for (int i = 0; i < record.allow_private_size(); ++i) {
    if (const auto block = CidrBlock::Parse(record.allow_private(i)); !block.ok()) {
      return FieldError(fmt::format("allow_private[{}]", i), "must be an address range like 10.0.0.0/8");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckStatic(const Provider& record) {
  // Whatever belongs to a flow would be silently without effect.
  const auto flowless = [](std::string_view field) {
    return FieldError(field, "has no meaning for a provider of kind static");
  };
  if (!record.issuer().empty()) return flowless("issuer");
  if (!record.authorization_endpoint().empty()) return flowless("authorization_endpoint");
  if (!record.token_endpoint().empty()) return flowless("token_endpoint");
  if (!record.revocation_endpoint().empty()) return flowless("revocation_endpoint");
  if (record.has_client()) return flowless("client");
  if (record.redirect_uris_size() > 0) return flowless("redirect_uris");
  if (!IsHeaderName(record.static_credential().header_name())) {
    return FieldError("static_credential.header_name", "must be the name of a header");
  }
  if (!IsHeaderValue(record.static_credential().value_prefix())) {
    return FieldError("static_credential.value_prefix", "must be printable ASCII");
  }
  return absl::OkStatus();
}

}  // namespace

void FillDefaults(Provider& record) {
  if (record.kind() == config::v1::PROVIDER_KIND_UNSPECIFIED)
    record.set_kind(config::v1::PROVIDER_KIND_OAUTH);
  if (record.kind() != config::v1::PROVIDER_KIND_OAUTH) return;
  if (record.client_authentication() == config::v1::CLIENT_AUTHENTICATION_UNSPECIFIED) {
    record.set_client_authentication(record.client().client_secrets_size() > 0
                                         ? config::v1::CLIENT_AUTHENTICATION_CLIENT_SECRET_BASIC
                                         : config::v1::CLIENT_AUTHENTICATION_NONE);
  }
  if (record.token_request_body() == config::v1::TOKEN_REQUEST_BODY_UNSPECIFIED) {
    record.set_token_request_body(config::v1::TOKEN_REQUEST_BODY_FORM);
  }
  if (record.pkce() == config::v1::PKCE_UNSPECIFIED) record.set_pkce(config::v1::PKCE_S256);
  if (record.rotation() == config::v1::ROTATION_UNSPECIFIED) record.set_rotation(config::v1::ROTATION_STRICT);
  if (record.error_dialect() == config::v1::ERROR_DIALECT_UNSPECIFIED) {
    record.set_error_dialect(config::v1::ERROR_DIALECT_RFC6749);
  }
  if (record.scope_separator().empty()) record.set_scope_separator(" ");
  if (record.answer_scope_separator().empty()) record.set_answer_scope_separator(record.scope_separator());
  if (record.scope_parameter().empty()) record.set_scope_parameter("scope");
  if (!record.has_request_timeout()) record.mutable_request_timeout()->set_seconds(20);
}

std::vector<absl::Status> ProblemsOf(const Provider& record, bool development) {
  std::vector<absl::Status> problems;
  const auto note = [&problems](absl::Status status) {
    if (!status.ok()) problems.push_back(std::move(status));
  };
  if (!IsProviderName(record.id())) {
    note(FieldError("id",
                    fmt::format("must be 1 to {} letters, digits, \".\", \"_\", \"-\" or \":\"", kMaxId)));
  }
  if (record.display_name().size() > kMaxId)
    note(FieldError("display_name", fmt::format("has more than {} bytes", kMaxId)));
  if (record.kind() == config::v1::PROVIDER_KIND_STATIC) {
    note(CheckStatic(record));
    return problems;
  }
  if (record.has_static_credential()) note(FieldError("static_credential", "is for kind static only"));
  note(CheckServerIdentity(record, development));
  note(CheckClient(record));
  note(CheckTokenRequests(record));
  note(CheckScopes(record));
  note(CheckParameters(record));
  if (record.pkce() == config::v1::PKCE_DISABLED &&
      record.client_authentication() == config::v1::CLIENT_AUTHENTICATION_NONE) {
    note(FieldError("pkce", "cannot be disabled for a client without a secret"));
  }
  note(CheckLifetimes(record));
  note(CheckAddresses(record));
  return problems;
}

absl::Status CheckRecord(const Provider& record, bool development) {
  const std::vector<absl::Status> problems = ProblemsOf(record, development);
  return problems.empty() ? absl::OkStatus() : problems.front();
}

}  // namespace grantkeep
