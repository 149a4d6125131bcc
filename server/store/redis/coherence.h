// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_COHERENCE_H_
#define GRANTKEEP_STORE_REDIS_COHERENCE_H_

#include <atomic>
#include <map>
#include <mutex>

#include "base/clock.h"
#include "store/store.h"

namespace grantkeep {

// Until when what was read in which epoch is proven to be current. An epoch is one subscription to
// changes; a heartbeat that has come back through it proves that every change before the heartbeat was
// sent has been told, but for those of the same turn of Redis' event loop, which follow at once. Thread-safe;
// the present epoch is answered without a lock.
class Coherence {
 public:
  // A new epoch, of which nothing is proven yet.
  CoherenceEpoch Begin() {
    const std::lock_guard lock(mutex_);
    const CoherenceEpoch ended = epoch_.load();
    past_[ended] = Read(until_);
    if (past_.size() > kRemembered) past_.erase(past_.begin());
    // In this order: whoever sees the new epoch does not see the old one's proof.
    until_.store(Tick::min().time_since_epoch().count());
    epoch_.store(ended + 1);
    return ended + 1;
  }

  // Of the present epoch.
  void Prove(Tick until) { until_.store(until.time_since_epoch().count()); }

  // Nothing after `now` is proven, if this is still the epoch.
  void Withdraw(CoherenceEpoch epoch, Tick now) {
    const std::lock_guard lock(mutex_);
    if (epoch_.load() == epoch && Read(until_) > now) Prove(now);
  }

  CoherenceEpoch epoch() const { return epoch_.load(); }

  // An epoch that nobody remembers was current at no time.
  Tick CurrentUntil(CoherenceEpoch epoch) const {
    if (epoch_.load() == epoch) {
      const Tick until = Read(until_);
      if (epoch_.load() == epoch) return until;
    }
    const std::lock_guard lock(mutex_);
    if (epoch_.load() == epoch) return Read(until_);
    const auto found = past_.find(epoch);
    return found == past_.end() ? Tick::min() : found->second;
  }

 private:
  static constexpr size_t kRemembered = 256;
  using Count = std::atomic<Tick::rep>;
  static Tick Read(const Count& count) { return Tick(Tick::duration(count.load())); }

  std::atomic<CoherenceEpoch> epoch_ = 0;
  Count until_ = Tick::min().time_since_epoch().count();
  mutable std::mutex mutex_;
  std::map<CoherenceEpoch, Tick> past_;  // when each ended
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_COHERENCE_H_
