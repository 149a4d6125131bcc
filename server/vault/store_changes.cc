// SPDX-License-Identifier: Apache-2.0
#include "vault/store_changes.h"

#include <mutex>
#include <utility>
#include <vector>

namespace grantkeep {

struct StoreChanges::Subscription::Registry {
  struct ChangeListener {
    int number;
    Kind kind;
    std::function<void(const Change&)> call;
  };
  struct LossListener {
    int number;
    std::function<void()> call;
  };

  // Held during calls, so that a listener is not called once its subscription has ended.
  std::mutex mutex;
  int last_number = 0;
  std::vector<ChangeListener> change_listeners;
  std::vector<LossListener> loss_listeners;
};

StoreChanges::StoreChanges(Store& store) : registry_(std::make_shared<Subscription::Registry>()) {
  // The store may outlive this object, and reports on.
  store.OnChange([registry = registry_](const Change& change) {
    const std::lock_guard lock(registry->mutex);
    for (const auto& listener : registry->change_listeners) {
      if (listener.kind == change.key.kind) listener.call(change);
    }
  });
  store.OnLoss([registry = registry_] {
    const std::lock_guard lock(registry->mutex);
    for (const auto& listener : registry->loss_listeners) listener.call();
  });
}

StoreChanges::Subscription StoreChanges::OnChange(Kind kind, std::function<void(const Change&)> listener) {
  const std::lock_guard lock(registry_->mutex);
  Subscription subscription;
  subscription.registry_ = registry_;
  subscription.number_ = ++registry_->last_number;
  registry_->change_listeners.push_back({subscription.number_, kind, std::move(listener)});
  return subscription;
}

StoreChanges::Subscription StoreChanges::OnLoss(std::function<void()> listener) {
  const std::lock_guard lock(registry_->mutex);
  Subscription subscription;
  subscription.registry_ = registry_;
  subscription.number_ = ++registry_->last_number;
  registry_->loss_listeners.push_back({subscription.number_, std::move(listener)});
  return subscription;
}

StoreChanges::Subscription& StoreChanges::Subscription::operator=(Subscription&& other) noexcept {
  std::swap(registry_, other.registry_);
  std::swap(number_, other.number_);
  return *this;
}

StoreChanges::Subscription::~Subscription() {
  if (registry_ == nullptr) return;
  const std::lock_guard lock(registry_->mutex);
  const auto is_this = [this](const auto& listener) { return listener.number == number_; };
  std::erase_if(registry_->change_listeners, is_this);
  std::erase_if(registry_->loss_listeners, is_this);
}

}  // namespace grantkeep
