// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_BASE_CALL_H_
#define GRANTKEEP_BASE_CALL_H_

#include <string>

#include "base/clock.h"

namespace grantkeep {

// The workload that calls our RPCs; never the end user.
struct Caller {
  // Stable identity ("spiffe://...", "local"); flows are bound to it.
  std::string identity;
};

// One RPC as the domain sees it.
struct Call {
  Caller caller;
  // When the caller stops waiting. Always set: the edge applies a default.
  Tick deadline;
  std::string request_id;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_BASE_CALL_H_
