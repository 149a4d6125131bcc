// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_PROVIDER_H_
#define GRANTKEEP_PROVIDER_PROVIDER_H_

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/reason.h"
#include "crypto/secret.h"
#include "grantkeep/config/v1/provider.pb.h"
#include "net/http_client.h"
#include "provider/url_parts.h"

namespace grantkeep {

// Resolves a reference to a secret, at the time it is needed. Passed in by main, because vault
// references lead to a room that provider does not know. Fails naming the reference, never a value.
using SecretResolver = std::function<boost::asio::awaitable<absl::StatusOr<Secret>>(
    config::v1::SecretReference reference, Tick deadline)>;

// The endpoints of one authorization server, configured or discovered and validated.
struct ServerMetadata {
  std::string issuer;  // empty: the provider has none
  std::string authorization_endpoint;
  std::string token_endpoint;
  std::string revocation_endpoint;
  // The server sends `iss` on callbacks (RFC 9207 section 3).
  bool iss_parameter_supported = false;
  // Found by discovery: its endpoints are untrusted URLs.
  bool discovered = false;
};

// The parts of an authorization request that differ from call to call.
struct AuthorizationRequest {
  std::string state;
  std::string code_challenge;  // S256
  std::string redirect_uri;
  std::vector<std::string> scopes;
  std::vector<std::string> resource;
  std::string login_hint;
  std::map<std::string, std::string> extra_params;
};

// Tokens as a provider gave them.
struct TokenSet {
  Secret access_token;
  std::string token_type;                          // "Bearer" in some case
  std::optional<Secret> refresh_token;             // absent: keep the old one (RFC 6749 section 6)
  std::optional<std::chrono::seconds> expires_in;  // absent: unknown
  std::optional<std::vector<std::string>> scopes;  // absent: as requested (section 5.1)
};

// The outcome of a request to the token endpoint. `status` is OK only for kGranted with a usable
// access token; its message names field and provider and holds no value. When it is not OK,
// tokens.access_token is empty.
struct TokenOutcome {
  enum class Kind {
    kGranted,  // tokens were read; a new refresh token is here even if another field is unusable
    kNotSent,  // certain that the provider has seen nothing
    kRefused,  // 429, or an error in the provider's own dialect: nothing was consumed
    kInDoubt,  // anything else: reset, timeout, 5xx, truncated, oversized, unparsable
  };
  Kind kind = Kind::kInDoubt;
  TokenSet tokens;                // kGranted
  std::string error;              // kRefused: the OAuth error code, filtered to its charset; none with 429
  std::string error_description;  // kRefused: filtered, at most 200 bytes; never logged with tokens
  std::optional<std::chrono::seconds> retry_after;  // from Retry-After, at most 1 h
  absl::Status status;
  // Names the fields beside the access token that could not be read and count as absent
  // (refresh_token, expires_in, scope), and says when the answer had tokens that nobody keeps; empty
  // when there is nothing to say. For logs.
  std::string remark;
  Time sent_time;  // when the request was sent, by Clock::Now()

  // The refresh token or code is dead for good.
  bool invalid_grant() const { return kind == Kind::kRefused && error == "invalid_grant"; }
  // Refused with 429, whatever the answer says.
  bool throttled() const { return kind == Kind::kRefused && HasReason(status, Reason::kProviderThrottled); }
};

// The tokens of one grant; either may be empty.
struct RevocableTokens {
  Secret refresh_token;
  Secret access_token;
};

// What a provider made of a request to revoke. `status` is OK for kRevoked and kAlready; its message
// names the provider and holds no value.
struct RevocationOutcome {
  enum class Kind {
    kRevoked,   // it says so; also of tokens that it does not know (RFC 7009 section 2.2)
    kAlready,   // it says that they were dead before
    kRefused,   // no other try will be answered otherwise, or there is nobody to ask
    kTryLater,  // anything else: the tokens may be alive
  };
  Kind kind = Kind::kTryLater;
  absl::Status status;
  std::optional<std::chrono::seconds> retry_after;  // kTryLater: from Retry-After, at most 1 h

  bool confirmed() const { return kind == Kind::kRevoked || kind == Kind::kAlready; }
};

// One provider: its record, checked, and the few operations whose form the record decides.
// Immutable after Create; thread-safe but for the coroutines, which run on the loop.
class Provider {
 public:
  struct Dependencies {
    HttpClient& http;
    Clock& clock;
    SecretResolver resolve_secret;
    // Development: loopback redirect URIs and endpoints without https are accepted.
    bool development = false;
  };

