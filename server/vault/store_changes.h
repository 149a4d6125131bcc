// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_STORE_CHANGES_H_
#define GRANTKEEP_VAULT_STORE_CHANGES_H_

#include <functional>
#include <memory>

#include "store/store.h"

namespace grantkeep {

// Hands what the store reports on to whoever keeps its records in memory: the one listener of a store.
// Made before the store's first operation; may end before the store.
class StoreChanges {
 public:
  explicit StoreChanges(Store& store);

  // Ends the subscription when it is destroyed, after the listener has returned.
  class Subscription {
   public:
    Subscription() = default;
    Subscription(Subscription&&) noexcept = default;
    Subscription& operator=(Subscription&& other) noexcept;
    ~Subscription();

   private:
    friend class StoreChanges;
    struct Registry;
    std::shared_ptr<Registry> registry_;
    int number_ = 0;
  };

  // Calls `listener` for every change of a record of this kind, on a thread of the store. It must not
  // block, nor subscribe.
  [[nodiscard]] Subscription OnChange(Kind kind, std::function<void(const Change&)> listener);
  // The same when acknowledged writes may have been lost.
  [[nodiscard]] Subscription OnLoss(std::function<void()> listener);

 private:
  std::shared_ptr<Subscription::Registry> registry_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_STORE_CHANGES_H_
