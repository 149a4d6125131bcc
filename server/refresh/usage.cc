// SPDX-License-Identifier: Apache-2.0
#include "refresh/usage.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <mutex>
#include <utility>
#include <vector>

#include "net/loop.h"
#include "refresh/freshness.h"
#include "refresh/schedule.h"
#include "telemetry/log.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using storage::v1::Grant;

constexpr Duration kStoreTimeout = std::chrono::seconds(5);
constexpr Duration kLongestUnwritten = std::chrono::hours(1);
// A use that could not be written is not tried again before this.
constexpr Duration kPause = std::chrono::seconds(5);

// FNV-1a: the same in every replica.
uint32_t HashOf(const std::string& id) {
  uint32_t hash = 2166136261u;
  for (const char c : id) hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
  return hash;
}

// While somebody's request may be under way nothing else is written: how it ends is written only over the
// revision that its intent made.
bool RequestMayBeUnderWay(const Grant& grant, Time now) {
  return grant.has_intent() && now < FromMicros(grant.intent().end_time_us());
}

}  // namespace

bool InUse(const Grant& grant, Duration active_window, Time now) {
  const int64_t used = std::max({grant.last_used_time_us(), grant.create_time_us()});
  return now - FromMicros(used) <= active_window;
}

bool UseIsWorthWriting(const Grant& grant, Duration active_window, Time now) {
  const Duration longest = std::min<Duration>(kLongestUnwritten, active_window / 4);
  const Duration unwritten = now - FromMicros(grant.last_used_time_us());
  if (unwritten < longest * 3 / 4) return false;
  if (!IsRefreshable(grant)) return false;
  return unwritten >= longest * (768 + HashOf(grant.grant_id()) % 256) / 1024;
}

// Lives as long as the Usage or a write.
class Usage::State : public std::enable_shared_from_this<Usage::State> {
 public:
  State(const GrantRooms& rooms, boost::asio::io_context& loop, Duration active_window)
      : rooms_(rooms), loop_(loop), active_window_(active_window) {}

  void Mark(const TenantId& tenant, const Grant& grant) {
    const Time now = rooms_.store.Now();
    if (!UseIsWorthWriting(grant, active_window_, now) || RequestMayBeUnderWay(grant, now)) return;
    Key key(tenant, GrantId(grant.grant_id()));
    {
      const std::lock_guard lock(mutex_);
      const auto [entry, added] = writing_.try_emplace(key, Tick::max());
      if (!added && rooms_.clock.Steady() < entry->second) return;
      entry->second = Tick::max();
    }
    Spawn(loop_, Write(shared_from_this(), std::move(key)));
  }

  void Stop() { stopped_ = true; }

 private:
  using Key = std::pair<TenantId, GrantId>;

  static awaitable<void> Write(std::shared_ptr<State> self, Key key) {
    const bool written = co_await self->TryWrite(key.first, key.second);
    const std::lock_guard lock(self->mutex_);
    if (written) {
      self->writing_.erase(key);
    } else {
      self->writing_[key] = self->rooms_.clock.Steady() + kPause;
    }
  }

  awaitable<bool> TryWrite(TenantId tenant, GrantId id) {
    if (stopped_ || rooms_.store.HoldUntil() > rooms_.clock.Steady()) co_return false;
    absl::StatusOr<std::optional<StoredGrant>> seen = rooms_.grants.FromMemory(tenant, id);
    // Only what is provably the newest: otherwise the next use will do.
    if (!seen.ok() || !seen->has_value()) co_return false;
    Wiped<Grant> next = std::move((*seen)->grant);
    const Time now = rooms_.store.Now();
    if (RequestMayBeUnderWay(*next, now)) co_return false;
    if (!UseIsWorthWriting(*next, active_window_, now)) co_return true;
    const Provider* const provider = rooms_.catalogue.Find(ProviderId(next->provider()));
    if (provider == nullptr) co_return false;
    next->set_last_used_time_us(ToMicros(now));
    std::vector<grantkeep::Write> also;
    also.push_back(
        DueAt(Grants::KeyOf(tenant, id), DueTime(*next, provider->record(), RandomFraction(rooms_.random))));
    const absl::StatusOr<GrantCommit> commit = co_await rooms_.grants.Commit(
        tenant, std::move(next), (*seen)->revision, std::move(also), rooms_.clock.Steady() + kStoreTimeout);
    co_return commit.ok() && commit->outcome == CommitResult::Outcome::kDone;
  }

  const GrantRooms rooms_;
  boost::asio::io_context& loop_;
  const Duration active_window_;
  bool stopped_ = false;  // loop
  std::mutex mutex_;
  // Grants whose use is being written, and until when it is not tried again. Any thread.
  absl::flat_hash_map<Key, Tick> writing_;
};

Usage::Usage(const GrantRooms& rooms, boost::asio::io_context& loop, Duration active_window)
    : state_(std::make_shared<State>(rooms, loop, active_window)) {}
Usage::~Usage() = default;
void Usage::Mark(const TenantId& tenant, const Grant& grant) { state_->Mark(tenant, grant); }
void Usage::Stop() { state_->Stop(); }

}  // namespace grantkeep
