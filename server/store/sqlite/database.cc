// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/database.h"

#include <fmt/format.h>

#include "base/reason.h"
#include "base/status_macros.h"
#include "store/sqlite/statement.h"

namespace grantkeep {

namespace {

// What somebody can do about it.
std::string_view Advice(int primary) {
  switch (primary) {
    case SQLITE_FULL:
      return "; make room on the disk of the database, no restart is needed";
    case SQLITE_READONLY:
      return "; the file and its folder must be writable for the daemon's user";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "; the file is damaged: keep it, and start with a backup in its place";
    default:
      return "";
  }
}

}  // namespace

absl::Status SqliteError(int code, std::string_view what) {
  const int primary = code & 0xff;
  const bool damaged = primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
  return Error(damaged ? Reason::kStoreCorrupt : Reason::kStoreUnavailable,
               fmt::format("{}: {} (SQLite {}){}", what, sqlite3_errstr(code), code, Advice(primary)));
}

absl::StatusOr<Database> Database::Open(const std::string& path, Access access) {
  // A path that begins with "file:" would be read as a URI.
  const bool plain = path == ":memory:" || path.starts_with('/');
  const std::string name = plain ? path : "./" + path;
  const int mode = access == Access::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(name.c_str(), &handle, mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  Database database(handle);
  if (code != SQLITE_OK) return SqliteError(code, "opening the file");
  // A damaged or crafted schema must not run functions or change itself.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  // Nobody else writes; a tool that reads may hold a lock for a moment.
  sqlite3_busy_timeout(handle, 1000);
  return database;
}

absl::Status Database::Run(const char* sql) {
  const int code = sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : SqliteError(code, "reading or writing");
}

absl::StatusOr<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* stmt = nullptr;
  const int code = sqlite3_prepare_v3(handle(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &stmt, nullptr);
  Statement statement(stmt);
  if (code != SQLITE_OK) return SqliteError(code, fmt::format("preparing '{}'", sql));
  return statement;
}

absl::StatusOr<int64_t> Database::QueryNumber(const char* sql) {
  ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  ASSIGN_OR_RETURN(const bool found, statement.Next());
  if (!found) return Error(Reason::kStoreCorrupt, fmt::format("'{}' gives nothing", sql));
  return statement.Number(0);
}

absl::StatusOr<std::string> Database::QueryText(const char* sql) {
  ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  ASSIGN_OR_RETURN(const bool found, statement.Next());
  if (!found) return Error(Reason::kStoreCorrupt, fmt::format("'{}' gives nothing", sql));
  return statement.Bytes(0);
}

}  // namespace grantkeep
