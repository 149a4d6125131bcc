// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_AUTH_SERVICE_H_
#define GRANTKEEP_RPC_AUTH_SERVICE_H_

#include <memory>

#include "rpc/raw_service.h"
#include "rpc/server.h"

namespace grantkeep::rpc {

// grantkeep.v1.AuthService over the rooms, which must outlive it.
std::unique_ptr<RawService> MakeAuthService(const RpcRooms& rooms);

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_AUTH_SERVICE_H_
