// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_OUTBOX_TRY_H_
#define GRANTKEEP_REFRESH_OUTBOX_TRY_H_

#include <boost/asio/awaitable.hpp>
#include <string>

#include "base/ids.h"
#include "refresh/grant_rooms.h"
#include "refresh/tombstone.h"
#include "vault/grants.h"

namespace grantkeep {

// One try of one tombstone's outbox: the provider is asked to revoke every token set in it, and what it
// answered is written.
class OutboxTry {
 public:
  // All requests of a try end within the first, and its lease after the second.
  static constexpr Duration kTime = std::chrono::seconds(30);
  static constexpr Duration kLease = kTime + std::chrono::seconds(15);

  enum class Lease {
    kHeld,   // by `owner`, since the tombstone was written
    kTaken,  // by this; without it nothing is done
    kNone,   // somebody's refresh has it, who does not touch the outbox while it lasts
  };

  OutboxTry(const GrantRooms& rooms, TenantId tenant, StoredGrant tombstone, std::string owner, Lease lease);

  struct Result {
    bool under_way_elsewhere = false;  // another has the lease; nothing was done
    Duration lease_left{0};            // then
    OutboxState state = OutboxState::kTryLater;
  };
  boost::asio::awaitable<Result> Run();

 private:
  // False: `result` says why nothing is done.
  boost::asio::awaitable<bool> TakeTheLease(Result& result);
  boost::asio::awaitable<void> Ask();
  // By how the record is then; a store that fails finds the tokens still there, and they are tried again.
  boost::asio::awaitable<OutboxState> Settle();

  const GrantRooms rooms_;
  const TenantId tenant_;
  const GrantId id_;
  StoredGrant tombstone_;
  const std::string owner_;
  const Lease lease_;

  Wiped<storage::v1::Outbox> asked_;
  std::vector<RevocationOutcome> outcomes_;
  absl::Status failure_;  // the last one, for the log
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_OUTBOX_TRY_H_
