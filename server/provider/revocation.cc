// SPDX-License-Identifier: Apache-2.0
#include "provider/revocation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/reason.h"
#include "provider/record_revocation.h"
#include "provider/token_answer.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using Record = config::v1::Provider;
using config::v1::Revocation;
using Kind = RevocationOutcome::Kind;
using Manner = AuthenticatedPost::Manner;

// One token of a grant, as the provider is shown it.
struct Shown {
  std::string_view type;  // "refresh_token", "access_token"
  const Secret& token;
};

std::string Message(const Record& record, std::string_view what) {
  return fmt::format("provider '{}': revocation endpoint: {}", record.id(), what);
}

RevocationOutcome Refused(const Record& record, std::string_view what) {
  RevocationOutcome outcome;
  outcome.kind = Kind::kRefused;
  outcome.status = Error(Reason::kProviderError, Message(record, what));
  return outcome;
}

bool IsRfc7009(const Revocation& revocation) {
  return revocation.token_parameter().empty() && revocation.method() != Revocation::METHOD_DELETE &&
         revocation.body() != config::v1::TOKEN_REQUEST_BODY_JSON;
}

bool SaysAlreadyRevoked(const Record& record, std::string_view word) {
  const auto& words = record.revocation().already_revoked();
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Where every success says so in its body, silence is none.
bool SaysOk(const Record& record, const HttpResponse& response) {
  if (record.error_dialect() != config::v1::ERROR_DIALECT_OK_FALSE) return true;
  const auto body = JsonObject::Parse(response.body.Expose());
  const JsonMember* const ok = body.ok() ? body->Find("ok") : nullptr;
  return ok != nullptr && ok->type == JsonMember::Type::kBool && ok->boolean;
}

Manner MannerOf(const Revocation& revocation, const Secret& token) {
  Manner manner;
  if (revocation.method() == Revocation::METHOD_DELETE) manner.method = HttpRequest::Method::kDelete;
  manner.json = revocation.body() == config::v1::TOKEN_REQUEST_BODY_JSON;
  switch (revocation.authentication()) {
    case Revocation::AUTHENTICATION_CLIENT_SECRET_BASIC:
      manner.proof = Manner::Proof::kBasic;
      break;
    case Revocation::AUTHENTICATION_BEARER:
      manner.proof = Manner::Proof::kBearer;
      manner.bearer = token.Clone();
      break;
    case Revocation::AUTHENTICATION_NONE:
      manner.proof = Manner::Proof::kNone;
      break;
    default:
      break;
  }
  return manner;
}

FormParameters ParametersOf(const Revocation& revocation, const Shown& shown) {
  FormParameters parameters;
  const std::string& name = revocation.token_parameter();
  if (name == kNoTokenParameter) return parameters;
  parameters.Add(name.empty()                  ? "token"
                 : name == kTokenTypeParameter ? shown.type
                                               : std::string_view(name),
                 shown.token.Expose());
  if (IsRfc7009(revocation)) parameters.Add("token_type_hint", shown.type);
  return parameters;
}

// In the order in which they are revoked.
std::vector<Shown> Choose(const Revocation& revocation, const RevocableTokens& tokens) {
  std::vector<Shown> chosen;
  const Shown refresh{"refresh_token", tokens.refresh_token};
  const Shown access{"access_token", tokens.access_token};
  const bool both = revocation.token() == Revocation::TOKEN_BOTH;
  const bool access_alone = revocation.token() == Revocation::TOKEN_ACCESS;
  if (!access_alone && !refresh.token.empty()) chosen.push_back(refresh);
  if ((both || access_alone || chosen.empty()) && !access.token.empty()) chosen.push_back(access);
  return chosen;
}

awaitable<RevocationOutcome> RevokeOne(const Record& record, AuthenticatedPost& post, std::string endpoint,
                                       bool discovered, Shown shown, Tick deadline) {
  const FormParameters parameters = ParametersOf(record.revocation(), shown);
  const Manner manner = MannerOf(record.revocation(), shown.token);
  const AuthenticatedPost::Result result =
      co_await post.Send(std::move(endpoint), discovered, parameters, manner, deadline);
  if (result.prepared.ok()) co_return ParseRevocationAnswer(record, result.answer, result.sent_time);
  RevocationOutcome unsent;
  unsent.status = result.prepared;
  co_return unsent;
}

}  // namespace

awaitable<RevocationOutcome> RevokeTokens(const config::v1::Provider& record, AuthenticatedPost& post,
                                          std::string endpoint, bool discovered, RevocableTokens tokens,
                                          Tick deadline) {
  if (endpoint.empty()) co_return Refused(record, "there is none");
  if (!discovered) endpoint = WithClientId(endpoint, record.client().client_id());
  const std::vector<Shown> chosen = Choose(record.revocation(), tokens);
  if (chosen.empty()) co_return Refused(record, "there is no token of the sort that it takes");
  // The worst of them counts.
  RevocationOutcome worst;
  worst.kind = Kind::kRevoked;
  for (const Shown& shown : chosen) {
    std::string url = endpoint;
    RevocationOutcome one = co_await RevokeOne(record, post, std::move(url), discovered, shown, deadline);
    if (one.kind >= worst.kind) worst = std::move(one);
    if (worst.kind == Kind::kTryLater) break;
  }
  // A dead access token says nothing about the refresh token, which was not shown.
  const bool unshown =
      chosen.size() == 1 && chosen[0].type == "access_token" && !tokens.refresh_token.empty();
  if (worst.kind == Kind::kAlready && unshown) {
    co_return Refused(record, "the access token is dead, and it does not take refresh tokens");
  }
  co_return worst;
}

RevocationOutcome ParseRevocationAnswer(const config::v1::Provider& record, const HttpOutcome& answer,
                                        Time sent_time) {
  RevocationOutcome outcome;
  if (!answer.response.has_value()) {
    outcome.status = Error(
        answer.not_sent ? Reason::kProviderUnreachable : Reason::kProviderError,
        Message(record, std::string_view(answer.error.message().data(), answer.error.message().size())));
    return outcome;
  }
  const HttpResponse& response = *answer.response;
  const std::optional<OAuthError> error = ReadOAuthError(record, response);
  const bool success = response.status >= 200 && response.status <= 299;
  // Also for tokens that the provider does not know (RFC 7009 section 2.2); its body has no meaning.
  if (success && !error.has_value() && SaysOk(record, response)) {
    outcome.kind = Kind::kRevoked;
    return outcome;
  }
  if ((error.has_value() && SaysAlreadyRevoked(record, error->code)) ||
      SaysAlreadyRevoked(record, std::to_string(response.status))) {
    outcome.kind = Kind::kAlready;
    return outcome;
  }
  const std::string what = success ? "answered with an error" : fmt::format("answered {}", response.status);
  outcome.retry_after = ReadRetryAfter(response, sent_time);
  if (response.status == 429) {
    outcome.status = Error(Reason::kProviderThrottled, Message(record, what));
    return outcome;
  }
  const bool client =
      error.has_value() && (error->code == "invalid_client" || error->code == "unauthorized_client");
  outcome.status =
      Error(client ? Reason::kClientMisconfigured : Reason::kProviderError, Message(record, what));
  // A refusal by the rules (section 2.2.1) stays one. Words of its own with 200 may be about anything.
  if (!success && error.has_value() && !IsPassingError(error->code)) outcome.kind = Kind::kRefused;
  return outcome;
}

}  // namespace grantkeep
