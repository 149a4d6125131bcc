// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_FLOW_SIGN_IN_AGAIN_H_
#define GRANTKEEP_FLOW_SIGN_IN_AGAIN_H_

#include <boost/asio/awaitable.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/ids.h"
#include "crypto/random.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "provider/provider.h"
#include "store/store.h"
#include "vault/grants.h"

namespace grantkeep {

// What a sign-in for a grant that there is asks of the store.
struct SignInRooms {
  Grants& grants;
  Store& store;
  Clock& clock;
  Random& random;
};

// CheckRenewable of what the store has.
boost::asio::awaitable<absl::Status> FindRenewable(Grants& grants, TenantId tenant, SubjectId subject,
                                                   ProviderId provider, GrantId grant, Tick deadline);

// Writes the new tokens into the flow's grant, in one commit on the newest record. It takes no lease: whoever
// refreshes the grant meanwhile finds a newer generation when that ends, and drops what it was given. Fails
// with kGrantNotFound when the grant was revoked meanwhile. `flow` and `outcome` outlive the call.
boost::asio::awaitable<absl::StatusOr<StoredGrant>> StoreRenewed(SignInRooms rooms, TenantId tenant,
                                                                 const storage::v1::Flow& flow,
                                                                 const TokenOutcome& outcome,
                                                                 const config::v1::Provider& record);

}  // namespace grantkeep

#endif  // GRANTKEEP_FLOW_SIGN_IN_AGAIN_H_
