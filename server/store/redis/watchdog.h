// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_WATCHDOG_H_
#define GRANTKEEP_STORE_REDIS_WATCHDOG_H_

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

#include "base/clock.h"

namespace grantkeep {

// Does something at a time, on a loop, unless it is destroyed before.
class Watchdog {
 public:
  Watchdog(const boost::asio::any_io_executor& executor, Clock& clock, Tick at, std::function<void()> bark);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  bool barked() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_WATCHDOG_H_
