// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/reason.h"
#include "base/status_macros.h"
#include "provider/charset.h"
#include "provider/discovery.h"
#include "provider/json_object.h"
#include "provider/record.h"
#include "provider/uri.h"

namespace grantkeep {
namespace {

using Type = JsonMember::Type;

absl::Status Wrong(std::string_view member, std::string_view problem) {
  return Error(Reason::kProviderError, fmt::format("metadata: {} {}", member, problem));
}

bool IsJson(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  return LowerCase(type) == "application/json";
}

// Reads members of a document by name and type.
class Document {
 public:
  explicit Document(const JsonObject& object) : object_(object) {}

  absl::StatusOr<const JsonMember*> Optional(std::string_view name, Type type) const {
    const JsonMember* const member = object_.Find(name);
    if (member == nullptr) return nullptr;
    if (member->repeated) return Wrong(name, "is given twice");
    if (member->type != type) return Wrong(name, "has the wrong type");
    return member;
  }

  absl::StatusOr<const JsonMember*> Required(std::string_view name, Type type) const {
    ASSIGN_OR_RETURN(const JsonMember* member, Optional(name, type));
    if (member == nullptr) return Wrong(name, "is missing");
    return member;
  }

  // A list that must have `value` where it is given.
  absl::Status Lists(std::string_view name, std::string_view value, bool required) const {
    ASSIGN_OR_RETURN(const JsonMember* member,
                     required ? Required(name, Type::kStrings) : Optional(name, Type::kStrings));
    if (member == nullptr) return absl::OkStatus();
    const auto& strings = member->strings;
    const auto is_value = [&](const Secret& text) { return text.Expose() == value; };
    if (std::any_of(strings.begin(), strings.end(), is_value)) return absl::OkStatus();
    return Wrong(name, fmt::format("does not list {}", value));
  }

  absl::StatusOr<bool> Flag(std::string_view name) const {
    ASSIGN_OR_RETURN(const JsonMember* member, Optional(name, Type::kBool));
    return member != nullptr && member->boolean;
  }

  absl::StatusOr<std::string> Endpoint(std::string_view name, bool required, bool development) const {
    ASSIGN_OR_RETURN(const JsonMember* member,
                     required ? Required(name, Type::kString) : Optional(name, Type::kString));
    if (member == nullptr) return std::string();
    const std::string problem = ProblemWithEndpoint(member->text.Expose(), development);
    if (!problem.empty()) return Wrong(name, problem);
    return std::string(member->text.Expose());
  }

 private:
  const JsonObject& object_;
};

std::string_view MethodName(config::v1::ClientAuthentication authentication) {
  switch (authentication) {
    case config::v1::CLIENT_AUTHENTICATION_CLIENT_SECRET_POST:
      return "client_secret_post";
    case config::v1::CLIENT_AUTHENTICATION_NONE:
      return "none";
    default:
      return "client_secret_basic";
  }
}

bool DifferByASlash(std::string_view one, std::string_view other) {
  if (one.size() < other.size()) std::swap(one, other);
  return one.ends_with('/') && one.substr(0, one.size() - 1) == other;
}

absl::Status CheckCapabilities(const Document& document, const MetadataExpectation& expected) {
  RETURN_IF_ERROR(document.Lists("response_types_supported", "code", true));
  RETURN_IF_ERROR(document.Lists("grant_types_supported", "authorization_code", false));
  if (expected.pkce) RETURN_IF_ERROR(document.Lists("code_challenge_methods_supported", "S256", false));
  if (expected.client_authentication.has_value()) {
    RETURN_IF_ERROR(document.Lists("token_endpoint_auth_methods_supported",
                                   MethodName(*expected.client_authentication), false));
  }
  ASSIGN_OR_RETURN(const bool pushed, document.Flag("require_pushed_authorization_requests"));
  if (pushed) return Wrong("require_pushed_authorization_requests", "is not supported");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ServerMetadata> ParseMetadata(const MetadataExpectation& expected,
                                             std::string_view content_type, std::string_view body) {
  if (!IsJson(content_type)) return Wrong("the document", "is not application/json");
  if (body.size() > HttpClient::kMaxBody) return Wrong("the document", "is too large");
  const absl::StatusOr<JsonObject> object = JsonObject::Parse(body);
  if (!object.ok()) {
    return Wrong("the document",
                 std::string_view(object.status().message().data(), object.status().message().size()));
  }
  const Document document(*object);
  ASSIGN_OR_RETURN(const JsonMember* issuer, document.Required("issuer", Type::kString));
  if (issuer->text.Expose() != expected.issuer) {
    const std::string_view received = issuer->text.Expose();
    const bool showable = received.size() <= 200 && IsPrintableAscii(received);
    return Error(Reason::kIssuerMismatch,
                 fmt::format("metadata: issuer is '{}', expected '{}'{}",
                             showable ? received : "(unprintable)", expected.issuer,
                             DifferByASlash(received, expected.issuer)
                                 ? ": write the configured issuer with the same end, the slash counts"
                                 : ""));
  }
  RETURN_IF_ERROR(CheckCapabilities(document, expected));

  ServerMetadata metadata;
  metadata.issuer = expected.issuer;
  metadata.discovered = true;
  const bool development = expected.development;
  ASSIGN_OR_RETURN(metadata.authorization_endpoint,
                   document.Endpoint("authorization_endpoint", true, development));
  ASSIGN_OR_RETURN(metadata.token_endpoint, document.Endpoint("token_endpoint", true, development));
  ASSIGN_OR_RETURN(metadata.revocation_endpoint,
                   document.Endpoint("revocation_endpoint", false, development));
  ASSIGN_OR_RETURN(metadata.iss_parameter_supported,
                   document.Flag("authorization_response_iss_parameter_supported"));
  // It would decide what the request says.
  for (const std::string& name : QueryParameterNames(metadata.authorization_endpoint)) {
    if (IsProtocolParameter(name)) {
      return Wrong("authorization_endpoint", "has a protocol parameter in its query");
    }
  }
  return metadata;
}

}  // namespace grantkeep
