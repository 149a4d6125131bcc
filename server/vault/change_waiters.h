// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_CHANGE_WAITERS_H_
#define GRANTKEEP_VAULT_CHANGE_WAITERS_H_

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "base/clock.h"
#include "store/store.h"

namespace grantkeep {

// Coroutines that wait for a record to change, each on its own loop. A change that nobody reports ends
// no wait: every wait has an end of its own.
class ChangeWaiters {
 private:
  struct Registry;
  struct Waiter;

 public:
  // One waiter, armed from its construction: a change that is reported before it waits ends that wait
  // at once. Belongs to one coroutine; must end before that coroutine's loop.
  class Armed {
   public:
    ~Armed();
    Armed(const Armed&) = delete;
    Armed& operator=(const Armed&) = delete;

    // Until a change was reported since the last Rearm(), at the latest `until`.
    boost::asio::awaitable<void> Wait(Clock& clock, Tick until);
    // Forgets the changes so far. To be followed by a read of the record.
    void Rearm();

   private:
    friend class ChangeWaiters;
    Armed(std::shared_ptr<Registry> registry, Key key);

    const std::shared_ptr<Registry> registry_;
    const Key key_;
    const std::shared_ptr<Waiter> waiter_;
  };

  ChangeWaiters();
  Armed Arm(Key key) const { return {registry_, std::move(key)}; }
  // The record has changed. Any thread; does not block.
  void Tell(const Key& key) const;

 private:
  const std::shared_ptr<Registry> registry_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_CHANGE_WAITERS_H_
