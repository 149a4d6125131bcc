// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_VAULT_ADMIN_SERVICE_H_
#define GRANTKEEP_RPC_VAULT_ADMIN_SERVICE_H_

#include <memory>

#include "rpc/raw_service.h"
#include "rpc/server.h"

namespace grantkeep::rpc {

// grantkeep.v1.VaultAdmin over the rooms, which must outlive it.
std::unique_ptr<RawService> MakeVaultAdminService(const RpcRooms& rooms);

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_VAULT_ADMIN_SERVICE_H_
