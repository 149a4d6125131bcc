// SPDX-License-Identifier: Apache-2.0
#include "tests/support/practice_provider/authorization_server.h"

#include <boost/json.hpp>
#include <utility>

namespace grantkeep::practice {
namespace {

constexpr size_t kSecretsKept = 10'000;
constexpr size_t kFamiliesShown = 1000;

ServerReply PlainReply(int status, std::string_view text) {
  return {.status = status, .headers = {{"Content-Type", "text/plain"}}, .body = std::string(text) + "\n"};
}

}  // namespace

ServerReply JsonReply(int status, std::string body) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          .body = std::move(body)};
}

ServerReply ErrorReply(const OAuthError& error) {
  const bool client = error.code == "invalid_client";
  ServerReply reply = JsonReply(client ? 401 : 400, boost::json::serialize(boost::json::object{
                                                        {"error", error.code},
                                                        {"error_description", error.description},
                                                    }));
  if (client) reply.headers.emplace_back("WWW-Authenticate", "Basic realm=\"practice\"");
  return reply;
}

std::variant<Form, OAuthError> ReadForm(const ServerRequest& request) {
  if (!request.content_type.starts_with("application/x-www-form-urlencoded")) {
    return OAuthError{"invalid_request", "the body must be application/x-www-form-urlencoded"};
  }
  auto form = Form::Parse(request.body);
  if (!form.has_value()) return OAuthError{"invalid_request", "broken percent-encoding"};
  if (form->Duplicated().has_value()) return OAuthError{"invalid_request", "a parameter appears twice"};
  return *std::move(form);
}

AuthorizationServer::AuthorizationServer(ProviderOptions options)
    : options_(std::move(options)), clients_(options_.clients), ledger_(random_, options_.tokens) {}

ServerReply AuthorizationServer::Handle(const ServerRequest& request, Tick now) {
  const std::string& path = request.path;
  if (request.method == "GET") {
    if (path == "/authorize") return Authorize(request, now);
    if (path == "/me") return Me(request, now);
    if (path == "/stats") return ShowStats();
    if (path == "/.well-known/oauth-authorization-server") return Metadata();
  } else if (request.method == "POST") {
    if (path == "/token") return Token(request, now);
    if (path == "/authorize") return Decide(request, now);
    if (path == "/revoke") return Revoke(request);
    if (path == "/control") return Control(request);
  }
  return PlainReply(404, "there is nothing here");
}

// RFC 8414 section 2.
ServerReply AuthorizationServer::Metadata() const {
  const boost::json::object metadata{
      {"issuer", issuer_},
      {"authorization_endpoint", issuer_ + "/authorize"},
      {"token_endpoint", issuer_ + "/token"},
      {"revocation_endpoint", issuer_ + "/revoke"},
      {"response_types_supported", {"code"}},
      {"response_modes_supported", {"query"}},
      {"grant_types_supported", {"authorization_code", "refresh_token"}},
      {"token_endpoint_auth_methods_supported", {"client_secret_basic", "client_secret_post", "none"}},
      {"code_challenge_methods_supported", {"S256"}},
      {"authorization_response_iss_parameter_supported", options_.advertise_iss},
  };
  return {.headers = {{"Content-Type", "application/json"}}, .body = boost::json::serialize(metadata)};
}

// A protected resource (RFC 6750): says whose token it was shown.
ServerReply AuthorizationServer::Me(const ServerRequest& request, Tick now) {
  ++counters_.resource_requests;
  constexpr std::string_view kScheme = "Bearer ";
  if (!request.authorization.starts_with(kScheme)) {
    ServerReply reply = PlainReply(401, "a bearer token is needed");
    reply.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"practice\"");
    return reply;
  }
  const auto token = ledger_.Introspect(std::string_view(request.authorization).substr(kScheme.size()), now);
  if (!token.has_value()) {
    ServerReply reply = PlainReply(401, "the token is not valid");
    reply.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"practice\", error=\"invalid_token\"");
    return reply;
  }
  return JsonReply(200, boost::json::serialize(boost::json::object{
                            {"sub", "practice-user"},
                            {"scope", JoinWords(token->scopes)},
                            {"family", token->family},
                            {"generation", token->generation},
                        }));
}

void AuthorizationServer::Remember(std::string_view secret) {
  if (secret.empty()) return;
  secrets_seen_.emplace_back(secret);
  if (secrets_seen_.size() > kSecretsKept) secrets_seen_.pop_front();
}

ProviderStats AuthorizationServer::Stats() const {
  ProviderStats stats = counters_;
  stats.reuse_detections = ledger_.reuse_detections();
  stats.code_replays = ledger_.code_replays();
  stats.live_families = ledger_.live_families();
  for (const auto& [id, family] : ledger_.families()) {
    if (stats.families.size() == kFamiliesShown) break;
    stats.families.push_back({id, family.live, family.generation, family.presented});
  }
  for (const auto& record : log_) stats.log.push_back(*record);
  stats.revocations.assign(revocations_.begin(), revocations_.end());
  return stats;
}

}  // namespace grantkeep::practice
