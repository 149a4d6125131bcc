// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_SNAPSHOT_CACHE_H_
#define GRANTKEEP_VAULT_SNAPSHOT_CACHE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "store/store.h"

namespace grantkeep {

// A sealed record as it was at one revision. Immutable.
class Snapshot {
 public:
  Snapshot(std::string_view tenant, std::string_view id, Revision revision, std::string_view sealed);

  std::string_view tenant() const { return {bytes_.get(), tenant_size_}; }
  std::string_view id() const { return {bytes_.get() + tenant_size_, id_size_}; }
  Revision revision() const { return revision_; }
  std::string_view sealed() const { return {bytes_.get() + tenant_size_ + id_size_, sealed_size_}; }
  // What it takes in memory, near enough.
  size_t footprint() const;

 private:
  const Revision revision_;
  const uint32_t tenant_size_;
  const uint32_t id_size_;
  const uint32_t sealed_size_;
  const std::unique_ptr<char[]> bytes_;  // tenant, id, sealed: one allocation, not three
};

// The newest known snapshots of records of one kind. Any thread. A look-up takes one of 64 locks
// for the time of a probe and a reference count, and needs neither a Key nor an allocation;
// snapshots are made and destroyed outside the locks. A record's snapshot is only ever replaced
// by one of a higher revision. Bounded in entries and bytes; when full, what was not looked up
// lately goes (CLOCK).
class SnapshotCache {
 public:
  struct Limits {
    size_t entries = 1'000'000;
    size_t bytes = 1u << 30;
  };
  static constexpr size_t kShards = 64;

  // The limits are divided among the shards.
  explicit SnapshotCache(Limits limits);

  // Null when there is none.
  std::shared_ptr<const Snapshot> Find(std::string_view tenant, std::string_view id);
  // Keeps `snapshot` unless the cache has the same record at its revision or a later one.
  void Insert(std::shared_ptr<const Snapshot> snapshot);
  // Forgets the record, whatever its revision: the store may have another now.
  void Erase(std::string_view tenant, std::string_view id);

  size_t size() const;
  size_t bytes() const;

 private:
  using SnapshotPtr = std::shared_ptr<const Snapshot>;

  struct Name {
    std::string_view tenant;
    std::string_view id;
    size_t hash;
  };
  static Name NameOf(std::string_view tenant, std::string_view id);

  struct Slot {
    SnapshotPtr snapshot;  // null: free
    bool used = false;     // looked up since the clock's hand passed
  };
  // The index holds slot numbers; hash and equality look into the slots, so that replacing a
  // snapshot by one of the same record leaves the index alone.
  struct SlotHash {
    using is_transparent = void;
    size_t operator()(uint32_t slot) const;
    size_t operator()(const Name& name) const { return name.hash; }
    const std::vector<Slot>* slots;
  };
  struct SlotEqual {
    using is_transparent = void;
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
    bool operator()(uint32_t slot, const Name& name) const;
    bool operator()(const Name& name, uint32_t slot) const { return (*this)(slot, name); }
    const std::vector<Slot>* slots;
  };

  struct alignas(64) Shard {
    Shard() : index(0, SlotHash{&slots}, SlotEqual{&slots}) {}
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    // Puts `snapshot` in and what it replaces out.
    void Place(const Name& name, SnapshotPtr& snapshot);
    // Takes one snapshot out by the clock. There must be one.
    SnapshotPtr Evict();

    mutable std::mutex mutex;
    std::vector<Slot> slots;
    std::vector<uint32_t> free;
    absl::flat_hash_set<uint32_t, SlotHash, SlotEqual> index;
    size_t hand = 0;
    size_t bytes = 0;
  };

  Shard& ShardOf(const Name& name) { return shards_[name.hash >> (8 * sizeof(size_t) - 6)]; }

  const Limits shard_limits_;
  std::array<Shard, kShards> shards_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_SNAPSHOT_CACHE_H_
