// SPDX-License-Identifier: Apache-2.0
#include "net/event.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <utility>

namespace grantkeep {

// Each waiter owns a timer that never expires; Set() cancels it. The timers live in the waiters'
// frames, not here, because this state may outlive the io_context.
struct Event::State {
  bool set = false;
  std::list<boost::asio::steady_timer*> waiters;
};

namespace {

// Takes a waiter off the list, also when its coroutine is destroyed while it waits.
template <typename List>
class Entry {
 public:
  Entry(List& list, typename List::value_type value) : list_(list), place_(list.insert(list.end(), value)) {}
  ~Entry() { list_.erase(place_); }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

 private:
  List& list_;
  typename List::iterator place_;
};

boost::asio::awaitable<void> UntilCancelled(boost::asio::steady_timer& timer) {
  boost::system::error_code ignored;
  co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
}

}  // namespace

Event::Event() : state_(std::make_shared<State>()) {}

void Event::Set() {
  state_->set = true;
  // Cancelling only posts: no waiter runs, and leaves the list, inside this call.
  for (boost::asio::steady_timer* waiter : state_->waiters) waiter->cancel();
}

bool Event::IsSet() const { return state_->set; }

boost::asio::awaitable<bool> Event::Wait(Clock& clock, Tick deadline) {
  using boost::asio::experimental::awaitable_operators::operator||;
  const std::shared_ptr<State> state = state_;  // *this may be gone when the wait ends
  if (state->set || deadline <= clock.Steady()) co_return state->set;
  const auto executor = co_await boost::asio::this_coro::executor;
  boost::asio::steady_timer woken(executor, Tick::max());
  const Entry entry(state->waiters, &woken);
  boost::asio::awaitable<void> set = UntilCancelled(woken);
  boost::asio::awaitable<void> late = clock.SleepUntil(deadline);
  auto either = std::move(set) || std::move(late);
  co_await std::move(either);
  co_return state->set;
}

}  // namespace grantkeep
