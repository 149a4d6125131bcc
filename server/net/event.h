// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_NET_EVENT_H_
#define GRANTKEEP_NET_EVENT_H_

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "base/clock.h"

namespace grantkeep {

// Something that happens once and wakes everybody who waits for it. Used on one loop only.
// Waiters may outlive the Event object's owner: state is shared.
class Event {
 public:
  Event();
  // Wakes all waiters, present and future. Idempotent.
  void Set();
  bool IsSet() const;
  // True when the event happened, false at `deadline`.
  boost::asio::awaitable<bool> Wait(Clock& clock, Tick deadline);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_NET_EVENT_H_
