// SPDX-License-Identifier: Apache-2.0
#include "refresh/grant_changes.h"

#include <algorithm>

#include "refresh/freshness.h"

namespace grantkeep {
namespace {

using std::chrono::seconds;
using storage::v1::Grant;

// Taken off a grace period: clocks are not exact, and the provider counts from its own receipt.
constexpr Duration kGraceMargin = seconds(2);
constexpr Duration kFirstBackoff = seconds(1);
constexpr Duration kMaxBackoff = seconds(60);

bool InsideGrace(const Grant& grant, const config::v1::Provider& provider, Duration call_limit, Time now) {
  if (provider.rotation() != config::v1::ROTATION_GRACE) return false;
  const Duration grace =
      seconds(provider.rotation_grace().seconds()) +
      std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(provider.rotation_grace().nanos()));
  const Duration age = now - FromMicros(grant.intent().first_time_us());
  return age >= Duration(0) && age + call_limit < grace - kGraceMargin;
}

bool HasIntent(const Grant& grant) {
  return grant.has_intent() && grant.intent().generation() == grant.generation();
}

Duration Backoff(uint32_t failures, double jitter) {
  const uint32_t doublings = std::min<uint32_t>(failures, 6);
  const Duration base = std::min(kFirstBackoff * (1 << doublings), kMaxBackoff);
  return std::chrono::duration_cast<Duration>(base * (0.8 + 0.4 * jitter));
}

void BackOff(Grant& grant, const TokenOutcome& outcome, double jitter, Time now) {
  Duration wait = Backoff(grant.failures(), jitter);
  // While the token is valid there is still time for more than one try.
  if (grant.expire_time_us() != 0 && TokenIsValid(grant, now)) {
    const Duration left = FromMicros(grant.expire_time_us()) - now;
    wait = std::min(wait, std::max(kFirstBackoff, left / 4));
  }
  if (outcome.retry_after.has_value()) wait = std::max<Duration>(wait, *outcome.retry_after);
  grant.set_failures(grant.failures() + 1);
  grant.set_not_before_us(ToMicros(now + wait));
}

void WriteRefreshToken(Grant& grant, const TokenSet& tokens) {
  if (!tokens.refresh_token.has_value()) return;
  grant.set_refresh_token(tokens.refresh_token->Expose().data(), tokens.refresh_token->size());
}

}  // namespace

bool RepeatIsHarmless(const config::v1::Provider& provider) {
  return provider.rotation() == config::v1::ROTATION_NONE ||
         provider.rotation() == config::v1::ROTATION_KEEPS_OLD;
}

bool NeverRepeats(const config::v1::Provider& provider) {
  return provider.in_doubt() == config::v1::IN_DOUBT_NEVER_RETRY;
}

Presentation MayPresent(const Grant& grant, const config::v1::Provider& provider, Duration call_limit,
                        bool forced, Time now) {
  if (!HasIntent(grant) || RepeatIsHarmless(provider)) return Presentation::kAllowed;
  if (grant.intent().last_attempt()) return Presentation::kNever;
  const bool never = NeverRepeats(provider);
  if (!never && InsideGrace(grant, provider, call_limit, now)) return Presentation::kAllowed;
  if (TokenIsValid(grant, now) && !forced) return Presentation::kNotWhileValid;
  return never ? Presentation::kNever : Presentation::kLast;
}

void RecordIntent(Grant& grant, const std::string& owner, Duration call_limit, bool last_attempt, bool forced,
                  Time now) {
  const bool again = HasIntent(grant);
  storage::v1::RefreshIntent& intent = *grant.mutable_intent();
  intent.set_attempt(again ? intent.attempt() + 1 : 1);
  if (!again) intent.set_first_time_us(ToMicros(now));
  intent.set_generation(grant.generation());
  intent.set_end_time_us(ToMicros(now + call_limit));
  intent.set_owner(owner);
  intent.set_last_attempt(last_attempt);
  if (forced) grant.set_forced_time_us(ToMicros(now));
}

void WriteTokens(Grant& grant, const TokenOutcome& outcome, const config::v1::Provider& provider) {
  const TokenSet& tokens = outcome.tokens;
  WriteRefreshToken(grant, tokens);
  grant.set_generation(grant.generation() + 1);
  grant.set_access_token(tokens.access_token.Expose().data(), tokens.access_token.size());
  grant.set_token_type(tokens.token_type);
  grant.set_issue_time_us(ToMicros(outcome.sent_time));
  const Duration lifetime = tokens.expires_in.value_or(seconds(provider.default_lifetime().seconds()));
  grant.set_expire_time_us(lifetime > Duration(0) ? ToMicros(outcome.sent_time + lifetime) : 0);
  if (tokens.scopes.has_value()) grant.mutable_scopes()->Assign(tokens.scopes->begin(), tokens.scopes->end());
}

void InstallTokens(Grant& grant, const TokenOutcome& outcome, const config::v1::Provider& provider,
                   Time now) {
  grant.clear_intent();
  if (outcome.status.ok()) {
    WriteTokens(grant, outcome, provider);
    grant.set_failures(0);
    grant.clear_not_before_us();
  } else {
    WriteRefreshToken(grant, outcome.tokens);
    grant.set_generation(grant.generation() + 1);
    BackOff(grant, outcome, 0.5, now);
  }
  if (grant.state() != Grant::STATE_ACTIVE) EnterState(grant, Grant::STATE_ACTIVE, "", now);
}

Grant::State RecordFailure(Grant& grant, const Grant& before, const TokenOutcome& outcome,
                           const config::v1::Provider& provider, double jitter, Time now) {
  const bool doubtful = HasIntent(before) && !RepeatIsHarmless(provider);
  const bool last_attempt = grant.intent().last_attempt();
  if (outcome.invalid_grant()) {
    grant.clear_intent();
    EnterState(grant, Grant::STATE_NEEDS_REAUTH, doubtful ? "IN_DOUBT" : "INVALID_GRANT", now);
  } else if (outcome.kind == TokenOutcome::Kind::kInDoubt && !RepeatIsHarmless(provider)) {
    if (last_attempt || (NeverRepeats(provider) && !TokenIsValid(grant, now))) {
      grant.clear_intent();
      EnterState(grant, Grant::STATE_NEEDS_REAUTH, "IN_DOUBT", now);
    } else {
      // The call is over: whoever may present the token again need not wait for its limit.
      grant.mutable_intent()->set_end_time_us(ToMicros(now));
      EnterState(grant, Grant::STATE_IN_DOUBT, "NO_ANSWER", now);
    }
  } else {
    grant.clear_intent();
    if (before.has_intent()) *grant.mutable_intent() = before.intent();
  }
  if (grant.state() != Grant::STATE_NEEDS_REAUTH) BackOff(grant, outcome, jitter, now);
  return grant.state();
}

void EnterState(Grant& grant, Grant::State state, const std::string& reason, Time now) {
  grant.set_state(state);
  grant.set_state_reason(reason);
  grant.set_state_time_us(ToMicros(now));
}

}  // namespace grantkeep
