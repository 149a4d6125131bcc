// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_HEALTH_SERVICE_H_
#define GRANTKEEP_RPC_HEALTH_SERVICE_H_

#include <atomic>
#include <memory>

#include "rpc/raw_service.h"
#include "rpc/server.h"

namespace grantkeep::rpc {

// grpc.health.v1.Health: Check, for the server ("") and for each of our services: SERVING while
// `serving` and while `ready` says so of that service. Watch answers UNIMPLEMENTED, which the protocol
// takes for "healthy as far as one knows".
//
// gRPC's own health service is not used: it lives on the callback API, whose threads would poll
// beside ours. `serving` must outlive the service.
std::unique_ptr<RawService> MakeHealthService(const std::atomic<bool>& serving, ReadyToServe ready);

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_HEALTH_SERVICE_H_
