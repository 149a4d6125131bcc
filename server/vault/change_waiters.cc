// SPDX-License-Identifier: Apache-2.0
#include "vault/change_waiters.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace grantkeep {

using boost::asio::awaitable;

struct ChangeWaiters::Waiter {
  // Under the registry's mutex.
  bool told = false;
  boost::asio::any_io_executor executor;  // while it sleeps
  // On that executor.
  boost::asio::cancellation_signal wake;
};

struct ChangeWaiters::Registry {
  std::mutex mutex;
  absl::flat_hash_map<Key, std::vector<std::shared_ptr<Waiter>>> waiters;
};

ChangeWaiters::ChangeWaiters() : registry_(std::make_shared<Registry>()) {}

void ChangeWaiters::Tell(const Key& key) const {
  const std::lock_guard lock(registry_->mutex);
  const auto found = registry_->waiters.find(key);
  if (found == registry_->waiters.end()) return;
  for (const auto& waiter : found->second) {
    waiter->told = true;
    if (!waiter->executor) continue;
    // Posted under the mutex: the waiter, and so its loop, cannot end meanwhile.
    boost::asio::post(std::exchange(waiter->executor, boost::asio::any_io_executor()),
                      [waiter] { waiter->wake.emit(boost::asio::cancellation_type::terminal); });
  }
}

ChangeWaiters::Armed::Armed(std::shared_ptr<Registry> registry, Key key)
    : registry_(std::move(registry)), key_(std::move(key)), waiter_(std::make_shared<Waiter>()) {
  const std::lock_guard lock(registry_->mutex);
  registry_->waiters[key_].push_back(waiter_);
}

ChangeWaiters::Armed::~Armed() {
  const std::lock_guard lock(registry_->mutex);
  const auto found = registry_->waiters.find(key_);
  std::erase(found->second, waiter_);
  if (found->second.empty()) registry_->waiters.erase(found);
}

void ChangeWaiters::Armed::Rearm() {
  const std::lock_guard lock(registry_->mutex);
  waiter_->told = false;
}

awaitable<void> ChangeWaiters::Armed::Wait(Clock& clock, Tick until) {
  const boost::asio::any_io_executor executor = co_await boost::asio::this_coro::executor;
  {
    const std::lock_guard lock(registry_->mutex);
    if (waiter_->told) co_return;
    waiter_->executor = executor;
  }
  auto woken = boost::asio::bind_cancellation_slot(waiter_->wake.slot(),
                                                   boost::asio::as_tuple(boost::asio::use_awaitable));
  awaitable<void> sleep = clock.SleepUntil(until);
  co_await boost::asio::co_spawn(executor, std::move(sleep), woken);
  const std::lock_guard lock(registry_->mutex);
  waiter_->executor = boost::asio::any_io_executor();
}

}  // namespace grantkeep
