// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_VERDICT_H_
#define GRANTKEEP_VAULT_VERDICT_H_

#include "store/store.h"

namespace grantkeep {

// A record as one side has it.
struct Standing {
  Revision revision = 0;  // 0: it has none
  bool tombstone = false;
  uint64_t generation = 0;  // of what a provider issues and takes back: the later one is all there is
};

// What becomes of a record that this process remembered before it asked the store, which then
// answered something else.
enum class Verdict {
  kStored,   // the store's is right
  kRestore,  // the store has lost ours: it is put back as the revision that it had
  kRewrite,  // the same, but revisions have gone on without it: it is written over the store's
  kBury,     // the same of a tombstone, whoever has written since
};

// The later generation wins, then the higher revision. Where nothing can follow a tombstone
// (`final_tombstones`) a tombstone wins whatever else there is, otherwise when the revisions are the same.
Verdict Judge(Standing ours, Standing stored, bool final_tombstones);

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_VERDICT_H_
