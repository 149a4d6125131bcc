// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_CURRENCY_H_
#define GRANTKEEP_VAULT_CURRENCY_H_

#include "absl/status/status.h"
#include "base/clock.h"
#include "store/store.h"

namespace grantkeep {

// Whether what was read in `epoch` is provably still what the store has, unless it was invalidated.
bool IsCurrent(const Store& store, const Clock& clock, CoherenceEpoch epoch);

// For how long it has not been provable; zero while it is, Duration::max() when nobody knows.
Duration UnprovenFor(const Store& store, const Clock& clock, CoherenceEpoch epoch);

// The store could not be asked, and says nothing about what it holds.
bool IsOutage(const absl::Status& status);

// What was served last may still be served, marked as unverified, while the store cannot be asked and
// this has not lasted longer than that.
inline constexpr Duration kDefaultOutageServe = std::chrono::minutes(5);

// Until when a read waits that has such an answer to fall back on.
Tick FallBackTime(const Clock& clock, Tick deadline);

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_CURRENCY_H_
