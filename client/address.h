// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_ADDRESS_H_
#define GRANTKEEP_CLIENT_ADDRESS_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace grantkeep::client {

// The gRPC target for an address in the forms that ClientOptions names; INVALID_ARGUMENT, with
// the forms in the message, for every other.
absl::StatusOr<std::string> TargetOf(std::string_view address);

}  // namespace grantkeep::client

#endif  // GRANTKEEP_CLIENT_ADDRESS_H_
