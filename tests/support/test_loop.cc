// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_loop.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace grantkeep::testing {

namespace {

// Leaves the list also when the sleeping coroutine is destroyed.
template <typename Sleepers>
class Entry {
 public:
  Entry(Sleepers& sleepers, Tick until, boost::asio::steady_timer& timer)
      : sleepers_(sleepers), timer_(timer) {
    sleepers_.push_back({until, &timer});
  }
  ~Entry() {
    std::erase_if(sleepers_, [&](const auto& sleeper) { return sleeper.timer == &timer_; });
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

 private:
  Sleepers& sleepers_;
  boost::asio::steady_timer& timer_;
};

}  // namespace

boost::asio::awaitable<void> ManualClock::SleepUntil(Tick until) {
  if (until <= Steady()) co_return;
  const auto executor = co_await boost::asio::this_coro::executor;
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
  if (cancellation.cancelled() != boost::asio::cancellation_type::none) co_return;
  boost::asio::steady_timer timer(executor, Tick::max());
  const Entry entry(sleepers_, until, timer);
  boost::system::error_code ignored;
  co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
}

void ManualClock::Advance(Duration by) {
  now_.store(Now() + by);
  steady_.store(Steady() + by);
  std::sort(sleepers_.begin(), sleepers_.end(),
            [](const Sleeper& a, const Sleeper& b) { return a.until < b.until; });
  for (const Sleeper& sleeper : sleepers_) {
    if (sleeper.until <= Steady()) sleeper.timer->cancel();
  }
}

}  // namespace grantkeep::testing
