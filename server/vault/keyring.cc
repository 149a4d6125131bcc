// SPDX-License-Identifier: Apache-2.0
#include "vault/keyring.h"

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace grantkeep {

const KeyringCache::Shard& KeyringCache::ShardOf(std::string_view tenant) const {
  return shards_[std::hash<std::string_view>{}(tenant) % kShards];
}

std::shared_ptr<const Keyring> KeyringCache::Find(std::string_view tenant) const {
  const Shard& shard = ShardOf(tenant);
  std::lock_guard lock(shard.mutex);
  const auto found = shard.keyrings.find(absl::string_view(tenant.data(), tenant.size()));
  return found == shard.keyrings.end() ? nullptr : found->second;
}

std::shared_ptr<const Keyring> KeyringCache::Insert(std::string_view tenant,
                                                    std::shared_ptr<const Keyring> keyring) {
  auto& shard = const_cast<Shard&>(ShardOf(tenant));
  std::lock_guard lock(shard.mutex);
  std::shared_ptr<const Keyring>& held = shard.keyrings[std::string(tenant)];
  // What is replaced leaves through `keyring`, after the lock.
  if (held == nullptr || held->revision() < keyring->revision()) held.swap(keyring);
  return held;
}

void KeyringCache::Replace(std::string_view tenant, std::shared_ptr<const Keyring> keyring) {
  auto& shard = const_cast<Shard&>(ShardOf(tenant));
  std::lock_guard lock(shard.mutex);
  shard.keyrings[std::string(tenant)].swap(keyring);
}

std::vector<std::string> KeyringCache::Tenants() const {
  std::vector<std::string> tenants;
  for (const Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    for (const auto& [tenant, keyring] : shard.keyrings) tenants.push_back(tenant);
  }
  return tenants;
}

}  // namespace grantkeep
