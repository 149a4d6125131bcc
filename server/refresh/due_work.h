// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_DUE_WORK_H_
#define GRANTKEEP_REFRESH_DUE_WORK_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "base/ids.h"
#include "refresh/refresh.h"
#include "store/store.h"

namespace grantkeep {

class Catalogue;

// What the rooms around the work on due grants offer it.
struct DueWorkRooms {
  Grants& grants;
  Store& store;
  Catalogue& catalogue;
  Refresher& refresher;
  Clock& clock;
  Random& random;
};

// Does what nobody asks for: renews tokens before anybody waits for one, ends refreshes that others have left
// undone, works on the outboxes of revoked grants, and forgets refresh tokens that are of no use. It claims
// entries of the partitions' due-indexes for kClaim, so that what it does not get done in that time, or
// dies with, is claimed again, by this process or another. It visits every partition about once a second.
class DueWork {
 public:
  // Works on the outbox of a tombstone and sets when it is due next.
  using Revoke = std::function<boost::asio::awaitable<void>(TenantId tenant, StoredGrant grant)>;

  static constexpr Duration kClaim = std::chrono::seconds(5);
  // Entries that are claimed and not yet being renewed; of these, so many may wait for their providers.
  static constexpr size_t kInHand = 1000;
  static constexpr size_t kQueued = 750;

  // Without `revoke`, tombstones are left alone. All partitions are visited once in `round`.
  DueWork(DueWorkRooms rooms, boost::asio::io_context& loop, const RefreshOptions& options,
          Revoke revoke = nullptr, Duration round = std::chrono::seconds(1));
  ~DueWork();

  // Begins, once; any thread.
  void Start();
  // No new claims from now on, and nothing that waits is begun. Renewals under way go on: see
  // Refresher::Drain. Loop.
  void Stop();

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_DUE_WORK_H_
