// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_loop.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace grantkeep::testing {

boost::asio::awaitable<void> ManualClock::SleepUntil(Tick until) {
  if (until <= steady_) co_return;
  const auto executor = co_await boost::asio::this_coro::executor;
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  boost::asio::steady_timer timer(executor, Tick::max());
  sleepers_.push_back({until, &timer});
  boost::system::error_code ignored;
  co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  std::erase_if(sleepers_, [&](const Sleeper& sleeper) { return sleeper.timer == &timer; });
}

void ManualClock::Advance(Duration by) {
  now_ += by;
  steady_ += by;
  std::stable_sort(sleepers_.begin(), sleepers_.end(),
                   [](const Sleeper& a, const Sleeper& b) { return a.until < b.until; });
  for (const Sleeper& sleeper : sleepers_) {
    if (sleeper.until <= steady_) sleeper.timer->cancel();
  }
}

}  // namespace grantkeep::testing
