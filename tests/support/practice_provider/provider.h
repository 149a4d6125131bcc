// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_PROVIDER_H_
#define GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_PROVIDER_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/support/practice_provider/client_registry.h"
#include "tests/support/practice_provider/dialect.h"
#include "tests/support/practice_provider/fault.h"
#include "tests/support/practice_provider/http_server.h"
#include "tests/support/practice_provider/token_ledger.h"

namespace grantkeep::practice {

// How the authorization endpoint gets the user's consent.
enum class Consent {
  kPage,   // a page with Allow and Deny, for a person
  kAllow,  // 303 back to the client at once
  kDeny,
};

// The `iss` parameter of authorization responses (RFC 9207).
enum class IssMode { kCorrect, kWrong, kAbsent };

struct ProviderOptions {
  uint16_t port = 0;  // 0: a free one
  TokenPolicy tokens;
  bool pkce_required = true;
  Consent consent = Consent::kPage;
  IssMode iss = IssMode::kCorrect;
  // Whether the metadata says that `iss` is sent.
  bool advertise_iss = true;
  // Before each answer of the token endpoint.
  std::chrono::milliseconds latency{0};
  std::vector<Client> clients;
  Dialect dialect = Dialect::kRfc6749;
  // For 127.0.0.1: https instead of http, for a service that is not in development mode.
  std::optional<ServerCertificate> certificate = {};
  size_t log_kept = 1000;
};

// One request to the token endpoint, without anything secret.
struct TokenRequestRecord {
  std::string grant_type;
  uint64_t family = 0;      // 0: unknown
  uint64_t generation = 0;  // of the refresh token presented; 0: none or unknown
  int status = 0;           // 0: no answer was sent
  std::string error;        // OAuth error code
  std::string fault;        // name of the fault that was injected
  std::string from;         // header From: which of several clients alike
  Tick arrived{};           // it takes effect then, too
  // When the answer had left; nothing: it has not yet.
  std::optional<Tick> answered = std::nullopt;
};

// One request to the revocation endpoint.
struct RevocationRecord {
  uint64_t family = 0;       // of the token; 0: unknown
  bool took_effect = false;  // also where the answer was lost
  int status = 0;            // 0: no answer was sent
  std::string fault;
};

struct FamilyStats {
  uint64_t id = 0;
  bool live = false;
  uint64_t generation = 0;
  // Refresh requests by the generation of the token presented; the last 1024 generations.
  std::map<uint64_t, uint64_t> presented;
};

struct ProviderStats {
  uint64_t authorization_requests = 0;
  uint64_t token_requests = 0;  // all of them, refused and faulty ones too
  uint64_t code_requests = 0;   // those with grant_type=authorization_code
  uint64_t refresh_requests = 0;
  uint64_t tokens_granted = 0;
  uint64_t faults_injected = 0;
  uint64_t revocation_requests = 0;
  uint64_t resource_requests = 0;
  uint64_t reuse_detections = 0;
  uint64_t code_replays = 0;
  uint64_t live_families = 0;
  // In the order of their creation; the first 1000.
  std::vector<FamilyStats> families;
  // The last ones (ProviderOptions::log_kept), oldest first.
  std::vector<TokenRequestRecord> log;
  std::vector<RevocationRecord> revocations;
};

// An OAuth 2.1 authorization server to practise against: RFC 8414 metadata, authorization code with
// PKCE, rotation with reuse detection, revocation, a protected resource (/me), and faults on
// demand. It serves http or https on 127.0.0.1 on a thread of its own; every method may be called
// from any other thread. GET /stats and POST /control offer the same over HTTP.
//
// It proves nothing about anyone: whoever reaches it may sign in, read the statistics and change
// its behaviour. For tests and demonstrations on one machine only.
class PracticeProvider {
 public:
  // Fails when the port cannot be had, or the certificate cannot be used.
  static absl::StatusOr<std::unique_ptr<PracticeProvider>> Start(ProviderOptions options);
  ~PracticeProvider();

  uint16_t port() const;
  // "http://127.0.0.1:PORT", or https; also the base of all endpoints.
  const std::string& issuer() const { return issuer_; }
  std::string authorization_endpoint() const { return issuer_ + "/authorize"; }
  std::string token_endpoint() const { return issuer_ + "/token"; }
  std::string revocation_endpoint() const { return issuer_ + "/revoke"; }
  std::string resource_endpoint() const { return issuer_ + "/me"; }

  void SetConsent(Consent consent);
  void SetIss(IssMode iss);
  void SetLatency(std::chrono::milliseconds latency);
  void SetTokenPolicy(TokenPolicy policy);
  // The secrets of a client, from now on; false when there is no such confidential client.
  bool SetClientSecrets(std::string_view client_id, const std::vector<std::string>& secrets);
  // Queues `fault` behind those still to come.
  void InjectFault(Fault fault);
  void ClearFaults();
  // The same at the revocation endpoint; ClearFaults() clears these, too.
  void InjectRevocationFault(Fault fault);
  void ExpireAccessTokens();
  // Kills the family of an access or refresh token; false when the token is unknown.
  bool KillFamilyOf(std::string_view token);
  void KillAllFamilies();

  // What is known of an access token that was issued; nothing when it was not.
  std::optional<TokenLedger::AccessTokenFacts> FactsOf(std::string_view access_token) const;

  ProviderStats Stats() const;
  // Every code, verifier, client secret, access and refresh token that went over the wire in either
  // direction (the last 10,000), for tests that search logs and files for them.
  std::vector<std::string> SecretsSeen() const;

 private:
  struct State;
  PracticeProvider(std::unique_ptr<State> state, std::string_view scheme);

  std::unique_ptr<State> state_;
  std::string issuer_;
};

}  // namespace grantkeep::practice

#endif  // GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_PROVIDER_H_
