// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CONNECT_ERROR_H_
#define GRANTKEEP_CLIENT_CONNECT_ERROR_H_

#include <string_view>

#include "absl/status/status.h"

namespace grantkeep::client {

// What an UNAVAILABLE of gRPC's own says, without the layers around it: "cannot connect to
// unix:/s: No such file or directory". PERMISSION_DENIED when this user may not use the socket:
// that is not a matter of time.
absl::Status ConnectError(std::string_view message);

}  // namespace grantkeep::client

#endif  // GRANTKEEP_CLIENT_CONNECT_ERROR_H_
