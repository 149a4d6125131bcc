// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_VERDICT_H_
#define GRANTKEEP_VAULT_VERDICT_H_

#include "store/store.h"

namespace grantkeep {

// A record as one side has it.
struct Standing {
  Revision revision = 0;  // 0: it has none
  bool tombstone = false;
};

// What becomes of a record that this process remembered before it asked the store, which then
// answered something else.
enum class Verdict {
  kStored,   // the store's is right
  kRestore,  // the store has lost ours: it is put back as the revision that it had
  kBury,     // ours is a tombstone, which is written over the store's
};

// The higher revision wins. Where nothing can follow a tombstone (`final_tombstones`) a tombstone wins
// whatever its revision, otherwise when the revisions are the same.
Verdict Judge(Standing ours, Standing stored, bool final_tombstones);

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_VERDICT_H_
