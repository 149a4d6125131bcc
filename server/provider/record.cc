// SPDX-License-Identifier: Apache-2.0
#include "provider/record.h"

#include <fmt/format.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/reason.h"
#include "base/status_macros.h"
#include "net/address.h"
#include "provider/charset.h"
#include "provider/record_requests.h"
#include "provider/record_revocation.h"
#include "provider/uri.h"
#include "provider/url_parts.h"

namespace grantkeep {
namespace {

using config::v1::Provider;
using google::protobuf::Duration;

constexpr size_t kMaxId = 128;

absl::Status CheckDuration(std::string_view field, const Duration& value, int64_t min_seconds,
                           int64_t max_seconds) {
  const bool below = value.seconds() < min_seconds;
  const bool above = value.seconds() > max_seconds || (value.seconds() == max_seconds && value.nanos() > 0);
  if (!below && !above) return absl::OkStatus();
  return FieldError(field, fmt::format("must be from {}s to {}s", min_seconds, max_seconds));
}

// A URL of the record without its parts, which may be anything that a host name may be.
std::string Example(const Provider& record, const std::string& url) {
  UrlParts parts;
  for (const auto& [name, part] : record.url_parts()) parts.emplace(name, "example");
  parts.emplace(std::string(kClientIdPart), "example");
  return ExpandUrl(url, parts);
}

absl::Status CheckServerIdentity(const Provider& record, bool development) {
  RETURN_IF_ERROR(CheckUrlPartRules(record));
  const auto endpoint = [&](std::string_view field, const std::string& uri) {
    const std::string problem = uri.empty() ? "" : ProblemWithEndpoint(Example(record, uri), development);
    return problem.empty() ? absl::OkStatus() : FieldError(field, problem);
  };
  RETURN_IF_ERROR(endpoint("authorization_endpoint", record.authorization_endpoint()));
  RETURN_IF_ERROR(endpoint("token_endpoint", record.token_endpoint()));
  RETURN_IF_ERROR(endpoint("revocation_endpoint", record.revocation_endpoint()));
  if (!record.issuer().empty()) {
    const std::string problem = ProblemWithIssuer(Example(record, record.issuer()), development);
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

absl::Status CheckTimeout(const Provider& record) {
  return CheckDuration("request_timeout", record.request_timeout(), 1, 60);
}

absl::Status CheckLifetimes(const Provider& record) {
  constexpr int64_t kDay = int64_t{24} * 3600;
  if (record.rotation() == config::v1::ROTATION_GRACE) {
    if (!record.has_rotation_grace())
      return FieldError("rotation_grace", "is missing; rotation grace needs it");
    RETURN_IF_ERROR(CheckDuration("rotation_grace", record.rotation_grace(), 1, kDay));
  } else if (record.has_rotation_grace()) {
    return FieldError("rotation_grace", "is for rotation grace only");
  }
  const bool repeat_is_harmless =
      record.rotation() == config::v1::ROTATION_NONE || record.rotation() == config::v1::ROTATION_KEEPS_OLD;
  if (record.in_doubt() == config::v1::IN_DOUBT_NEVER_RETRY && repeat_is_harmless) {
    return FieldError("in_doubt",
                      "never_retry makes no sense with rotation none or keeps_old: presenting such a refresh "
                      "token again does no harm");
  }
  if (record.has_default_lifetime()) {
    RETURN_IF_ERROR(CheckDuration("default_lifetime", record.default_lifetime(), 1, kDay * 3650));
  }
  if (!record.has_inactivity_limit()) return absl::OkStatus();
  if (record.inactivity_limit().nanos() != 0) return FieldError("inactivity_limit", "must be whole seconds");
  return CheckDuration("inactivity_limit", record.inactivity_limit(), 60, kDay * 3650);
}

absl::Status CheckBudget(const config::v1::RequestBudget& budget) {
  constexpr uint32_t kMaxPerSecond = 100'000;
  constexpr uint32_t kMaxConcurrent = 10'000;
  const auto at_most = [](std::string_view field, uint32_t value, uint32_t limit) {
    if (value <= limit) return absl::OkStatus();
    return FieldError(field, fmt::format("must be at most {}, is {}", limit, value));
  };
  RETURN_IF_ERROR(at_most("request_budget.per_second", budget.per_second(), kMaxPerSecond));
  return at_most("request_budget.concurrent", budget.concurrent(), kMaxConcurrent);
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
  if (!record.url_parts().empty()) return flowless("url_parts");
  if (!record.token_object().empty()) return flowless("token_object");
  if (record.in_doubt() != config::v1::IN_DOUBT_UNSPECIFIED) return flowless("in_doubt");
  if (record.has_request_budget()) return flowless("request_budget");
  if (record.has_inactivity_limit()) return flowless("inactivity_limit");
  if (record.has_revocation()) return flowless("revocation");
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
  for (absl::Status& problem : RequestProblemsOf(record)) note(std::move(problem));
  note(CheckRevocation(record));
  note(CheckTimeout(record));
  note(CheckLifetimes(record));
  note(CheckBudget(record.request_budget()));
  note(CheckAddresses(record));
  return problems;
}

absl::Status CheckRecord(const Provider& record, bool development) {
  const std::vector<absl::Status> problems = ProblemsOf(record, development);
  return problems.empty() ? absl::OkStatus() : problems.front();
}

}  // namespace grantkeep
