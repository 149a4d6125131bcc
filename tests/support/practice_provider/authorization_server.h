// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_AUTHORIZATION_SERVER_H_
#define GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_AUTHORIZATION_SERVER_H_

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "crypto/random.h"
#include "tests/support/practice_provider/client_registry.h"
#include "tests/support/practice_provider/fault.h"
#include "tests/support/practice_provider/form.h"
#include "tests/support/practice_provider/http_server.h"
#include "tests/support/practice_provider/provider.h"
#include "tests/support/practice_provider/token_ledger.h"

namespace grantkeep::practice {

// Answers the provider's HTTP requests. No I/O, no threads: one owner at a time.
class AuthorizationServer {
 public:
  explicit AuthorizationServer(ProviderOptions options);

  // Must be called before the first request; the port is known only then.
  void set_issuer(std::string issuer) { issuer_ = std::move(issuer); }

  ServerReply Handle(const ServerRequest& request, Tick now);

  ProviderOptions& options() { return options_; }
  TokenLedger& ledger() { return ledger_; }
  FaultQueue& faults() { return faults_; }
  FaultQueue& revocation_faults() { return revocation_faults_; }
  ClientRegistry& clients() { return clients_; }
  ProviderStats Stats() const;
  const std::deque<std::string>& secrets_seen() const { return secrets_seen_; }

 private:
  // What the consent page decides on, under the page's one-time ticket.
  struct PendingConsent {
    Authorization authorization;
    std::string state;
  };

  // authorize_endpoint.cc
  ServerReply Authorize(const ServerRequest& request, Tick now);
  ServerReply Decide(const ServerRequest& request, Tick now);
  ServerReply Allow(const PendingConsent& pending, Tick now);
  ServerReply RedirectWithError(const std::string& redirect_uri, const std::string& state,
                                std::string_view error, std::string_view description) const;
  // 303 to `redirect_uri` with `answer`, `state` and `iss` added to its query.
  ServerReply Redirect(const std::string& redirect_uri, const std::string& state, Form answer) const;

  // token_endpoint.cc
  ServerReply Token(const ServerRequest& request, Tick now);
  ServerReply Process(const ServerRequest& request, const std::optional<Fault>& fault, Tick now,
                      TokenRequestRecord& record);
  Redemption Redeem(const Client& client, const Form& form, bool withhold_refresh_token, Tick now);
  ServerReply Revoke(const ServerRequest& request);
  ServerReply ProcessRevocation(const ServerRequest& request, const std::optional<Fault>& fault,
                                RevocationRecord& record);

  // control.cc
  ServerReply ShowStats() const;
  ServerReply Control(const ServerRequest& request);

  ServerReply Metadata() const;
  ServerReply Me(const ServerRequest& request, Tick now);
  void Remember(std::string_view secret);

  ProviderOptions options_;
  ClientRegistry clients_;
  SystemRandom random_;
  TokenLedger ledger_;
  FaultQueue faults_;
  FaultQueue revocation_faults_;
  std::string issuer_;
  std::map<std::string, PendingConsent> pending_;
  ProviderStats counters_;  // the counters that the ledger does not keep
  std::deque<std::shared_ptr<TokenRequestRecord>> log_;
  std::deque<RevocationRecord> revocations_;
  std::deque<std::string> secrets_seen_;
};

// 200 or `status` with a JSON body that is not to be stored (RFC 6749 section 5.1).
ServerReply JsonReply(int status, std::string body);
// An error of RFC 6749 section 5.2; 401 for invalid_client.
ServerReply ErrorReply(const OAuthError& error);
// The form of a POST, or the error to answer with.
std::variant<Form, OAuthError> ReadForm(const ServerRequest& request);

}  // namespace grantkeep::practice

#endif  // GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_AUTHORIZATION_SERVER_H_
