// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_BASE_STATUS_MACROS_H_
#define GRANTKEEP_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the function when `expr` (an absl::Status) is an error.
#define RETURN_IF_ERROR(expr)                               \
  do {                                                      \
    if (absl::Status gk_status = (expr); !gk_status.ok()) { \
      return gk_status;                                     \
    }                                                       \
  } while (false)

// Assigns the value of `expr` (an absl::StatusOr) to `lhs`, or leaves with its status. `leave`
// is `return` in functions (ASSIGN_OR_RETURN) and `co_return` in coroutines (ASSIGN_OR_CO_RETURN).
// `leave` and `lhs` are code, not values.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define GK_CONCAT_INNER(a, b) a##b
#define GK_CONCAT(a, b) GK_CONCAT_INNER(a, b)
#define GK_ASSIGN_OR(leave, name, lhs, expr) \
  auto name = (expr);                        \
  if (!name.ok()) leave name.status();       \
  lhs = std::move(name).value()

#define ASSIGN_OR_RETURN(lhs, expr) GK_ASSIGN_OR(return, GK_CONCAT(gk_value_, __LINE__), lhs, expr)
#define ASSIGN_OR_CO_RETURN(lhs, expr) GK_ASSIGN_OR(co_return, GK_CONCAT(gk_value_, __LINE__), lhs, expr)
// NOLINTEND(bugprone-macro-parentheses)

#endif  // GRANTKEEP_BASE_STATUS_MACROS_H_
