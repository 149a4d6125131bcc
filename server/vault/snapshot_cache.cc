// SPDX-License-Identifier: Apache-2.0
#include "vault/snapshot_cache.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace grantkeep {
namespace {

// Entries in a row that the clock's hand may spare for having been used: bounds what one insert
// does under the lock.
constexpr int kMostSpared = 64;

}  // namespace

Snapshot::Snapshot(std::string_view tenant, std::string_view id, Revision revision, std::string_view sealed)
    : revision_(revision),
      tenant_size_(static_cast<uint32_t>(tenant.size())),
      id_size_(static_cast<uint32_t>(id.size())),
      sealed_size_(static_cast<uint32_t>(sealed.size())),
      bytes_(std::make_unique_for_overwrite<char[]>(tenant.size() + id.size() + sealed.size())) {
  char* end = std::copy(tenant.begin(), tenant.end(), bytes_.get());
  end = std::copy(id.begin(), id.end(), end);
  std::copy(sealed.begin(), sealed.end(), end);
}

size_t Snapshot::footprint() const {
  constexpr size_t kAllocationOverhead = 48;  // reference counts, the slot, the heap's headers
  return sizeof(Snapshot) + tenant_size_ + id_size_ + sealed_size_ + kAllocationOverhead;
}

SnapshotCache::SnapshotCache(Limits limits)
    : shard_limits_{std::max<size_t>(limits.entries / kShards, 1),
                    std::max<size_t>(limits.bytes / kShards, 1)} {}

SnapshotCache::Name SnapshotCache::NameOf(std::string_view tenant, std::string_view id) {
  const size_t hash =
      absl::HashOf(absl::string_view(tenant.data(), tenant.size()), absl::string_view(id.data(), id.size()));
  return {tenant, id, hash};
}

size_t SnapshotCache::SlotHash::operator()(uint32_t slot) const {
  const Snapshot& snapshot = *(*slots)[slot].snapshot;
  return NameOf(snapshot.tenant(), snapshot.id()).hash;
}

bool SnapshotCache::SlotEqual::operator()(uint32_t slot, const Name& name) const {
  const Snapshot& snapshot = *(*slots)[slot].snapshot;
  return snapshot.id() == name.id && snapshot.tenant() == name.tenant;
}

SnapshotCache::SnapshotPtr SnapshotCache::Find(std::string_view tenant, std::string_view id) {
  const Name name = NameOf(tenant, id);
  Shard& shard = ShardOf(name);
  std::lock_guard lock(shard.mutex);
  const auto found = shard.index.find(name, name.hash);
  if (found == shard.index.end()) return nullptr;
  Slot& slot = shard.slots[*found];
  slot.used = true;
  return slot.snapshot;
}

void SnapshotCache::Insert(SnapshotPtr snapshot) {
  const Name name = NameOf(snapshot->tenant(), snapshot->id());
  // Keeps what `name` views alive, and the last reference to what is evicted until after the lock.
  const SnapshotPtr inserted = snapshot;
  std::vector<SnapshotPtr> evicted;
  Shard& shard = ShardOf(name);
  std::lock_guard lock(shard.mutex);
  shard.Place(name, snapshot);
  while (shard.index.size() > shard_limits_.entries ||
         (shard.bytes > shard_limits_.bytes && !shard.index.empty())) {
    evicted.push_back(shard.Evict());
  }
}

void SnapshotCache::Erase(std::string_view tenant, std::string_view id) {
  const Name name = NameOf(tenant, id);
  SnapshotPtr erased;  // freed after the lock
  Shard& shard = ShardOf(name);
  std::lock_guard lock(shard.mutex);
  const auto found = shard.index.find(name, name.hash);
  if (found == shard.index.end()) return;
  const uint32_t number = *found;
  shard.index.erase(found);
  shard.free.push_back(number);
  erased = std::exchange(shard.slots[number].snapshot, nullptr);
  shard.bytes -= erased->footprint();
}

void SnapshotCache::Shard::Place(const Name& name, SnapshotPtr& snapshot) {
  const size_t footprint = snapshot->footprint();
  if (const auto found = index.find(name, name.hash); found != index.end()) {
    Slot& slot = slots[*found];
    if (slot.snapshot->revision() >= snapshot->revision()) return;
    bytes += footprint - slot.snapshot->footprint();
    slot.snapshot.swap(snapshot);
    slot.used = true;
    return;
  }
  if (free.empty()) {
    free.push_back(static_cast<uint32_t>(slots.size()));
    slots.emplace_back();
  }
  const uint32_t number = free.back();
  free.pop_back();
  slots[number].snapshot = std::move(snapshot);
  slots[number].used = false;  // not looked up yet: a scan of many records pushes out no popular one
  bytes += footprint;
  index.insert(number);
}

SnapshotCache::SnapshotPtr SnapshotCache::Shard::Evict() {
  for (int spared = 0;;) {
    const auto number = static_cast<uint32_t>(hand);
    hand = (hand + 1) % slots.size();
    Slot& slot = slots[number];
    if (slot.snapshot == nullptr) continue;
    if (std::exchange(slot.used, false) && ++spared <= kMostSpared) continue;
    index.erase(number);
    free.push_back(number);
    bytes -= slot.snapshot->footprint();
    return std::exchange(slot.snapshot, nullptr);
  }
}

size_t SnapshotCache::size() const {
  size_t sum = 0;
  for (const Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    sum += shard.index.size();
  }
  return sum;
}

size_t SnapshotCache::bytes() const {
  size_t sum = 0;
  for (const Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    sum += shard.bytes;
  }
  return sum;
}

}  // namespace grantkeep
