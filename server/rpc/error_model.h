// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_ERROR_MODEL_H_
#define GRANTKEEP_RPC_ERROR_MODEL_H_

#include <grpcpp/support/status.h>

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/clock.h"

namespace grantkeep::rpc {

// ErrorInfo.domain of everything that we answer.
inline constexpr std::string_view kErrorDomain = "grantkeep";

// A failure as the caller sees it.
struct Failure {
  grpc::StatusCode code = grpc::StatusCode::INTERNAL;
  std::string reason;                   // ErrorInfo.reason, UPPER_SNAKE
  std::string message;                  // may hold any bytes; see ToGrpcStatus
  std::string field;                    // BadRequest, when not empty
  std::optional<Duration> retry_after;  // RetryInfo
};

// Translates a status made by base/reason.h. A status without a reason was made elsewhere and is
// a bug: the caller learns INTERNAL and no more.
Failure ToFailure(const absl::Status& status);

// Code and message, and in the details (grpc-status-details-bin) a serialized google.rpc.Status
// with ErrorInfo{reason, domain "grantkeep", metadata request_id} and, where they apply,
// BadRequest and RetryInfo. What is not UTF-8 becomes '?', and texts are cut so that everything
// fits into the 8 KiB that gRPC allows for metadata.
grpc::Status ToGrpcStatus(const Failure& failure, std::string_view request_id);

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_ERROR_MODEL_H_
