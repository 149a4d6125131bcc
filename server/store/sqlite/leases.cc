// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/leases.h"

namespace grantkeep {

const Lease* Leases::Find(const Key& key, Time now) const {
  const auto it = leases_.find(key);
  return it != leases_.end() && now < it->second.end ? &it->second : nullptr;
}

void Leases::Take(const Key& key, std::string owner, Time end) {
  Remember(key);
  leases_[key] = {std::move(owner), end};
}

void Leases::End(const Key& key, const std::string& owner) {
  const auto it = leases_.find(key);
  if (it == leases_.end() || it->second.owner != owner) return;
  Remember(key);
  leases_.erase(key);
}

void Leases::Undo() {
  for (; !undo_.empty(); undo_.pop_back()) {
    auto& [key, before] = undo_.back();
    if (before.has_value()) {
      leases_[key] = *std::move(before);
    } else {
      leases_.erase(key);
    }
  }
}

void Leases::DropEnded(Time now) {
  absl::erase_if(leases_, [now](const auto& entry) { return entry.second.end <= now; });
}

void Leases::Remember(const Key& key) {
  const auto it = leases_.find(key);
  undo_.emplace_back(key, it == leases_.end() ? std::nullopt : std::optional(it->second));
}

}  // namespace grantkeep
