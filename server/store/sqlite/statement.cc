// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/statement.h"

#include "base/status_macros.h"
#include "store/sqlite/database.h"

namespace grantkeep {
namespace {

int BindOne(sqlite3_stmt* stmt, int index, const Argument& argument) {
  if (const auto* number = std::get_if<int64_t>(&argument)) return sqlite3_bind_int64(stmt, index, *number);
  if (const auto* bytes = std::get_if<std::string_view>(&argument)) {
    // A null pointer would bind NULL instead of no bytes.
    const char* data = bytes->empty() ? "" : bytes->data();
    return sqlite3_bind_blob64(stmt, index, data, bytes->size(), SQLITE_STATIC);
  }
  return sqlite3_bind_null(stmt, index);
}

}  // namespace

absl::Status Statement::Bind(std::initializer_list<Argument> arguments) {
  int index = 0;
  for (const Argument& argument : arguments) {
    const int code = BindOne(stmt_.get(), ++index, argument);
    if (code != SQLITE_OK) return SqliteError(code, "preparing a statement");
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Statement::Next() {
  const int code = sqlite3_step(stmt_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return SqliteError(sqlite3_extended_errcode(sqlite3_db_handle(stmt_.get())), "reading or writing");
}

absl::Status Statement::Run(std::initializer_list<Argument> arguments) {
  const Cursor cursor(*this);
  RETURN_IF_ERROR(Bind(arguments));
  absl::StatusOr<bool> more = true;
  while (more.ok() && *more) more = Next();
  return more.status();
}

void Statement::Reset() {
  // The result repeats that of the last step, which has been seen.
  sqlite3_reset(stmt_.get());
  sqlite3_clear_bindings(stmt_.get());
}

std::string Statement::Bytes(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(stmt_.get(), column));
  const int size = sqlite3_column_bytes(stmt_.get(), column);
  return data == nullptr ? std::string() : std::string(data, static_cast<size_t>(size));
}

}  // namespace grantkeep
