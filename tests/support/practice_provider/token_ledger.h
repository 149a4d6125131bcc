// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_TOKEN_LEDGER_H_
#define GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_TOKEN_LEDGER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "crypto/random.h"
#include "tests/support/practice_provider/client_registry.h"
#include "tests/support/practice_provider/recent_map.h"

namespace grantkeep::practice {

// What happens to a refresh token that is used (RFC 6749 section 6, RFC 9700 section 4.14.2).
enum class Rotation {
  kNone,      // it stays, and the answer carries no refresh token
  kKeepsOld,  // a new one is issued and the old one goes on working
  kStrict,    // a new one is issued; the old one is dead at once, and its reuse kills the family
  kGrace,     // as kStrict, but until `grace` after its replacement the old one is answered with
              // the family's current refresh token and a new access token
};

struct TokenPolicy {
  Rotation rotation = Rotation::kStrict;
  std::chrono::seconds grace = std::chrono::seconds(0);
  // Nothing: access tokens never expire and answers carry no expires_in.
  std::optional<std::chrono::seconds> access_token_lifetime = std::chrono::seconds(3600);
};

// What a user has agreed to; a code stands for it until it is redeemed.
struct Authorization {
  std::string client_id;
  std::string redirect_uri;
  std::vector<std::string> scopes;
  std::vector<std::string> resource;
  std::string code_challenge;  // S256; empty: the request had none
};

struct IssuedTokens {
  std::string access_token;
  std::optional<std::string> refresh_token;
  std::optional<std::chrono::seconds> expires_in;
  std::vector<std::string> scopes;
};

// The outcome of a token request: tokens, or an error.
struct Redemption {
  std::optional<IssuedTokens> tokens;
  OAuthError error;
  // The family concerned and the generation of the refresh token that was presented; 0: unknown.
  uint64_t family = 0;
  uint64_t generation = 0;
};

// All tokens that descend from one code.
struct Family {
  uint64_t id = 0;
  bool live = true;
  // Counts granted token sets, from 1.
  uint64_t generation = 1;
  Authorization authorization;
  std::string current_refresh_token;
  // How often a refresh token of each generation was presented; the last kPresentedKept generations.
  std::map<uint64_t, uint64_t> presented;
  static constexpr size_t kPresentedKept = 1024;
};

// Who gets which token for what: the rules of an authorization server without its I/O. Remembers
// the last 2^18 tokens of each sort; an older one is unknown to it. Not thread-safe.
class TokenLedger {
 public:
  static constexpr size_t kRemembered = size_t{1} << 18;
  static constexpr std::chrono::seconds kCodeLifetime{60};

  TokenLedger(Random& random, TokenPolicy policy) : random_(random), policy_(policy) {}

  const TokenPolicy& policy() const { return policy_; }
  // For tokens issued and redeemed from now on.
  void set_policy(TokenPolicy policy) { policy_ = policy; }

  std::string IssueCode(Authorization authorization, Tick now);

  struct CodeRequest {
    std::string code;
    std::string client_id;
    std::string redirect_uri;
    std::string code_verifier;
    std::vector<std::string> resource;
    // Issue no refresh token.
    bool withhold_refresh_token = false;
  };
  // RFC 6749 section 4.1.3, RFC 7636 section 4.6. A failed attempt leaves the code as it was; a
  // second use by who could have used it first kills the family (OAuth 2.1 section 7.5.2).
  Redemption RedeemCode(const CodeRequest& request, Tick now);

  struct RefreshRequest {
    std::string refresh_token;
    std::string client_id;
    std::vector<std::string> scopes;  // empty: as granted
    // Treat this one request as Rotation::kNone.
    bool withhold_refresh_token = false;
  };
  Redemption RedeemRefreshToken(const RefreshRequest& request, Tick now);

  struct AccessInfo {
    uint64_t family;
    uint64_t generation;
    std::vector<std::string> scopes;
  };
  // Nothing when the token is unknown, expired, revoked, or its family dead.
  std::optional<AccessInfo> Introspect(std::string_view access_token, Tick now) const;

  struct AccessTokenFacts {
    uint64_t family = 0;
    uint64_t generation = 0;
    bool live = false;            // neither revoked nor of a dead family
    std::optional<Tick> expires;  // nothing: never by itself
  };
  // Nothing when the token is unknown.
  std::optional<AccessTokenFacts> FactsOf(std::string_view access_token) const;

  // RFC 7009: a refresh token takes its family with it, an access token only itself. A token of
  // another client, or an unknown one, changes nothing.
  void Revoke(std::string_view token, std::string_view client_id);

  // The family of a token of either sort; 0: unknown.
  uint64_t FamilyOf(std::string_view token) const;

  // Every access token issued so far is expired from now on.
  void ExpireAccessTokens() { first_unexpired_ = next_access_token_; }
  // Kills the family that `token` (of either sort) belongs to; false when there is none.
  bool KillFamilyOf(std::string_view token);
  void KillAllFamilies();

  // Replaced refresh tokens that were presented outside any grace.
  uint64_t reuse_detections() const { return reuse_detections_; }
  // Codes that were presented a second time.
  uint64_t code_replays() const { return code_replays_; }
  uint64_t live_families() const { return live_families_; }
  const std::map<uint64_t, Family>& families() const { return families_; }

 private:
  struct Code {
    Authorization authorization;
    Tick expires;
    uint64_t family = 0;  // 0: not used yet
  };
  struct RefreshToken {
    uint64_t family;
    uint64_t generation;
    std::optional<Tick> replaced;
  };
  struct AccessToken {
    uint64_t family;
    uint64_t generation;
    uint64_t sequence;
    std::optional<Tick> expires;
    std::vector<std::string> scopes;
    bool revoked = false;
  };

  std::string NewToken(std::string_view prefix);
  IssuedTokens IssueAccessToken(const Family& family, std::vector<std::string> scopes, Tick now);
  void IssueRefreshToken(Family& family);
  void Kill(Family& family);
  // The family of a presented refresh token, or the error to answer with.
  Redemption Admit(RefreshToken& token, const RefreshRequest& request, Tick now);

  Random& random_;
  TokenPolicy policy_;
  RecentMap<Code> codes_{kRemembered};
  RecentMap<RefreshToken> refresh_tokens_{kRemembered};
  RecentMap<AccessToken> access_tokens_{kRemembered};
  std::map<uint64_t, Family> families_;
  uint64_t next_access_token_ = 0;
  uint64_t first_unexpired_ = 0;
  uint64_t reuse_detections_ = 0;
  uint64_t code_replays_ = 0;
  uint64_t live_families_ = 0;
};

}  // namespace grantkeep::practice

#endif  // GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_TOKEN_LEDGER_H_
