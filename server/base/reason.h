// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_BASE_REASON_H_
#define GRANTKEEP_BASE_REASON_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/clock.h"

namespace grantkeep {

// Why an operation failed, as callers see it in google.rpc.ErrorInfo. The code of each and
// its name on the wire stand in one table in reason.cc.
enum class Reason {
  kInvalidField,           // INVALID_ARGUMENT: a field is missing or malformed
  kParameterNotAllowed,    // INVALID_ARGUMENT: an extra parameter outside the allow-list
  kRedirectUriNotAllowed,  // INVALID_ARGUMENT
  kCallbackMalformed,      // INVALID_ARGUMENT: callback without code and error, or with duplicates
  kProviderNotFound,       // NOT_FOUND
  kFlowNotFound,           // NOT_FOUND: unknown, expired, spent, or somebody else's
  kGrantNotFound,          // NOT_FOUND: unknown, or another tenant's or subject's
  kSecretNotFound,         // NOT_FOUND
  kSecretVersionNotFound,  // NOT_FOUND
  kProviderIsStatic,       // FAILED_PRECONDITION: the provider has no flow
  kProviderNotStatic,      // FAILED_PRECONDITION
  kIssuerMismatch,         // FAILED_PRECONDITION: `iss` is wrong or missing
  kIssuerUnprotected,      // FAILED_PRECONDITION: no `iss` and a shared redirect_uri
  kAccessDenied,           // PERMISSION_DENIED: the user or the provider refused
  kCodeRejected,           // FAILED_PRECONDITION: the provider refused the code
  kNeedsReauth,            // FAILED_PRECONDITION: the user must sign in again
  kClientMisconfigured,    // FAILED_PRECONDITION: the provider refuses our client credentials
  kVersionMismatch,        // ABORTED: compare-on-version failed
  kProviderUnreachable,    // UNAVAILABLE: the request was not sent
  kProviderError,          // UNAVAILABLE: the provider failed or answered nonsense
  kProviderThrottled,      // UNAVAILABLE: 429 or backoff; see RetryInfo
  kStoreUnavailable,       // UNAVAILABLE
  kStoreCorrupt,           // DATA_LOSS: a record does not authenticate
  kStoreNotAdopted,        // FAILED_PRECONDITION: not the store that the service was left with; read-only
  kStoreAlreadyAdopted,    // FAILED_PRECONDITION: there is nothing to adopt
  kKeyUnavailable,         // UNAVAILABLE: root key or keyring cannot be used
  kOverloaded,             // RESOURCE_EXHAUSTED
  kMessageTooLarge,        // RESOURCE_EXHAUSTED: larger than its method accepts
  kServiceUnknown,         // NOT_FOUND: health was asked of a service that is not here
  kShuttingDown,           // UNAVAILABLE
  kDeadline,               // DEADLINE_EXCEEDED
  kNotImplemented,         // UNIMPLEMENTED
  kInternal,               // INTERNAL: a bug
};

// The reason's stable name on the wire ("GRANT_NOT_FOUND").
std::string_view ReasonName(Reason reason);

// A status with the reason's code; kStoreUnavailable always comes with a retry time, 1 s unless given
// by RetryableError. `message` says what failed and names the field or provider;
// never a secret value or a provider's body.
absl::Status Error(Reason reason, std::string_view message);
// The same for a wrong request field, in proto spelling ("callback_parameters.parameters[2].value").
absl::Status FieldError(std::string_view field, std::string_view message,
                        Reason reason = Reason::kInvalidField);
// The same with the time after which a retry makes sense.
absl::Status RetryableError(Reason reason, std::string_view message, Duration retry_after);

// What the functions above put in; nothing for a status made elsewhere.
std::optional<Reason> ReasonOf(const absl::Status& status);
std::optional<std::string> FieldOf(const absl::Status& status);
std::optional<Duration> RetryAfterOf(const absl::Status& status);
inline bool HasReason(const absl::Status& status, Reason reason) { return ReasonOf(status) == reason; }

// `status` with "context: " before its message; reason, field and retry time are kept.
absl::Status Annotate(const absl::Status& status, std::string_view context);

}  // namespace grantkeep

#endif  // GRANTKEEP_BASE_REASON_H_
