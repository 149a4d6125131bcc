// SPDX-License-Identifier: Apache-2.0
#include "refresh/tombstone.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "refresh/grant_changes.h"
#include "telemetry/redact.h"

namespace grantkeep {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using storage::v1::Grant;
using storage::v1::Outbox;

constexpr Duration kFirstBackoff = seconds(1);
constexpr Duration kMaxBackoff = hours(1);
constexpr uint32_t kDoublings = 12;  // 1 s to more than 1 h

bool Same(const Outbox::Tokens& a, const Outbox::Tokens& b) {
  return a.refresh_token() == b.refresh_token() && a.access_token() == b.access_token();
}

// Protobuf keeps what is removed for use again: it is wiped before.
void Remove(Outbox& outbox, int index) {
  WipeSecrets(*outbox.mutable_tokens(index));
  outbox.mutable_tokens()->DeleteSubrange(index, 1);
}

Duration Backoff(uint32_t attempts, double jitter) {
  const Duration base = std::min(kFirstBackoff * (1 << std::min(attempts, kDoublings)), kMaxBackoff);
  return std::chrono::duration_cast<Duration>(base * (0.8 + 0.4 * jitter));
}

std::optional<size_t> IndexIn(const Outbox& asked, const Outbox::Tokens& set) {
  for (int i = 0; i < asked.tokens_size(); ++i) {
    if (Same(asked.tokens(i), set)) return static_cast<size_t>(i);
  }
  return std::nullopt;
}

OutboxState PutOff(Grant& tombstone, Duration retry_after, double jitter, Time now) {
  Outbox& outbox = *tombstone.mutable_outbox();
  const Duration wait = std::max(Backoff(outbox.attempts(), jitter), retry_after);
  outbox.set_attempts(outbox.attempts() + 1);
  outbox.set_not_before_us(ToMicros(now + wait));
  if (outbox.attempts() < kMaxOutboxTries) return OutboxState::kTryLater;
  GiveUpOutbox(tombstone);
  return OutboxState::kGivenUp;
}

}  // namespace

void MakeTombstone(Grant& grant, Time next_try, Time now) {
  Wiped<Grant> was(std::move(grant));
  grant = Grant();
  grant.set_grant_id(was->grant_id());
  grant.set_subject(was->subject());
  grant.set_provider(was->provider());
  grant.set_issuer(was->issuer());
  grant.set_token_endpoint(was->token_endpoint());
  grant.set_revocation_endpoint(was->revocation_endpoint());
  *grant.mutable_url_parts() = was->url_parts();
  grant.set_create_time_us(was->create_time_us());
  grant.set_generation(was->generation());
  grant.set_store_epoch(was->store_epoch());
  EnterState(grant, Grant::STATE_REVOKED, kRevokedReason, now);
  const bool anothers = was->state_reason() == "CLONED";
  if (anothers || !AddToOutbox(grant, was->refresh_token(), was->access_token(), next_try)) {
    GiveUpOutbox(grant);
    return;
  }
  if (was->has_intent() && FromMicros(was->intent().end_time_us()) > now) {
    // Without its owner: nobody must take it for an intent of his own.
    grant.mutable_intent()->set_generation(was->intent().generation());
    grant.mutable_intent()->set_end_time_us(was->intent().end_time_us());
  }
}

bool AddToOutbox(Grant& tombstone, std::string_view refresh_token, std::string_view access_token, Time now) {
  if (refresh_token.empty() && access_token.empty()) return false;
  Wiped<Outbox::Tokens> set;
  set->set_refresh_token(refresh_token.data(), refresh_token.size());
  set->set_access_token(access_token.data(), access_token.size());
  if (IndexIn(tombstone.outbox(), *set).has_value()) return false;
  Outbox& outbox = *tombstone.mutable_outbox();
  while (outbox.tokens_size() >= kMaxOutbox) Remove(outbox, 0);
  outbox.add_tokens()->Swap(&*set);
  outbox.set_attempts(0);
  outbox.set_not_before_us(ToMicros(now));
  tombstone.clear_intent();
  return true;
}

bool AddToOutbox(Grant& tombstone, const TokenSet& tokens, Time now) {
  const std::string_view refresh_token =
      tokens.refresh_token.has_value() ? tokens.refresh_token->Expose() : std::string_view();
  return AddToOutbox(tombstone, refresh_token, tokens.access_token.Expose(), now);
}

bool OwesRevocation(const Grant& tombstone) { return tombstone.outbox().tokens_size() > 0; }
bool IsRevokedAtProvider(const Grant& tombstone) { return !tombstone.has_outbox(); }

void GiveUpOutbox(Grant& tombstone) {
  WipeSecrets(*tombstone.mutable_outbox());
  tombstone.mutable_outbox()->Clear();
  tombstone.clear_intent();
}

OutboxState SettleOutbox(Grant& tombstone, const Outbox& asked,
                         const std::vector<RevocationOutcome>& outcomes, double jitter, Time now) {
  if (!OwesRevocation(tombstone)) {
    return IsRevokedAtProvider(tombstone) ? OutboxState::kConfirmed : OutboxState::kGivenUp;
  }
  Outbox& outbox = *tombstone.mutable_outbox();
  bool arrived = false;
  bool later = false;
  bool refused = false;
  Duration retry_after(0);
  for (const Outbox::Tokens& set : outbox.tokens()) {
    const std::optional<size_t> index = IndexIn(asked, set);
    if (!index.has_value()) {
      arrived = true;
      continue;
    }
    const RevocationOutcome& outcome = outcomes.at(*index);
    later = later || outcome.kind == RevocationOutcome::Kind::kTryLater;
    refused = refused || outcome.kind == RevocationOutcome::Kind::kRefused;
    retry_after = std::max<Duration>(retry_after, outcome.retry_after.value_or(seconds(0)));
  }
  const Time refresh_end = FromMicros(tombstone.intent().end_time_us());
  const bool under_way = tombstone.has_intent() && refresh_end > now;
  if (under_way && !later && !refused) {
    outbox.set_not_before_us(ToMicros(refresh_end));
    return OutboxState::kTryLater;
  }
  for (int i = outbox.tokens_size() - 1; i >= 0 && !under_way; --i) {
    const std::optional<size_t> index = IndexIn(asked, outbox.tokens(i));
    if (!index.has_value()) continue;
    // While others are to be tried again, one that is refused says that not all is confirmed.
    if (outcomes.at(*index).confirmed() || (!later && !arrived)) Remove(outbox, i);
  }
  if (arrived) {
    outbox.set_attempts(0);
    outbox.set_not_before_us(ToMicros(now + retry_after));
    return OutboxState::kTryLater;
  }
  if (later) return PutOff(tombstone, retry_after, jitter, now);
  if (refused) {
    GiveUpOutbox(tombstone);
    return OutboxState::kGivenUp;
  }
  tombstone.clear_outbox();
  tombstone.clear_intent();
  return OutboxState::kConfirmed;
}

}  // namespace grantkeep
