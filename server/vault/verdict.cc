// SPDX-License-Identifier: Apache-2.0
#include "vault/verdict.h"

namespace grantkeep {

Verdict Judge(Standing ours, Standing stored, bool final_tombstones) {
  if (ours.revision == 0) return Verdict::kStored;
  if (stored.revision == 0) return Verdict::kRestore;
  const bool same_revision = ours.revision == stored.revision;
  if (ours.tombstone != stored.tombstone && (final_tombstones || same_revision)) {
    if (stored.tombstone) return Verdict::kStored;
    return stored.revision < ours.revision ? Verdict::kRestore : Verdict::kBury;
  }
  if (ours.generation < stored.generation) return Verdict::kStored;
  if (ours.generation > stored.generation && stored.revision >= ours.revision) return Verdict::kRewrite;
  return stored.revision < ours.revision ? Verdict::kRestore : Verdict::kStored;
}

}  // namespace grantkeep
