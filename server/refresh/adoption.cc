// SPDX-License-Identifier: Apache-2.0
#include "refresh/adoption.h"

#include "provider/provider.h"
#include "refresh/grant_changes.h"
#include "refresh/tombstone.h"

namespace grantkeep {
namespace {

using storage::v1::Grant;

void CountAs(Grant& grant, Grant::State state, const char* reason) {
  grant.set_state(state);
  grant.set_state_reason(reason);
  grant.clear_state_time_us();  // nobody wrote it down
}

// As if the refresh token had been presented once, so long ago that no grace period is left. What the
// backup itself knows of attempts stays: an end that is to be waited for, a last attempt that is spent.
void DoubtRefreshToken(Grant& grant) {
  storage::v1::RefreshIntent& intent = *grant.mutable_intent();
  if (intent.generation() != grant.generation()) {
    intent.Clear();
    intent.set_generation(grant.generation());
    intent.set_attempt(1);
  }
  intent.clear_first_time_us();
}

}  // namespace

bool PredatesAdoption(const Grant& grant, const StoreIdentity& store) {
  return grant.store_epoch() < store.cloned_in || grant.store_epoch() < store.restored_in;
}

void CountAdoption(Grant& grant, const StoreIdentity& store, const config::v1::Provider& provider) {
  // The tokens of a clone are another's, who revokes them himself.
  if (OwesRevocation(grant) && grant.store_epoch() < store.cloned_in) GiveUpOutbox(grant);
  if (grant.state() != Grant::STATE_ACTIVE && grant.state() != Grant::STATE_IN_DOUBT) return;
  if (grant.store_epoch() < store.cloned_in) {
    CountAs(grant, Grant::STATE_NEEDS_REAUTH, "CLONED");
  } else if (grant.store_epoch() < store.restored_in && !grant.refresh_token().empty() &&
             !RepeatIsHarmless(provider)) {
    DoubtRefreshToken(grant);
    CountAs(grant, Grant::STATE_IN_DOUBT, "RESTORED");
  }
}

void CountAdoptions(Grants& grants, const Store& store, const Catalogue& catalogue) {
  grants.OnRead([&store, &catalogue](Grant& grant) {
    if (grant.store_epoch() >= store.adopted_in()) return;
    const StoreIdentity identity = store.identity();
    if (!PredatesAdoption(grant, identity)) return;
    const Provider* provider = catalogue.Find(ProviderId(grant.provider()));
    // One that is not configured any more may do anything.
    CountAdoption(grant, identity, provider == nullptr ? config::v1::Provider() : provider->record());
  });
}

}  // namespace grantkeep
