// SPDX-License-Identifier: Apache-2.0
#include "refresh/refusals.h"

#include <absl/hash/hash.h>
#include <fmt/format.h>

#include "base/reason.h"
#include "telemetry/log.h"

namespace grantkeep {
void Refusals::CountGranted(const ProviderId& provider, const TenantId& tenant, const GrantId& grant) {
  Answers& answers = providers_[provider.value()];
  const uint64_t hash = absl::HashOf(tenant, grant);
  answers.doubted_since.erase(hash);
  answers.Count(hash, false, clock_.Steady());
  answers.Update(provider.value(), clock_.Steady());
}

bool Refusals::Doubt(const ProviderId& provider, const TenantId& tenant, const GrantId& grant) {
  Answers& answers = providers_[provider.value()];
  const uint64_t hash = absl::HashOf(tenant, grant);
  const Tick now = clock_.Steady();
  answers.Count(hash, true, now);
  answers.Update(provider.value(), now);
  if (!answers.paused) return false;
  const auto doubted = answers.doubted_since.try_emplace(hash, now).first;
  if (now - doubted->second < kLongestDoubt) return true;
  answers.doubted_since.erase(doubted);
  return false;
}

bool Refusals::Paused(const ProviderId& provider) {
  const auto found = providers_.find(provider.value());
  if (found == providers_.end()) return false;
  found->second.Update(provider.value(), clock_.Steady());
  return found->second.paused;
}

void Refusals::Answers::Count(uint64_t grant, bool refused_now, Tick now) {
  const auto [entry, added] = by_grant.try_emplace(grant);
  if (added) {
    entry->second = last.insert(last.end(), Answer{grant, now, false});
  } else {
    last.splice(last.end(), last, entry->second);
  }
  Answer& answer = *entry->second;
  refused = refused - (answer.refused ? 1 : 0) + (refused_now ? 1 : 0);
  answer.time = now;
  answer.refused = refused_now;
  if (last.size() > kMaxGrants) ForgetOldest();
}

void Refusals::Answers::ForgetOldest() {
  if (last.front().refused) --refused;
  by_grant.erase(last.front().grant);
  last.pop_front();
}

void Refusals::Answers::Update(const std::string& provider, Tick now) {
  while (!last.empty() && now - last.front().time >= kWindow) ForgetOldest();
  // What has begun does not end and begin again with every answer.
  const size_t ease = paused ? 2 : 1;
  const bool suspicious = refused * ease >= kFewestRefused && last.size() >= kFewestAnswered &&
                          refused * ease * kSuspiciousPart > last.size();
  if (suspicious == paused) return;
  paused = suspicious;
  if (paused) {
    Log("refresh").error(
        "provider '{}' refuses the refresh tokens of many grants at once: {} of the {} that it has answered "
        "for in the last 10 minutes. That is doubted for up to an hour: these grants are kept and asked for "
        "again. See docs/failures.md",
        provider, refused, last.size());
  } else {
    doubted_since.clear();
    Log("refresh").info("what provider '{}' says of refresh tokens is believed again", provider);
  }
}

void Disbelieve(TokenOutcome& outcome, const ProviderId& provider) {
  outcome.error.clear();
  outcome.status =
      Error(Reason::kProviderError,
            fmt::format("'{}' refuses the refresh tokens of many grants at once, which is not believed yet",
                        provider.value()));
}

}  // namespace grantkeep
