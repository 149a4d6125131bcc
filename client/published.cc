// SPDX-License-Identifier: Apache-2.0
#include "client/published.h"

namespace grantkeep::client {
namespace {

// Every slot that there ever was.
std::atomic<HazardSlot*> all_slots{nullptr};

HazardSlot* Take() {
  for (HazardSlot* slot = all_slots.load(std::memory_order_acquire); slot != nullptr; slot = slot->next) {
    if (!slot->taken.load(std::memory_order_relaxed) && !slot->taken.exchange(true)) return slot;
  }
  auto* slot = new HazardSlot;
  slot->taken.store(true, std::memory_order_relaxed);
  slot->next = all_slots.load(std::memory_order_relaxed);
  while (!all_slots.compare_exchange_weak(slot->next, slot)) {
  }
  return slot;
}

// Gives the slot back when its thread ends.
struct Owned {
  HazardSlot* const slot = Take();
  Owned() = default;
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  ~Owned() { slot->taken.store(false); }
};

}  // namespace

HazardSlot& HazardSlot::OfThisThread() {
  thread_local const Owned owned;
  return *owned.slot;
}

bool HazardSlot::IsRead(const void* value) {
  for (const HazardSlot* slot = all_slots.load(std::memory_order_seq_cst); slot != nullptr;
       slot = slot->next) {
    if (slot->reads.load(std::memory_order_seq_cst) == value) return true;
  }
  return false;
}

}  // namespace grantkeep::client
