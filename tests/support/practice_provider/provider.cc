// SPDX-License-Identifier: Apache-2.0
#include "tests/support/practice_provider/provider.h"

#include <fmt/format.h>

#include <utility>

#include "tests/support/practice_provider/authorization_server.h"
#include "tests/support/practice_provider/http_server.h"

namespace grantkeep::practice {

// `server` belongs to the thread of `http`, which is joined first.
struct PracticeProvider::State {
  explicit State(ProviderOptions options) : server(std::move(options)) {}

  AuthorizationServer server;
  std::unique_ptr<HttpServer> http;
};

absl::StatusOr<std::unique_ptr<PracticeProvider>> PracticeProvider::Start(ProviderOptions options) {
  const uint16_t port = options.port;
  const std::optional<ServerCertificate> certificate = options.certificate;
  const std::string_view scheme = certificate.has_value() ? "https" : "http";
  auto state = std::make_unique<State>(std::move(options));
  const auto handle = [&server = state->server](const ServerRequest& request) {
    return server.Handle(request, std::chrono::steady_clock::now());
  };
  auto http = HttpServer::Start(port, handle, certificate);
  if (!http.ok()) return http.status();
  state->http = *std::move(http);
  return std::unique_ptr<PracticeProvider>(new PracticeProvider(std::move(state), scheme));
}

PracticeProvider::PracticeProvider(std::unique_ptr<State> state, std::string_view scheme)
    : state_(std::move(state)), issuer_(fmt::format("{}://127.0.0.1:{}", scheme, state_->http->port())) {
  state_->http->Run([this] { state_->server.set_issuer(issuer_); });
}

PracticeProvider::~PracticeProvider() = default;

uint16_t PracticeProvider::port() const { return state_->http->port(); }

void PracticeProvider::SetConsent(Consent consent) {
  state_->http->Run([&] { state_->server.options().consent = consent; });
}

void PracticeProvider::SetIss(IssMode iss) {
  state_->http->Run([&] { state_->server.options().iss = iss; });
}

void PracticeProvider::SetLatency(std::chrono::milliseconds latency) {
  state_->http->Run([&] { state_->server.options().latency = latency; });
}

void PracticeProvider::SetTokenPolicy(TokenPolicy policy) {
  state_->http->Run([&] { state_->server.ledger().set_policy(policy); });
}

bool PracticeProvider::SetClientSecrets(std::string_view client_id, const std::vector<std::string>& secrets) {
  return state_->http->Run([&] { return state_->server.clients().SetSecrets(client_id, secrets); });
}

void PracticeProvider::InjectFault(Fault fault) {
  state_->http->Run([&] { state_->server.faults().Push(fault); });
}

void PracticeProvider::InjectRevocationFault(Fault fault) {
  state_->http->Run([&] { state_->server.revocation_faults().Push(fault); });
}

void PracticeProvider::ClearFaults() {
  state_->http->Run([&] {
    state_->server.faults().Clear();
    state_->server.revocation_faults().Clear();
  });
}

void PracticeProvider::ExpireAccessTokens() {
  state_->http->Run([&] { state_->server.ledger().ExpireAccessTokens(); });
}

bool PracticeProvider::KillFamilyOf(std::string_view token) {
  return state_->http->Run([&] { return state_->server.ledger().KillFamilyOf(token); });
}

void PracticeProvider::KillAllFamilies() {
  state_->http->Run([&] { state_->server.ledger().KillAllFamilies(); });
}

std::optional<TokenLedger::AccessTokenFacts> PracticeProvider::FactsOf(std::string_view access_token) const {
  return state_->http->Run([&] { return state_->server.ledger().FactsOf(access_token); });
}

ProviderStats PracticeProvider::Stats() const {
  return state_->http->Run([&] { return state_->server.Stats(); });
}

std::vector<std::string> PracticeProvider::SecretsSeen() const {
  return state_->http->Run([&] {
    const auto& seen = state_->server.secrets_seen();
    return std::vector<std::string>(seen.begin(), seen.end());
  });
}

}  // namespace grantkeep::practice
