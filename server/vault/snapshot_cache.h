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

// A sealed record as it was at one revision, read in one epoch of the store. Immutable.
class Snapshot {
 public:
  Snapshot(std::string_view tenant, std::string_view id, Revision revision, std::string_view sealed,
           CoherenceEpoch epoch);

  std::string_view tenant() const { return {bytes_.get(), tenant_size_}; }
  std::string_view id() const { return {bytes_.get() + tenant_size_, id_size_}; }
  Revision revision() const { return revision_; }
  // Store::CurrentUntil of it says until when this is the newest.
  CoherenceEpoch epoch() const { return epoch_; }
  std::string_view sealed() const { return {bytes_.get() + tenant_size_ + id_size_, sealed_size_}; }
  // What it takes in memory, near enough.
  size_t footprint() const;

 private:
  const Revision revision_;
  const CoherenceEpoch epoch_;
  const uint32_t tenant_size_;
  const uint32_t id_size_;
  const uint32_t sealed_size_;
  const std::unique_ptr<char[]> bytes_;  // tenant, id, sealed: one allocation, not three
};

// The newest known snapshots of records of one kind. Any thread. A look-up takes one of 64 locks
// for the time of a probe and a reference count, and needs neither a Key nor an allocation;
// snapshots are made and destroyed outside the locks. Bounded in entries and bytes; when full, what
// was not looked up lately goes (CLOCK).
//
//  1. Snapshots enter by a Fill, which is registered before the store is asked. An invalidation in
//     between voids it, so that what has been invalidated does not come back.
//  2. A record's snapshot is only ever replaced by one of a higher revision, or by the same revision
//     read in a later epoch.
class SnapshotCache {
 public:
  struct Limits {
    size_t entries = 1'000'000;
    size_t bytes = 1u << 30;
  };
  static constexpr size_t kShards = 64;

  using SnapshotPtr = std::shared_ptr<const Snapshot>;
  class Fill;
  // How far a walk through the cache has come.
  struct Position {
    size_t shard = 0;
    size_t slot = 0;
  };

  // The limits are divided among the shards.
  explicit SnapshotCache(Limits limits);

  // Null when there is none.
  SnapshotPtr Find(std::string_view tenant, std::string_view id);
  // Forgets the record and voids its fills: the store may have another now. With `revision` only what
  // is older than that, and not before the fill that writes this revision has ended.
  void Invalidate(std::string_view tenant, std::string_view id, Revision revision = 0);
  // Voids the record's fills and keeps its snapshot as one that is never current: only to be compared
  // with what the store has.
  void Doubt(std::string_view tenant, std::string_view id);
  // Some of the snapshots from `position` on, which moves on; empty at the end. One that stays during
  // the whole walk is seen once.
  std::vector<SnapshotPtr> Walk(Position& position) const;

  size_t size() const;
  size_t bytes() const;

 private:
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

    // Puts `snapshot` in and what it replaces out, if it is newer.
    void Place(const Name& name, SnapshotPtr& snapshot);
    // Takes the record's snapshot out if its revision is less than `below`.
    SnapshotPtr Remove(const Name& name, Revision below);
    // Takes one snapshot out by the clock. There must be one.
    SnapshotPtr Evict();

    mutable std::mutex mutex;
    std::vector<Fill*> fills;  // that are under way
    std::vector<Slot> slots;
    std::vector<uint32_t> free;
    absl::flat_hash_set<uint32_t, SlotHash, SlotEqual> index;
    size_t hand = 0;
    size_t bytes = 0;
  };

  Shard& ShardOf(const Name& name) const { return shards_[name.hash >> (8 * sizeof(size_t) - 6)]; }

  const Limits shard_limits_;
  mutable std::array<Shard, kShards> shards_;
};

// One question to the store, or one write, whose answer is to enter the cache. Made before the store
// is asked; must end before the cache does. Used by one thread at a time.
class SnapshotCache::Fill {
 public:
  // `epoch` is what the store's epoch() answered before this. `writes`: the revision that is about to
  // be written; 0: the record is only read.
  Fill(SnapshotCache& cache, CoherenceEpoch epoch, std::string_view tenant, std::string_view id,
       Revision writes = 0);
  ~Fill();
  Fill(const Fill&) = delete;
  Fill& operator=(const Fill&) = delete;

  // What the cache had when this began; null: nothing.
  const SnapshotPtr& held() const { return held_; }
  // The record was invalidated since: held() is outdated, and the answer may be.
  bool is_void() const;
  // The record as the store has it. Does nothing when it was invalidated meanwhile, or when the cache
  // has it already. After a change of epoch it enters as what it is: read in an epoch that has ended.
  void Insert(Revision revision, std::string_view sealed);
  // The same in place of held(), although that had a higher revision.
  void Supersede(Revision revision, std::string_view sealed);

 private:
  friend class SnapshotCache;
  void Enter(Revision revision, std::string_view sealed, bool supersede);
  bool IsOf(const Name& name) const {
    return name_.hash == name.hash && id_ == name.id && tenant_ == name.tenant;
  }

  SnapshotCache& cache_;
  const CoherenceEpoch epoch_;
  const std::string tenant_;
  const std::string id_;
  const Name name_;  // views of the two above
  const Revision writes_;
  // Under the shard's mutex.
  SnapshotPtr held_;
  bool void_ = false;
  Revision at_least_ = 0;  // older ones have been replaced already
};

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_SNAPSHOT_CACHE_H_
