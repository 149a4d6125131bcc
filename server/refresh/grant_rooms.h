// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_GRANT_ROOMS_H_
#define GRANTKEEP_REFRESH_GRANT_ROOMS_H_

#include "base/clock.h"
#include "crypto/random.h"
#include "vault/grants.h"

namespace grantkeep {

class Catalogue;

// What the rooms around whoever works on grants offer. They outlive the loop's coroutines.
struct GrantRooms {
  Grants& grants;
  Store& store;
  Catalogue& catalogue;
  Clock& clock;
  Random& random;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_GRANT_ROOMS_H_
