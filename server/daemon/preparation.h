// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_PREPARATION_H_
#define GRANTKEEP_DAEMON_PREPARATION_H_

#include <boost/asio/awaitable.hpp>
#include <functional>

#include "absl/status/status.h"
#include "base/clock.h"
#include "crypto/random.h"
#include "daemon/opened_store.h"
#include "vault/root_key.h"

namespace grantkeep {

// What happens between opening a store and using it, on the loop: it is reached, and everything that must
// be true of it is checked. Until then the rooms see it through a GatedStore.
class Preparation {
 public:
  // All of it must outlive this object, and the object the loop.
  struct Rooms {
    const OpenedStore& opened;
    Store& store;  // what is opened, written only while it is the right one
    KeyWrapper& root_key;
    Clock& clock;
    Random& random;
  };

  Preparation(const StoreSettings& settings, Rooms rooms);

  // OK when the store may be used. Fails with what time does not mend: a Redis that may lose writes
  // although `require_durable` is set, another root key. While a Redis cannot be reached, or does not
  // answer a check, it goes on trying; an embedded store is asked once.
  boost::asio::awaitable<absl::Status> Run();

 private:
  using Step = std::function<boost::asio::awaitable<absl::Status>(Tick deadline)>;

  // Does `step` until it is OK or fails for good.
  boost::asio::awaitable<absl::Status> Insist(Step step);
  boost::asio::awaitable<absl::Status> ReachEphemeral(Tick deadline);
  boost::asio::awaitable<absl::Status> CheckDurability(Tick deadline);
  boost::asio::awaitable<absl::Status> CheckRootKey(Tick deadline);

  const StoreSettings& settings_;
  const Rooms rooms_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_PREPARATION_H_
