// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_SQLITE_DATABASE_H_
#define GRANTKEEP_STORE_SQLITE_DATABASE_H_

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace grantkeep {

class Statement;

// A connection to a SQLite file. Used by one thread at a time. Errors of SQLite become
// kStoreCorrupt (the file is damaged) or kStoreUnavailable (everything else).
class Database {
 public:
  enum class Access { kReadWrite, kReadOnly };
  // The file must exist, unless the path is ":memory:".
  static absl::StatusOr<Database> Open(const std::string& path, Access access);

  // Runs statements that take no arguments and give no rows.
  absl::Status Run(const char* sql);
  absl::StatusOr<Statement> Prepare(std::string_view sql);
  // The first column of the first row; an error when there is none.
  absl::StatusOr<int64_t> QueryNumber(const char* sql);
  absl::StatusOr<std::string> QueryText(const char* sql);

  bool in_transaction() const { return sqlite3_get_autocommit(db_.get()) == 0; }
  sqlite3* handle() const { return db_.get(); }

 private:
  struct Closer {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  explicit Database(sqlite3* db) : db_(db) {}
  std::unique_ptr<sqlite3, Closer> db_;
};

// The status of a SQLite result code. `what` says what failed.
absl::Status SqliteError(int code, std::string_view what);

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_SQLITE_DATABASE_H_
