// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_ADOPTION_H_
#define GRANTKEEP_REFRESH_ADOPTION_H_

#include "grantkeep/config/v1/provider.pb.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "vault/grants.h"

namespace grantkeep {

class Catalogue;

// What the adoption of a store makes of the grants in it. Decided whenever a grant is read, from the epoch
// in which it was last written: no record is looked for, and no provider is asked. Pure functions.

// Whether the grant was last written before its store was adopted.
bool PredatesAdoption(const storage::v1::Grant& grant, const StoreIdentity& store);

// Makes of a grant what it counts as:
//
//   before a clone's epoch: NEEDS_REAUTH (CLONED). Its refresh token belongs to those who use the original.
//   before a restored backup's: IN_DOUBT (RESTORED), as if an attempt had been made whose outcome nobody
//   knows: the provider may have replaced the refresh token since. So the access token is served while it
//   is valid, and then exactly one last attempt is made. Not where the rotation makes a repeat harmless,
//   nor without a refresh token.
//
// Grants that wait for a sign-in anyway, and tombstones, stay as they are.
void CountAdoption(storage::v1::Grant& grant, const StoreIdentity& store,
                   const config::v1::Provider& provider);

// From now on grants that are read from `grants` count so. All three outlive every read.
void CountAdoptions(Grants& grants, const Store& store, const Catalogue& catalogue);

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_ADOPTION_H_
