// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_STATUS_DETAILS_H_
#define GRANTKEEP_CLIENT_STATUS_DETAILS_H_

#include <string_view>

#include "absl/status/status.h"

namespace grantkeep::client {

// Type URLs of the standard details; a status carries each as a payload under its URL.
inline constexpr char kErrorInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
inline constexpr char kBadRequestUrl[] = "type.googleapis.com/google.rpc.BadRequest";
inline constexpr char kRetryInfoUrl[] = "type.googleapis.com/google.rpc.RetryInfo";

// Attaches the details of a serialized google.rpc.Status (gRPC's grpc-status-details-bin) to
// `status`. Bytes that cannot be parsed attach nothing.
void AttachDetails(std::string_view serialized, absl::Status& status);

}  // namespace grantkeep::client

#endif  // GRANTKEEP_CLIENT_STATUS_DETAILS_H_
