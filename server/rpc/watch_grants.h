// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_WATCH_GRANTS_H_
#define GRANTKEEP_RPC_WATCH_GRANTS_H_

#include <memory>

#include "rpc/method.h"

namespace grantkeep {
class GrantWatches;
}

namespace grantkeep::rpc {

// AuthService.WatchGrants over `watches`, which must outlive every coroutine of the loop.
std::unique_ptr<Method> MakeWatchGrants(GrantWatches& watches);

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_WATCH_GRANTS_H_
