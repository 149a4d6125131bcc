// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_DEADLINE_H_
#define GRANTKEEP_RPC_DEADLINE_H_

#include <grpc/support/time.h>

#include "base/clock.h"

namespace grantkeep::rpc {

// What applies when the caller sets no deadline.
inline constexpr Duration kDefaultDeadline = std::chrono::seconds(30);
// Callers may ask for centuries, which a Tick cannot hold; nobody waits longer than this.
inline constexpr Duration kLongestDeadline = std::chrono::hours(24);

// The caller's deadline in our time: as far from `now` as it is from gRPC's own.
Tick DeadlineIn(gpr_timespec deadline, Tick now);

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_DEADLINE_H_
