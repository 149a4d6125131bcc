// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_KEYRING_H_
#define GRANTKEEP_VAULT_KEYRING_H_

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "crypto/aead.h"
#include "store/store.h"

namespace grantkeep {

// A tenant's KEKs, unwrapped. Immutable.
class Keyring {
 public:
  struct Kek {
    uint32_t version;
    AesGcm key;
  };

  // `keks` has one with version `primary`; `record` are the bytes that they were unwrapped from.
  Keyring(Revision revision, uint32_t primary, std::vector<Kek> keks, std::string record = {})
      : revision_(revision), primary_(primary), keks_(std::move(keks)), record_(std::move(record)) {}

  // Revision of the keyring's record.
  Revision revision() const { return revision_; }
  // Its record as the store had it, so that it can be put back.
  const std::string& record() const { return record_; }
  // The version under which new records are sealed.
  uint32_t primary() const { return primary_; }
  // Null when there is no such version.
  const AesGcm* Find(uint32_t version) const {
    for (const Kek& kek : keks_) {
      if (kek.version == version) return &kek.key;
    }
    return nullptr;
  }

 private:
  const Revision revision_;
  const uint32_t primary_;
  const std::vector<Kek> keks_;
  const std::string record_;
};

// The keyrings in memory, by tenant. Any thread. Not bounded: one small entry for each tenant that
// has records and was used since the start. That a tenant has none is not remembered: another process
// may make one at any time.
class KeyringCache {
 public:
  // Null when the tenant's keyring is not in memory.
  std::shared_ptr<const Keyring> Find(std::string_view tenant) const;
  // Keeps the one with the higher revision and returns it.
  std::shared_ptr<const Keyring> Insert(std::string_view tenant, std::shared_ptr<const Keyring> keyring);
  // Keeps this one, whatever its revision.
  void Replace(std::string_view tenant, std::shared_ptr<const Keyring> keyring);
  std::vector<std::string> Tenants() const;

 private:
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    absl::flat_hash_map<std::string, std::shared_ptr<const Keyring>> keyrings;
  };
  static constexpr size_t kShards = 16;

  const Shard& ShardOf(std::string_view tenant) const;

  std::array<Shard, kShards> shards_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_KEYRING_H_
