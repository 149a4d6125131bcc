// SPDX-License-Identifier: Apache-2.0
#include "vault/currency.h"

#include <algorithm>

#include "base/reason.h"

namespace grantkeep {
namespace {

// A store that takes longer than this for one record does not answer.
constexpr Duration kLongestRead = std::chrono::milliseconds(500);

}  // namespace

bool IsCurrent(const Store& store, const Clock& clock, CoherenceEpoch epoch) {
  const Tick until = store.CurrentUntil(epoch);
  // A store of one process need not look at the clock.
  return until == Tick::max() || clock.Steady() < until;
}

Duration UnprovenFor(const Store& store, const Clock& clock, CoherenceEpoch epoch) {
  const Tick until = store.CurrentUntil(epoch);
  const Tick now = clock.Steady();
  if (now < until) return Duration(0);
  // Ticks begin at zero or later: what lies before can only mean "never".
  if (until < Tick()) return Duration::max();
  return std::max(std::chrono::ceil<Duration>(now - until), Duration(1));
}

bool IsOutage(const absl::Status& status) {
  return HasReason(status, Reason::kStoreUnavailable) || HasReason(status, Reason::kDeadline) ||
         HasReason(status, Reason::kOverloaded);
}

Tick FallBackTime(const Clock& clock, Tick deadline) {
  const Tick now = clock.Steady();
  const Tick half = now + (std::max(deadline, now) - now) / 2;
  return std::min<Tick>(half, now + kLongestRead);
}

}  // namespace grantkeep
