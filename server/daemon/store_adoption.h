// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_STORE_ADOPTION_H_
#define GRANTKEEP_DAEMON_STORE_ADOPTION_H_

#include <boost/asio/awaitable.hpp>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "daemon/store_memory.h"
#include "grantkeep/v1/vault_admin.pb.h"
#include "store/guarded_store.h"

namespace grantkeep {

class SealedRecords;

// Takes a store into use that is not the one that the daemon was left with: VaultAdmin.AdoptStore. Used
// on the loop.
class StoreAdoption {
 public:
  StoreAdoption(GuardedStore& store, StoreMemory& memory, SealedRecords& records)
      : store_(store), memory_(memory), records_(records) {}

  // Begins a new epoch, above every one that the daemon remembers, remembers it, and opens the store.
  // kStoreAlreadyAdopted, and nothing happens: the store is open, or another call is adopting it.
  // kInvalidField "store_id": it is another store. What fails midway can be tried again.
  boost::asio::awaitable<absl::StatusOr<v1::AdoptStoreResponse>> Adopt(v1::AdoptStoreRequest request,
                                                                       Tick deadline);

 private:
  boost::asio::awaitable<absl::StatusOr<StoreIdentity>> BeginEpoch(Adoption as, Tick deadline);

  GuardedStore& store_;
  StoreMemory& memory_;
  SealedRecords& records_;
  bool adopting_ = false;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_STORE_ADOPTION_H_
