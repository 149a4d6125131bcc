// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_READINESS_H_
#define GRANTKEEP_DAEMON_READINESS_H_

#include <atomic>

#include "base/clock.h"
#include "store/store.h"

namespace grantkeep {

// What health says of each service, worked out when it is asked. Neither is ready before the store was
// reached and checked.
//
//  * AuthService, and the server as a whole: also while the store has not answered for less than
//    `outage_serve`. Tokens in memory are still served then, and a moment's trouble of a store that all
//    replicas share must not take all of them out of service at once.
//  * VaultAdmin: only while the store answers.
//
// An outage is counted from the first question that met it, so that nothing needs to watch: whoever asks
// rarely hears of it late. Any thread, without waiting.
class Readiness {
 public:
  // Both must outlive this object.
  Readiness(const Store& store, const Clock& clock, Duration outage_serve);

  // The store was reached and checked; for good.
  void SetPrepared() { prepared_ = true; }

  bool AuthIsReady();
  bool VaultAdminIsReady();

 private:
  const Store& store_;
  const Clock& clock_;
  const Duration outage_serve_;
  std::atomic<bool> prepared_{false};
  std::atomic<Tick> outage_begin_;  // Tick::max() while there is none
};

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_READINESS_H_
