// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_IDENTITY_H_
#define GRANTKEEP_STORE_IDENTITY_H_

#include <algorithm>
#include <cstdint>

#include "crypto/random.h"
#include "store/store.h"

namespace grantkeep {

// A store that nobody has used: a random id, epoch 1.
StoreIdentity NewIdentity(Random& random);
// What `identity` becomes when the store is adopted.
StoreIdentity NextIdentity(StoreIdentity identity, Adoption as, Random& random);
// The last epoch that an adoption began; 0: none did.
inline uint64_t AdoptedIn(const StoreIdentity& identity) {
  return std::max(identity.restored_in, identity.cloned_in);
}

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_IDENTITY_H_
