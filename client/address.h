// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_ADDRESS_H_
#define GRANTKEEP_CLIENT_ADDRESS_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace grantkeep::client {

// The gRPC target for an address in the forms that ClientOptions names; INVALID_ARGUMENT for
// every other; its message begins with "address: " and says what may have been meant.
absl::StatusOr<std::string> TargetOf(std::string_view address);

// Where `grantkeepd --dev` keeps its files: ${XDG_STATE_HOME:-$HOME/.local/state}/grantkeep.
std::string DevelopmentFolder();

}  // namespace grantkeep::client

#endif  // GRANTKEEP_CLIENT_ADDRESS_H_
