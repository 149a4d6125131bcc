// SPDX-License-Identifier: Apache-2.0
#include "vault/snapshot_cache.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace grantkeep {
namespace {

// Entries in a row that the clock's hand may spare for having been used: bounds what one insert
// does under the lock.
constexpr int kMostSpared = 64;
// Slots that one step of a walk looks at under the lock.
constexpr size_t kWalkStep = 64;

}  // namespace

Snapshot::Snapshot(std::string_view tenant, std::string_view id, Revision revision, std::string_view sealed,
                   CoherenceEpoch epoch)
    : revision_(revision),
      epoch_(epoch),
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

void SnapshotCache::Invalidate(std::string_view tenant, std::string_view id, Revision revision) {
  const Name name = NameOf(tenant, id);
  SnapshotPtr removed;  // freed after the lock
  Shard& shard = ShardOf(name);
  const std::lock_guard lock(shard.mutex);
  bool written_here = false;
  for (Fill* fill : shard.fills) {
    if (!fill->IsOf(name)) continue;
    if (revision == 0) {
      fill->void_ = true;
    } else {
      fill->at_least_ = std::max(fill->at_least_, revision);
      written_here |= fill->writes_ == revision;
    }
  }
  if (!written_here) {
    removed = shard.Remove(name, revision == 0 ? std::numeric_limits<Revision>::max() : revision);
  }
}

void SnapshotCache::Doubt(std::string_view tenant, std::string_view id) {
  const SnapshotPtr known = Find(tenant, id);
  SnapshotPtr doubted;  // what it replaces is freed after the lock
  if (known != nullptr) {
    doubted = std::make_shared<const Snapshot>(tenant, id, known->revision(), known->sealed(), 0);
  }
  const Name name = NameOf(tenant, id);
  Shard& shard = ShardOf(name);
  const std::lock_guard lock(shard.mutex);
  for (Fill* fill : shard.fills) {
    if (fill->IsOf(name)) fill->void_ = true;
  }
  const auto found = shard.index.find(name, name.hash);
  if (found != shard.index.end() && shard.slots[*found].snapshot == known) {
    shard.slots[*found].snapshot.swap(doubted);
  }
}

std::vector<SnapshotCache::SnapshotPtr> SnapshotCache::Walk(Position& position) const {
  std::vector<SnapshotPtr> seen;
  while (seen.empty() && position.shard < kShards) {
    Shard& shard = shards_[position.shard];
    const std::lock_guard lock(shard.mutex);
    const size_t end = std::min(position.slot + kWalkStep, shard.slots.size());
    for (; position.slot < end; ++position.slot) {
      if (const SnapshotPtr& snapshot = shard.slots[position.slot].snapshot) seen.push_back(snapshot);
    }
    if (end == shard.slots.size()) position = {position.shard + 1, 0};
  }
  return seen;
}

SnapshotCache::Fill::Fill(SnapshotCache& cache, CoherenceEpoch epoch, std::string_view tenant,
                          std::string_view id, Revision writes)
    : cache_(cache), epoch_(epoch), tenant_(tenant), id_(id), name_(NameOf(tenant_, id_)), writes_(writes) {
  Shard& shard = cache_.ShardOf(name_);
  const std::lock_guard lock(shard.mutex);
  shard.fills.push_back(this);
  if (const auto found = shard.index.find(name_, name_.hash); found != shard.index.end()) {
    held_ = shard.slots[*found].snapshot;
  }
}

SnapshotCache::Fill::~Fill() {
  SnapshotPtr removed;
  Shard& shard = cache_.ShardOf(name_);
  const std::lock_guard lock(shard.mutex);
  const auto place = std::ranges::find(shard.fills, this);
  *place = shard.fills.back();
  shard.fills.pop_back();
  // What this was to replace, and did not.
  if (at_least_ > 0) removed = shard.Remove(name_, at_least_);
}

bool SnapshotCache::Fill::is_void() const {
  const std::lock_guard lock(cache_.ShardOf(name_).mutex);
  return void_;
}

void SnapshotCache::Fill::Insert(Revision revision, std::string_view sealed) {
  Enter(revision, sealed, false);
}

void SnapshotCache::Fill::Supersede(Revision revision, std::string_view sealed) {
  Enter(revision, sealed, true);
}

void SnapshotCache::Fill::Enter(Revision revision, std::string_view sealed, bool supersede) {
  SnapshotPtr snapshot = std::make_shared<const Snapshot>(tenant_, id_, revision, sealed, epoch_);
  // The last references to what leaves are dropped after the lock.
  SnapshotPtr superseded;
  std::vector<SnapshotPtr> evicted;
  Shard& shard = cache_.ShardOf(name_);
  const std::lock_guard lock(shard.mutex);
  if (void_ || revision < at_least_) return;
  if (supersede && held_ != nullptr) superseded = shard.Remove(name_, held_->revision() + 1);
  shard.Place(name_, snapshot);
  const Limits& limits = cache_.shard_limits_;
  while (shard.index.size() > limits.entries || (shard.bytes > limits.bytes && !shard.index.empty())) {
    evicted.push_back(shard.Evict());
  }
}

void SnapshotCache::Shard::Place(const Name& name, SnapshotPtr& snapshot) {
  const size_t footprint = snapshot->footprint();
  if (const auto found = index.find(name, name.hash); found != index.end()) {
    Slot& slot = slots[*found];
    const Snapshot& old = *slot.snapshot;
    if (old.revision() > snapshot->revision()) return;
    if (old.revision() == snapshot->revision() && old.epoch() >= snapshot->epoch()) return;
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

SnapshotCache::SnapshotPtr SnapshotCache::Shard::Remove(const Name& name, Revision below) {
  const auto found = index.find(name, name.hash);
  if (found == index.end() || slots[*found].snapshot->revision() >= below) return nullptr;
  const uint32_t number = *found;
  index.erase(found);
  free.push_back(number);
  bytes -= slots[number].snapshot->footprint();
  return std::exchange(slots[number].snapshot, nullptr);
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