  // Fails with the path of the field that is missing or wrong.
  static absl::StatusOr<std::unique_ptr<Provider>> Create(config::v1::Provider record,
                                                          Dependencies dependencies);
  ~Provider();

  const ProviderId& id() const;
  const config::v1::Provider& record() const;
  bool is_static() const;
  // Whether `uri` equals a configured redirect URI, a loopback IP literal with any port.
  bool AllowsRedirectUri(std::string_view uri) const;
  // Fails with the field "extra_params" when a name is a protocol parameter or not allowed.
  absl::Status CheckExtraParameters(const std::map<std::string, std::string>& extra_params) const;

  // The configured endpoints with `parts` in their places, or those discovered from the issuer,
  // cached for an hour, and for up to a day while they cannot be fetched anew; a failure is remembered
  // for 5 s. RFC 8414 section 3, OpenID Connect Discovery section 4.
  boost::asio::awaitable<absl::StatusOr<ServerMetadata>> Metadata(UrlParts parts, Tick deadline);
  // The configured ones alone. Requires an OAuth provider that is not discovered.
  ServerMetadata ConfiguredMetadata(const UrlParts& parts) const;
  bool is_discovered() const;
  // Whether requests can be authenticated: one of the client secrets can be read now. Always OK for a
  // public client. What cannot be read now but may be later is no kClientMisconfigured.
  boost::asio::awaitable<absl::Status> CheckClientSecrets(Tick deadline);

  // RFC 6749 section 4.1.1, RFC 7636 section 4.3. An existing query of the endpoint is kept.
  std::string AuthorizationUrl(const ServerMetadata& metadata, const AuthorizationRequest& request) const;

  // One authorization code exchange (RFC 6749 section 4.1.3) at `token_endpoint`. The client
  // secrets are tried in order on invalid_client only.
  boost::asio::awaitable<TokenOutcome> ExchangeCode(std::string token_endpoint, bool discovered, Secret code,
                                                    Secret code_verifier, const std::string& redirect_uri,
                                                    const std::vector<std::string>& resource, Tick deadline);
  // One refresh (RFC 6749 section 6). Never sends a second request, except with the next client
  // secret after invalid_client, which consumes nothing.
  boost::asio::awaitable<TokenOutcome> Refresh(std::string token_endpoint, bool discovered,
                                               Secret refresh_token, const std::string& redirect_uri,
                                               const std::vector<std::string>& resource, Tick deadline);
  // Ends a grant at the provider by its tokens, as the record says (RFC 7009 where it says nothing). Doing
  // so again does no harm. kRefused at once when there is no endpoint for it, or no token that it takes.
  boost::asio::awaitable<RevocationOutcome> Revoke(std::string revocation_endpoint, bool discovered,
                                                   RevocableTokens tokens, Tick deadline);

  // Longest time one request to the token endpoint may take.
  Duration request_timeout() const;

 private:
  struct State;
  explicit Provider(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// All providers of this process. Immutable after Create; thread-safe.
class Catalogue {
 public:
  // Overlays each record on the built-in one it names, and checks it. Fails on a duplicate id,
  // an unknown catalogue name, or an issuer that two providers share with different endpoints.
  static absl::StatusOr<std::unique_ptr<Catalogue>> Create(
      const google::protobuf::RepeatedPtrField<config::v1::Provider>& records,
      const Provider::Dependencies& dependencies);

  // Owned by the catalogue; null when there is none.
  Provider* Find(const ProviderId& id) const;
  std::vector<const Provider*> All() const;

  // The built-in records, by name: catalogue/*.yaml.
  static const std::map<std::string, config::v1::Provider>& BuiltIn();
  // `record` over the built-in one that it names, if it does. Fails with the field "catalogue", and the
  // name that was probably meant, when there is none of that name.
  static absl::StatusOr<config::v1::Provider> OverBuiltIn(config::v1::Provider record);

 private:
  std::map<ProviderId, std::unique_ptr<Provider>> providers_;
};

// The request that an answer is about.
enum class TokenRequestKind { kCodeExchange, kRefresh };

// Pure: reads the answer of a token endpoint (RFC 6749 section 5). Apart from the I/O, so that
// every shape of answer can be tested.
TokenOutcome ParseTokenAnswer(const config::v1::Provider& record, const HttpOutcome& answer, Time sent_time,
                              TokenRequestKind request = TokenRequestKind::kCodeExchange);

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_PROVIDER_H_
