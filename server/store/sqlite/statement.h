// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_SQLITE_STATEMENT_H_
#define GRANTKEEP_STORE_SQLITE_STATEMENT_H_

#include <sqlite3.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace grantkeep {

// An argument of a statement: NULL, a number, or bytes that stay where they are until Reset.
using Argument = std::variant<std::nullopt_t, int64_t, std::string_view>;

// A prepared statement; ends before its Database. Start, Next until it is false, Reset: or let a
// Cursor do the last.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* stmt) : stmt_(stmt) {}

  // Binds the arguments from the first on.
  absl::Status Bind(std::initializer_list<Argument> arguments);
  // True: there is a row. False: the statement has ended.
  absl::StatusOr<bool> Next();
  // Binds, runs to the end, resets.
  absl::Status Run(std::initializer_list<Argument> arguments);
  void Reset();

  int64_t Number(int column) const { return sqlite3_column_int64(stmt_.get(), column); }
  std::string Bytes(int column) const;
  bool IsNull(int column) const { return sqlite3_column_type(stmt_.get(), column) == SQLITE_NULL; }

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* stmt) const { sqlite3_finalize(stmt); }
  };
  std::unique_ptr<sqlite3_stmt, Finalizer> stmt_;
};

// Resets a statement when its user leaves, so that no read stays open.
class Cursor {
 public:
  explicit Cursor(Statement& statement) : statement_(statement) {}
  ~Cursor() { statement_.Reset(); }
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

 private:
  Statement& statement_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_SQLITE_STATEMENT_H_
