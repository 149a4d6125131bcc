// SPDX-License-Identifier: Apache-2.0
#include "daemon/readiness.h"

namespace grantkeep {

Readiness::Readiness(const Store& store, const Clock& clock, Duration outage_serve)
    : store_(store), clock_(clock), outage_serve_(outage_serve), outage_begin_(Tick::max()) {}

bool Readiness::AuthIsReady() {
  if (!prepared_) return false;
  Tick noted = outage_begin_;
  if (store_.health().ok()) {
    // Not one that somebody has noted since.
    outage_begin_.compare_exchange_strong(noted, Tick::max());
    return true;
  }
  const Tick now = clock_.Steady();
  Tick begin = Tick::max();
  if (outage_begin_.compare_exchange_strong(begin, now)) begin = now;
  return now - begin < outage_serve_;
}

// Whoever asks notes the beginning of an outage.
bool Readiness::VaultAdminIsReady() { return AuthIsReady() && store_.health().ok(); }

}  // namespace grantkeep
