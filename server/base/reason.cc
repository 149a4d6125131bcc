// SPDX-License-Identifier: Apache-2.0
#include "base/reason.h"

#include <fmt/format.h>

#include <charconv>

#include "absl/strings/cord.h"

namespace grantkeep {
namespace {

using absl::StatusCode;

// In the order of the enum.
constexpr struct Row {
  Reason reason;
  std::string_view name;
  StatusCode code;
} kReasons[] = {
    {Reason::kInvalidField, "INVALID_FIELD", StatusCode::kInvalidArgument},
    {Reason::kParameterNotAllowed, "PARAMETER_NOT_ALLOWED", StatusCode::kInvalidArgument},
    {Reason::kRedirectUriNotAllowed, "REDIRECT_URI_NOT_ALLOWED", StatusCode::kInvalidArgument},
    {Reason::kCallbackMalformed, "CALLBACK_MALFORMED", StatusCode::kInvalidArgument},
    {Reason::kProviderNotFound, "PROVIDER_NOT_FOUND", StatusCode::kNotFound},
    {Reason::kFlowNotFound, "FLOW_NOT_FOUND", StatusCode::kNotFound},
    {Reason::kGrantNotFound, "GRANT_NOT_FOUND", StatusCode::kNotFound},
    {Reason::kSecretNotFound, "SECRET_NOT_FOUND", StatusCode::kNotFound},
    {Reason::kSecretVersionNotFound, "SECRET_VERSION_NOT_FOUND", StatusCode::kNotFound},
    {Reason::kProviderIsStatic, "PROVIDER_IS_STATIC", StatusCode::kFailedPrecondition},
    {Reason::kProviderNotStatic, "PROVIDER_NOT_STATIC", StatusCode::kFailedPrecondition},
    {Reason::kIssuerMismatch, "ISSUER_MISMATCH", StatusCode::kFailedPrecondition},
    {Reason::kIssuerUnprotected, "ISSUER_UNPROTECTED", StatusCode::kFailedPrecondition},
    {Reason::kAccessDenied, "ACCESS_DENIED", StatusCode::kPermissionDenied},
    {Reason::kCodeRejected, "CODE_REJECTED", StatusCode::kFailedPrecondition},
    {Reason::kNeedsReauth, "NEEDS_REAUTH", StatusCode::kFailedPrecondition},
    {Reason::kClientMisconfigured, "CLIENT_MISCONFIGURED", StatusCode::kFailedPrecondition},
    {Reason::kVersionMismatch, "VERSION_MISMATCH", StatusCode::kAborted},
    {Reason::kProviderUnreachable, "PROVIDER_UNREACHABLE", StatusCode::kUnavailable},
    {Reason::kProviderError, "PROVIDER_ERROR", StatusCode::kUnavailable},
    {Reason::kProviderThrottled, "PROVIDER_THROTTLED", StatusCode::kUnavailable},
    {Reason::kStoreUnavailable, "STORE_UNAVAILABLE", StatusCode::kUnavailable},
    {Reason::kStoreCorrupt, "STORE_CORRUPT", StatusCode::kDataLoss},
    {Reason::kStoreNotAdopted, "STORE_NOT_ADOPTED", StatusCode::kFailedPrecondition},
    {Reason::kStoreAlreadyAdopted, "STORE_ALREADY_ADOPTED", StatusCode::kFailedPrecondition},
    {Reason::kKeyUnavailable, "KEY_UNAVAILABLE", StatusCode::kUnavailable},
    {Reason::kOverloaded, "OVERLOADED", StatusCode::kResourceExhausted},
    {Reason::kMessageTooLarge, "MESSAGE_TOO_LARGE", StatusCode::kResourceExhausted},
    {Reason::kServiceUnknown, "SERVICE_UNKNOWN", StatusCode::kNotFound},
    {Reason::kShuttingDown, "SHUTTING_DOWN", StatusCode::kUnavailable},
    {Reason::kDeadline, "DEADLINE", StatusCode::kDeadlineExceeded},
    {Reason::kNotImplemented, "NOT_IMPLEMENTED", StatusCode::kUnimplemented},
    {Reason::kInternal, "INTERNAL", StatusCode::kInternal},
};

constexpr bool InOrder() {
  for (size_t i = 0; i < std::size(kReasons); ++i) {
    if (static_cast<size_t>(kReasons[i].reason) != i) return false;
  }
  return true;
}
static_assert(InOrder() && std::size(kReasons) == static_cast<size_t>(Reason::kInternal) + 1);

constexpr char kReasonUrl[] = "grantkeep/reason";
constexpr char kFieldUrl[] = "grantkeep/field";
constexpr char kRetryUrl[] = "grantkeep/retry_after_us";

// When a store that nobody knows better about is asked again.
constexpr Duration kStoreRetry = std::chrono::seconds(1);

const Row& RowOf(Reason reason) { return kReasons[static_cast<size_t>(reason)]; }

std::optional<std::string> Payload(const absl::Status& status, const char* url) {
  auto payload = status.GetPayload(url);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

std::optional<int64_t> NumberPayload(const absl::Status& status, const char* url) {
  const auto text = Payload(status, url);
  if (!text.has_value()) return std::nullopt;
  int64_t number = 0;
  std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

}  // namespace

std::string_view ReasonName(Reason reason) { return RowOf(reason).name; }

absl::Status Error(Reason reason, std::string_view message) {
  absl::Status status(RowOf(reason).code, {message.data(), message.size()});
  status.SetPayload(kReasonUrl, absl::Cord(std::to_string(static_cast<int>(reason))));
  if (reason == Reason::kStoreUnavailable) {
    status.SetPayload(kRetryUrl, absl::Cord(std::to_string(kStoreRetry.count())));
  }
  return status;
}

absl::Status FieldError(std::string_view field, std::string_view message, Reason reason) {
  absl::Status status = Error(reason, fmt::format("{}: {}", field, message));
  status.SetPayload(kFieldUrl, absl::Cord(std::string(field)));
  return status;
}

absl::Status RetryableError(Reason reason, std::string_view message, Duration retry_after) {
  absl::Status status = Error(reason, message);
  status.SetPayload(kRetryUrl, absl::Cord(std::to_string(retry_after.count())));
  return status;
}

std::optional<Reason> ReasonOf(const absl::Status& status) {
  const auto number = NumberPayload(status, kReasonUrl);
  if (!number.has_value()) return std::nullopt;
  return static_cast<Reason>(*number);
}

std::optional<std::string> FieldOf(const absl::Status& status) { return Payload(status, kFieldUrl); }

std::optional<Duration> RetryAfterOf(const absl::Status& status) {
  const auto number = NumberPayload(status, kRetryUrl);
  if (!number.has_value()) return std::nullopt;
  return Duration(*number);
}

absl::Status Annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  const std::string_view old(status.message().data(), status.message().size());
  absl::Status annotated(status.code(), fmt::format("{}: {}", context, old));
  for (const char* url : {kReasonUrl, kFieldUrl, kRetryUrl}) {
    if (auto payload = status.GetPayload(url); payload.has_value()) annotated.SetPayload(url, *payload);
  }
  return annotated;
}

}  // namespace grantkeep
