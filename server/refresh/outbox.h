// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_OUTBOX_H_
#define GRANTKEEP_REFRESH_OUTBOX_H_

#include <boost/asio/awaitable.hpp>
#include <string>

#include "base/ids.h"
#include "provider/provider.h"
#include "refresh/grant_rooms.h"
#include "vault/grants.h"

namespace grantkeep {

// Puts tokens that were granted for a grant that is `tombstone` by now into its outbox, due at once, and
// ends the lease of `lease_owner` on it. Goes on until the store has them: they exist nowhere else.
// `tombstone` is the record as it is then. The references must live until it completes.
boost::asio::awaitable<void> HandToOutbox(const GrantRooms& rooms, const TenantId& tenant,
                                          StoredGrant& tombstone, const TokenSet& tokens,
                                          const std::string& lease_owner);

// The tombstone's entry in the due-index from now on.
Write OutboxDue(const GrantRooms& rooms, const TenantId& tenant, const storage::v1::Grant& tombstone);

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_OUTBOX_H_
