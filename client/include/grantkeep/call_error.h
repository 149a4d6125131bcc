// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CALL_ERROR_H_
#define GRANTKEEP_CALL_ERROR_H_

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace grantkeep {

// What a failed call of Client says, taken apart. The texts come from the service: escape
// them before they reach a terminal.
struct CallError {
  struct Field {
    // In proto spelling: "callback_parameters.parameters[2].value".
    std::string name;
    std::string description;
  };

  absl::StatusCode code = absl::StatusCode::kUnknown;
  // Stable UPPER_SNAKE word of the service ("NEEDS_REAUTH", "GRANT_NOT_FOUND"). Empty when the
  // service did not answer at all, or the error arose in the client.
  std::string reason;
  std::string message;
  // The request fields that were refused, if the error is about fields.
  std::vector<Field> fields;
  // When a retry makes sense, if the service said so; never negative.
  std::optional<std::chrono::milliseconds> retry_after;

  // Reads what Client put into `status`. Details that cannot be parsed are left out.
  static CallError From(const absl::Status& status);

  // Only a new sign-in (StartAuth) helps.
  bool NeedsSignIn() const { return reason == "NEEDS_REAUTH"; }
  // The same call may succeed later, at the earliest after retry_after.
  bool Retryable() const {
    return code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kResourceExhausted ||
           code == absl::StatusCode::kDeadlineExceeded;
  }
};

}  // namespace grantkeep

#endif  // GRANTKEEP_CALL_ERROR_H_
