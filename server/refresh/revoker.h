// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_REVOKER_H_
#define GRANTKEEP_REFRESH_REVOKER_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/ids.h"
#include "crypto/random.h"
#include "vault/grants.h"

namespace grantkeep {

class Catalogue;

struct RevokedGrant {
  // No caller can reach the grant any more.
  bool forgotten = true;
  // The provider has confirmed, now or before. False while it is asked again and again, and for good when it
  // cannot be asked (no revocation endpoint) or never confirmed.
  bool revoked_at_provider = false;
};

// Ends grants: here at once, by a tombstone in the place of the record (refresh/tombstone.h), and then at
// the provider, by the tombstone's outbox. Runs on `loop`.
//
// The provider is asked at least once for every token: again after a crash, a lost answer or a failed
// commit, which does no harm (RFC 7009 section 2.2). A lease keeps replicas from doing so at the same time.
class Revoker {
 public:
  Revoker(Grants& grants, Store& store, Catalogue& catalogue, Clock& clock, Random& random,
          boost::asio::io_context& loop);
  ~Revoker();

  // Writes the tombstone, also while a refresh of the grant is under way or the store holds after a
  // failover, then asks the provider once and waits for that until shortly before `deadline`; the try goes on
  // without the caller. Of a grant that is revoked already: asks again what is not confirmed, or waits
  // for a try that is under way. kGrantNotFound for another subject's grant or none, kStoreUnavailable and
  // kDeadline when it is not known whether the tombstone was written: call again.
  boost::asio::awaitable<absl::StatusOr<RevokedGrant>> Revoke(TenantId tenant, SubjectId subject,
                                                              GrantId grant, Tick deadline);

  // One try of the outbox of a tombstone, for whoever has claimed its due entry; completes when the next
  // one is due or there is none. Nothing when a try is under way, here or elsewhere: the claim
  // ends by itself, and the entry comes back.
  boost::asio::awaitable<void> Work(TenantId tenant, StoredGrant tombstone);

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_REVOKER_H_
