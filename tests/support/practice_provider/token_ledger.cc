// SPDX-License-Identifier: Apache-2.0
#include "tests/support/practice_provider/token_ledger.h"

#include <algorithm>
#include <utility>

#include "crypto/digest.h"

namespace grantkeep::practice {
namespace {

bool IsSubset(const std::vector<std::string>& part, const std::vector<std::string>& whole) {
  return std::all_of(part.begin(), part.end(), [&](const std::string& item) {
    return std::find(whole.begin(), whole.end(), item) != whole.end();
  });
}

Redemption Refuse(std::string_view code, std::string_view description) {
  Redemption refused;
  refused.error = {std::string(code), std::string(description)};
  return refused;
}

bool VerifierMatches(const std::string& challenge, const std::string& verifier) {
  if (challenge.empty()) return verifier.empty();
  return ConstantTimeEquals(Base64UrlEncode(Sha256(verifier)), challenge);
}

}  // namespace

std::string TokenLedger::NewToken(std::string_view prefix) {
  return std::string(prefix) + RandomToken(random_, 24);
}

std::string TokenLedger::IssueCode(Authorization authorization, Tick now) {
  std::string code = NewToken("practice-code-");
  codes_.Insert(code, {std::move(authorization), now + kCodeLifetime, 0});
  return code;
}

IssuedTokens TokenLedger::IssueAccessToken(const Family& family, std::vector<std::string> scopes, Tick now) {
  IssuedTokens issued;
  issued.access_token = NewToken("practice-at-");
  issued.expires_in = policy_.access_token_lifetime;
  issued.scopes = scopes;
  AccessToken token{family.id, family.generation, next_access_token_++, std::nullopt, std::move(scopes)};
  if (issued.expires_in.has_value()) token.expires = now + *issued.expires_in;
  access_tokens_.Insert(issued.access_token, std::move(token));
  return issued;
}

void TokenLedger::IssueRefreshToken(Family& family) {
  family.current_refresh_token = NewToken("practice-rt-");
  refresh_tokens_.Insert(family.current_refresh_token, {family.id, family.generation, std::nullopt});
}

void TokenLedger::Kill(Family& family) {
  if (!family.live) return;
  family.live = false;
  --live_families_;
}

Redemption TokenLedger::RedeemCode(const CodeRequest& request, Tick now) {
  Code* code = codes_.Find(request.code);
  if (code == nullptr) return Refuse("invalid_grant", "unknown code");
  const Authorization& authorization = code->authorization;
  if (authorization.client_id != request.client_id) return Refuse("invalid_grant", "code of another client");
  if (authorization.redirect_uri != request.redirect_uri) {
    return Refuse("invalid_grant", "redirect_uri differs from the authorization request");
  }
  if (!VerifierMatches(authorization.code_challenge, request.code_verifier)) {
    return Refuse("invalid_grant", "code_verifier does not match");
  }
  if (code->family != 0) {
    ++code_replays_;
    Kill(families_.at(code->family));
    Redemption replay = Refuse("invalid_grant", "code was used before");
    replay.family = code->family;
    return replay;
  }
  if (now >= code->expires) return Refuse("invalid_grant", "code has expired");
  if (!IsSubset(request.resource, authorization.resource)) {
    return Refuse("invalid_target", "resource was not authorized");
  }

  code->family = families_.size() + 1;
  Family& family = families_[code->family];
  family.id = code->family;
  family.authorization = authorization;
  ++live_families_;
  Redemption granted;
  granted.family = family.id;
  granted.tokens = IssueAccessToken(family, authorization.scopes, now);
  if (!request.withhold_refresh_token) {
    IssueRefreshToken(family);
    granted.tokens->refresh_token = family.current_refresh_token;
  }
  return granted;
}

Redemption TokenLedger::Admit(RefreshToken& token, const RefreshRequest& request, Tick now) {
  Family& family = families_.at(token.family);
  if (family.authorization.client_id != request.client_id) {
    return Refuse("invalid_grant", "refresh token of another client");
  }
  ++family.presented[token.generation];
  if (family.presented.size() > Family::kPresentedKept) family.presented.erase(family.presented.begin());
  const auto refuse = [&](std::string_view code, std::string_view description) {
    Redemption refused = Refuse(code, description);
    refused.family = family.id;
    refused.generation = token.generation;
    return refused;
  };
  if (!family.live) return refuse("invalid_grant", "the grant was revoked");
  const bool in_grace = policy_.rotation == Rotation::kGrace && token.replaced.has_value() &&
                        now < *token.replaced + policy_.grace;
  if (token.replaced.has_value() && !in_grace) {
    ++reuse_detections_;
    Kill(family);
    return refuse("invalid_grant", "refresh token was used before; the grant is revoked");
  }
  if (!IsSubset(request.scopes, family.authorization.scopes)) {
    return refuse("invalid_scope", "scope exceeds the grant");
  }
  return refuse("", "");
}

Redemption TokenLedger::RedeemRefreshToken(const RefreshRequest& request, Tick now) {
  RefreshToken* token = refresh_tokens_.Find(request.refresh_token);
  if (token == nullptr) return Refuse("invalid_grant", "unknown refresh token");
  Redemption result = Admit(*token, request, now);
  if (!result.error.code.empty()) return result;

  Family& family = families_.at(token->family);
  ++family.generation;
  result.tokens =
      IssueAccessToken(family, request.scopes.empty() ? family.authorization.scopes : request.scopes, now);
  if (policy_.rotation == Rotation::kNone || request.withhold_refresh_token) return result;

  // A replaced token inside its grace gets what its first use got: the current one.
  if (!token->replaced.has_value()) {
    if (policy_.rotation != Rotation::kKeepsOld) token->replaced = now;
    IssueRefreshToken(family);
  }
  result.tokens->refresh_token = family.current_refresh_token;
  return result;
}

std::optional<TokenLedger::AccessInfo> TokenLedger::Introspect(std::string_view access_token,
                                                               Tick now) const {
  const AccessToken* token = access_tokens_.Find(access_token);
  if (token == nullptr || token->revoked || token->sequence < first_unexpired_) return std::nullopt;
  if (token->expires.has_value() && now >= *token->expires) return std::nullopt;
  if (!families_.at(token->family).live) return std::nullopt;
  return AccessInfo{token->family, token->generation, token->scopes};
}

std::optional<TokenLedger::AccessTokenFacts> TokenLedger::FactsOf(std::string_view access_token) const {
  const AccessToken* token = access_tokens_.Find(access_token);
  if (token == nullptr) return std::nullopt;
  const bool live =
      !token->revoked && token->sequence >= first_unexpired_ && families_.at(token->family).live;
  return AccessTokenFacts{token->family, token->generation, live, token->expires};
}

void TokenLedger::Revoke(std::string_view token, std::string_view client_id) {
  const auto is_clients = [&](uint64_t family) {
    return families_.at(family).authorization.client_id == client_id;
  };
  if (AccessToken* access = access_tokens_.Find(token); access != nullptr && is_clients(access->family)) {
    access->revoked = true;
  }
  if (RefreshToken* refresh = refresh_tokens_.Find(token);
      refresh != nullptr && is_clients(refresh->family)) {
    Kill(families_.at(refresh->family));
  }
}

uint64_t TokenLedger::FamilyOf(std::string_view token) const {
  if (const AccessToken* access = access_tokens_.Find(token); access != nullptr) return access->family;
  const RefreshToken* refresh = refresh_tokens_.Find(token);
  return refresh == nullptr ? 0 : refresh->family;
}

bool TokenLedger::KillFamilyOf(std::string_view token) {
  const AccessToken* access = access_tokens_.Find(token);
  const RefreshToken* refresh = refresh_tokens_.Find(token);
  if (access == nullptr && refresh == nullptr) return false;
  Kill(families_.at(access != nullptr ? access->family : refresh->family));
  return true;
}

void TokenLedger::KillAllFamilies() {
  for (auto& [id, family] : families_) Kill(family);
}

}  // namespace grantkeep::practice
