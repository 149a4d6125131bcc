// SPDX-License-Identifier: Apache-2.0
// The authorization endpoint (RFC 6749 section 4.1.1, RFC 7636 section 4.3, RFC 9207).
#include <utility>

#include "tests/support/practice_provider/authorization_server.h"
#include "tests/support/practice_provider/pages.h"

namespace grantkeep::practice {
namespace {

constexpr size_t kPendingKept = 10'000;
constexpr size_t kChallengeSize = 43;  // SHA-256 in base64url

bool IsScopeToken(std::string_view word) {
  for (const char c : word) {
    if (c < 0x21 || c > 0x7e || c == '"' || c == '\\') return false;
  }
  return true;
}

// What is wrong with the PKCE parameters, or nothing.
std::string_view PkceProblem(const Form& form, bool required) {
  const auto challenge = form.Get("code_challenge");
  if (!challenge.has_value()) {
    if (form.Get("code_challenge_method").has_value()) return "code_challenge_method without code_challenge";
    return required ? "code_challenge is required" : "";
  }
  if (form.Get("code_challenge_method") != "S256") return "code_challenge_method must be S256";
  if (challenge->size() != kChallengeSize) return "code_challenge is not a SHA-256 in base64url";
  return "";
}

}  // namespace

ServerReply AuthorizationServer::Authorize(const ServerRequest& request, Tick now) {
  ++counters_.authorization_requests;
  const auto form = Form::Parse(request.query);
  if (!form.has_value()) return ErrorPage("the query is malformed");
  const auto duplicated = form->Duplicated();
  const auto client_id = form->Get("client_id");
  const Client* client = client_id.has_value() ? clients_.Find(*client_id) : nullptr;
  if (client == nullptr || duplicated == "client_id") return ErrorPage("client_id is unknown");
  const auto redirect_uri = form->Get("redirect_uri");
  if (!redirect_uri.has_value() || duplicated == "redirect_uri" ||
      !client->AllowsRedirectUri(*redirect_uri)) {
    return ErrorPage("redirect_uri is not registered for this client");
  }

  const std::string state = form->Get("state").value_or("");
  const auto refuse = [&](std::string_view error, std::string_view description) {
    return RedirectWithError(*redirect_uri, state, error, description);
  };
  if (duplicated.has_value()) return refuse("invalid_request", "a parameter appears twice");
  if (form->Get("response_type") != "code")
    return refuse("unsupported_response_type", "only code is supported");
  if (const auto problem = PkceProblem(*form, options_.pkce_required); !problem.empty()) {
    return refuse("invalid_request", problem);
  }

  PendingConsent pending;
  pending.authorization.client_id = client->id;
  pending.authorization.redirect_uri = *redirect_uri;
  pending.authorization.scopes = RequestedScopes(options_.dialect, *form);
  pending.authorization.resource = form->GetAll("resource");
  pending.authorization.code_challenge = form->Get("code_challenge").value_or("");
  pending.state = state;
  for (const std::string& scope : pending.authorization.scopes) {
    if (!IsScopeToken(scope)) return refuse("invalid_scope", "malformed scope");
  }

  switch (options_.consent) {
    case Consent::kAllow:
      return Allow(pending, now);
    case Consent::kDeny:
      return refuse("access_denied", "the user refused");
    case Consent::kPage:
      break;
  }
  if (pending_.size() == kPendingKept) pending_.clear();
  const std::string ticket = RandomToken(random_, 16);
  pending_[ticket] = pending;
  return ConsentPage(client->id, pending.authorization.scopes, *redirect_uri, ticket);
}

ServerReply AuthorizationServer::Decide(const ServerRequest& request, Tick now) {
  const auto form = ReadForm(request);
  if (const auto* error = std::get_if<OAuthError>(&form)) return ErrorPage(error->description);
  const auto pending = pending_.extract(std::get<Form>(form).Get("ticket").value_or(""));
  if (pending.empty()) return ErrorPage("the page was used before; start again");
  if (std::get<Form>(form).Get("decision") == "allow") return Allow(pending.mapped(), now);
  return RedirectWithError(pending.mapped().authorization.redirect_uri, pending.mapped().state,
                           "access_denied", "the user refused");
}

ServerReply AuthorizationServer::Allow(const PendingConsent& pending, Tick now) {
  Form answer;
  const std::string code = ledger_.IssueCode(pending.authorization, now);
  Remember(code);
  answer.Add("code", code);
  return Redirect(pending.authorization.redirect_uri, pending.state, std::move(answer));
}

ServerReply AuthorizationServer::RedirectWithError(const std::string& redirect_uri, const std::string& state,
                                                   std::string_view error,
                                                   std::string_view description) const {
  Form answer;
  answer.Add("error", std::string(error));
  answer.Add("error_description", std::string(description));
  return Redirect(redirect_uri, state, std::move(answer));
}

ServerReply AuthorizationServer::Redirect(const std::string& redirect_uri, const std::string& state,
                                          Form answer) const {
  if (!state.empty()) answer.Add("state", state);
  if (options_.iss == IssMode::kCorrect) answer.Add("iss", issuer_);
  if (options_.iss == IssMode::kWrong) answer.Add("iss", issuer_ + "/another");
  const char separator = redirect_uri.find('?') == std::string::npos ? '?' : '&';
  return {.status = 303,
          .headers = {{"Location", redirect_uri + separator + answer.Encode()},
                      {"Cache-Control", "no-store"},
                      {"Referrer-Policy", "no-referrer"}},
          .body = ""};
}

}  // namespace grantkeep::practice
