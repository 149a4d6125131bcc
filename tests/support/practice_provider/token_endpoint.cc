// SPDX-License-Identifier: Apache-2.0
// The token endpoint (RFC 6749 sections 4.1.3, 5 and 6) with its faults, and the revocation
// endpoint (RFC 7009).
#include <boost/json.hpp>
#include <utility>

#include "tests/support/practice_provider/authorization_server.h"

namespace grantkeep::practice {
namespace {

bool Is(const std::optional<Fault>& fault, Fault::Kind kind) {
  return fault.has_value() && fault->kind == kind;
}

// Whether the request itself is carried out in spite of the fault.
bool TakesEffect(const std::optional<Fault>& fault) {
  if (!fault.has_value()) return true;
  switch (fault->kind) {
    case Fault::Kind::kServerError:
    case Fault::Kind::kReset:
    case Fault::Kind::kHang:
    case Fault::Kind::kHtml:
      return fault->after_processing;
    case Fault::Kind::kUnavailable:
    case Fault::Kind::kTooManyRequests:
    case Fault::Kind::kOAuthError:
      return false;
    case Fault::Kind::kTruncated:
    case Fault::Kind::kDropScope:
    case Fault::Kind::kDropExpiresIn:
    case Fault::Kind::kDropRefreshToken:
      return true;
  }
  return true;
}

// What the client gets instead of, or made of, the right answer.
ServerReply Spoil(const Fault& fault, ServerReply reply) {
  switch (fault.kind) {
    case Fault::Kind::kServerError:
      return {.status = 500, .headers = {{"Content-Type", "text/plain"}}, .body = "something broke\n"};
    case Fault::Kind::kHtml:
      return {.status = 200,
              .headers = {{"Content-Type", "text/html"}},
              .body = "<html><body>Hello</body></html>"};
    case Fault::Kind::kUnavailable:
    case Fault::Kind::kTooManyRequests: {
      ServerReply busy = fault.kind == Fault::Kind::kUnavailable ? JsonReply(503, "{}")
                                                                 : JsonReply(429, R"({"error":"slow_down"})");
      if (fault.retry_after.has_value()) {
        busy.headers.emplace_back("Retry-After", std::to_string(fault.retry_after->count()));
      }
      return busy;
    }
    case Fault::Kind::kOAuthError:
      return ErrorReply({fault.error, "as ordered"});
    case Fault::Kind::kReset:
      reply.wire = ServerReply::Wire::kReset;
      break;
    case Fault::Kind::kHang:
      reply.wire = ServerReply::Wire::kHang;
      break;
    case Fault::Kind::kTruncated:
      reply.wire = ServerReply::Wire::kTruncated;
      break;
    case Fault::Kind::kDropScope:
    case Fault::Kind::kDropExpiresIn:
    case Fault::Kind::kDropRefreshToken:
      break;
  }
  return reply;
}

std::string TokenBody(const IssuedTokens& tokens, const std::optional<Fault>& fault) {
  boost::json::object body{{"access_token", tokens.access_token}, {"token_type", "Bearer"}};
  if (tokens.refresh_token.has_value()) body["refresh_token"] = *tokens.refresh_token;
  if (tokens.expires_in.has_value() && !Is(fault, Fault::Kind::kDropExpiresIn)) {
    body["expires_in"] = tokens.expires_in->count();
  }
  if (!Is(fault, Fault::Kind::kDropScope)) body["scope"] = JoinWords(tokens.scopes);
  return boost::json::serialize(body);
}

}  // namespace

ServerReply AuthorizationServer::Token(const ServerRequest& request, Tick now) {
  ++counters_.token_requests;
  const std::optional<Fault> fault = faults_.Next();
  const auto logged = std::make_shared<TokenRequestRecord>();
  TokenRequestRecord& record = *logged;
  record.from = request.from;
  record.arrived = now;
  ServerReply reply = Process(request, fault, now, record);
  if (fault.has_value()) {
    ++counters_.faults_injected;
    record.fault = std::string(FaultName(fault->kind));
    if (fault->kind == Fault::Kind::kOAuthError) record.error = fault->error;
    reply = Spoil(*fault, std::move(reply));
  }
  reply = Translate(options_.dialect, record.grant_type, std::move(reply));
  const bool answered =
      reply.wire == ServerReply::Wire::kWhole || reply.wire == ServerReply::Wire::kTruncated;
  record.status = answered ? reply.status : 0;
  reply.delay = options_.latency;
  reply.on_answered = [logged] { logged->answered = std::chrono::steady_clock::now(); };
  log_.push_back(logged);
  if (log_.size() > options_.log_kept) log_.pop_front();
  return reply;
}

ServerReply AuthorizationServer::Process(const ServerRequest& request, const std::optional<Fault>& fault,
                                         Tick now, TokenRequestRecord& record) {
  const auto refuse = [&](const OAuthError& error) {
    record.error = error.code;
    return ErrorReply(error);
  };
  const auto form = ReadTokenRequest(options_.dialect, request);
  if (const auto* error = std::get_if<OAuthError>(&form)) return refuse(*error);
  const Form& body = std::get<Form>(form);
  for (const char* name : {"code", "code_verifier", "refresh_token", "client_secret"}) {
    Remember(body.Get(name).value_or(""));
  }
  record.grant_type = body.Get("grant_type").value_or("");
  if (record.grant_type == "authorization_code") ++counters_.code_requests;
  if (record.grant_type == "refresh_token") ++counters_.refresh_requests;
  const auto client = clients_.Authenticate(request.authorization, body);
  if (const auto* error = std::get_if<OAuthError>(&client)) return refuse(*error);
  Remember(std::get<const Client*>(client)->secret);
  for (const std::string& further : std::get<const Client*>(client)->further_secrets) Remember(further);
  if (!TakesEffect(fault)) return {};

  const bool withhold = Is(fault, Fault::Kind::kDropRefreshToken);
  const Redemption redemption = Redeem(*std::get<const Client*>(client), body, withhold, now);
  record.family = redemption.family;
  record.generation = redemption.generation;
  if (!redemption.tokens.has_value()) return refuse(redemption.error);
  ++counters_.tokens_granted;
  Remember(redemption.tokens->access_token);
  Remember(redemption.tokens->refresh_token.value_or(""));
  return JsonReply(200, TokenBody(*redemption.tokens, fault));
}

Redemption AuthorizationServer::Redeem(const Client& client, const Form& form, bool withhold_refresh_token,
                                       Tick now) {
  const std::string grant_type = form.Get("grant_type").value_or("");
  Redemption refused;
  if (grant_type == "authorization_code") {
    TokenLedger::CodeRequest request;
    request.code = form.Get("code").value_or("");
    request.client_id = client.id;
    request.redirect_uri = form.Get("redirect_uri").value_or("");
    request.code_verifier = form.Get("code_verifier").value_or("");
    request.resource = form.GetAll("resource");
    request.withhold_refresh_token = withhold_refresh_token;
    if (!request.code.empty()) return ledger_.RedeemCode(request, now);
    refused.error = {"invalid_request", "code is missing"};
  } else if (grant_type == "refresh_token") {
    TokenLedger::RefreshRequest request;
    request.refresh_token = form.Get("refresh_token").value_or("");
    request.client_id = client.id;
    request.scopes = SplitWords(form.Get("scope").value_or(""));
    request.withhold_refresh_token = withhold_refresh_token;
    if (!request.refresh_token.empty()) return ledger_.RedeemRefreshToken(request, now);
    refused.error = {"invalid_request", "refresh_token is missing"};
  } else {
    refused.error = {"unsupported_grant_type", "authorization_code and refresh_token are supported"};
  }
  return refused;
}

ServerReply AuthorizationServer::Revoke(const ServerRequest& request) {
  ++counters_.revocation_requests;
  const std::optional<Fault> fault = revocation_faults_.Next();
  RevocationRecord record;
  ServerReply reply = ProcessRevocation(request, fault, record);
  if (fault.has_value()) {
    ++counters_.faults_injected;
    record.fault = std::string(FaultName(fault->kind));
    reply = Spoil(*fault, std::move(reply));
  }
  const bool answered =
      reply.wire == ServerReply::Wire::kWhole || reply.wire == ServerReply::Wire::kTruncated;
  record.status = answered ? reply.status : 0;
  revocations_.push_back(std::move(record));
  if (revocations_.size() > options_.log_kept) revocations_.pop_front();
  return reply;
}

ServerReply AuthorizationServer::ProcessRevocation(const ServerRequest& request,
                                                   const std::optional<Fault>& fault,
                                                   RevocationRecord& record) {
  const auto form = ReadForm(request);
  if (const auto* error = std::get_if<OAuthError>(&form)) return ErrorReply(*error);
  const auto client = clients_.Authenticate(request.authorization, std::get<Form>(form));
  if (const auto* error = std::get_if<OAuthError>(&client)) return ErrorReply(*error);
  const auto token = std::get<Form>(form).Get("token");
  if (!token.has_value()) return ErrorReply({"invalid_request", "token is missing"});
  Remember(*token);
  record.family = ledger_.FamilyOf(*token);
  if (TakesEffect(fault)) {
    ledger_.Revoke(*token, std::get<const Client*>(client)->id);
    record.took_effect = true;
  }
  return {.status = 200, .headers = {{"Cache-Control", "no-store"}}, .body = ""};
}

}  // namespace grantkeep::practice
