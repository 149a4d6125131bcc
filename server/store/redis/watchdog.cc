// SPDX-License-Identifier: Apache-2.0
#include "store/redis/watchdog.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

namespace grantkeep {

struct Watchdog::State {
  std::function<void()> bark;  // empty: dismissed, or done
  bool barked = false;
  boost::asio::cancellation_signal wake;
};

Watchdog::Watchdog(const boost::asio::any_io_executor& executor, Clock& clock, Tick at,
                   std::function<void()> bark)
    : state_(std::make_shared<State>()) {
  state_->bark = std::move(bark);
  const auto watch = [](std::shared_ptr<State> state, Clock& time,
                        Tick until) -> boost::asio::awaitable<void> {
    co_await time.SleepUntil(until);
    if (const auto act = std::exchange(state->bark, nullptr)) {
      state->barked = true;
      act();
    }
  };
  boost::asio::co_spawn(executor, watch(state_, clock, at),
                        boost::asio::bind_cancellation_slot(state_->wake.slot(), boost::asio::detached));
}

Watchdog::~Watchdog() {
  state_->bark = nullptr;
  state_->wake.emit(boost::asio::cancellation_type::terminal);
}

bool Watchdog::barked() const { return state_->barked; }

}  // namespace grantkeep
