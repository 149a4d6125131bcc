// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_SQLITE_SCHEMA_H_
#define GRANTKEEP_STORE_SQLITE_SCHEMA_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/sqlite/database.h"
#include "store/store.h"

namespace grantkeep {

// The file's layout, version 1 (PRAGMA user_version; PRAGMA application_id is 0x474b5053, "GKPS").
// Times are microseconds since the Unix epoch in store time.
//
//   meta    name, value             'store_id': 32 hex digits, made with the file
//                                   'epoch': raised by hand when a copy is put to use; 'restored_in',
//                                   'cloned_in': the last epochs that a backup, a clone began;
//                                   'cloned_from': the id before the latter
//                                   'clean': 1 when the last owner closed the file in order
//   record  partition, kind, tenant, id -> revision, value, expires, guard, misses
//                                   expires: the record is absent from then on; NULL: for ever
//                                   guard: NULL: none; misses: Takes with another guard so far
//   due     partition, kind, tenant, id -> at
//   record_expires (expires), due_at (partition, at): where the two are found by time
inline constexpr int64_t kSchemaVersion = 1;
inline constexpr int64_t kApplicationId = 0x474b5053;

struct OpenedFile {
  Database database;
  StoreIdentity identity;
  // The last owner did not close the file in order.
  bool needs_check = false;
};

// Opens or creates the file and takes the mark of the last orderly close away. A file that is not
// Grantkeep's, or newer, is refused and left as it is. `max_pages` 0: no limit.
absl::StatusOr<OpenedFile> OpenFile(const std::string& path, uint64_t max_pages);

// Reads who the store is.
absl::StatusOr<StoreIdentity> ReadIdentity(Database& database);

// Puts the mark of an orderly close there, and moves all into the main file.
absl::Status MarkClean(Database& database);

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_SQLITE_SCHEMA_H_
