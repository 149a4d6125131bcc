// SPDX-License-Identifier: Apache-2.0
#include "refresh/due_work.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/reason.h"
#include "net/event.h"
#include "net/loop.h"
#include "provider/provider.h"
#include "refresh/due_queue.h"
#include "refresh/due_rules.h"
#include "refresh/provider_budget.h"
#include "refresh/same_server.h"
#include "refresh/schedule.h"
#include "telemetry/log.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;
using std::chrono::seconds;
using storage::v1::Grant;

constexpr Duration kStoreTimeout = seconds(5);
// Partitions that are visited at once: one after the other, with a store that is slow to answer, would take
// too long.
constexpr size_t kWalkers = 4;
constexpr size_t kBatch = 32;
// Pauses after a claim that failed.
constexpr Duration kFirstBackoff = milliseconds(500);
constexpr Duration kLongestBackoff = seconds(5);
// Outboxes that are worked on at once.
constexpr size_t kRevocations = 64;
// A line of no more than is sent in so many seconds is short.
constexpr size_t kShortLine = 3;
// Those who queue are looked at this often, whatever happens.
constexpr Duration kLook = seconds(1);

Time ExpiryOf(const Grant& grant) {
  return grant.expire_time_us() == 0 ? Time::max() : FromMicros(grant.expire_time_us());
}

}  // namespace

// Lives as long as the DueWork or anything that it has begun. Belongs to the loop.
class DueWork::State : public std::enable_shared_from_this<DueWork::State> {
 public:
  State(DueWorkRooms rooms, boost::asio::io_context& loop, const RefreshOptions& options, Revoke revoke,
        Duration round)
      : rooms_(rooms),
        loop_(loop),
        options_(options),
        revoke_(std::move(revoke)),
        between_visits_(round * kWalkers / kPartitions) {}

  void Start() {
    // Replicas that are started together do not visit together.
    const auto first = static_cast<Partition>(RandomFraction(rooms_.random) * (kPartitions - 1));
    for (size_t walker = 0; walker < kWalkers; ++walker) {
      Spawn(loop_, Walk(shared_from_this(), walker, first));
    }
  }

  void Stop() {
    stopping_ = true;
    for (auto& [provider, line] : lines_) line.changed.Set();
  }

 private:
  // The renewals of one provider.
  struct Line {
    bool served = false;
    size_t under_way = 0;
    Event changed;
  };

  // Visits every kWalkers-th partition, evenly in time, for ever.
  static awaitable<void> Walk(std::shared_ptr<State> self, size_t walker, Partition first) {
    Clock& clock = self->rooms_.clock;
    const Duration pace = self->between_visits_;
    Tick next = clock.Steady() + pace * walker / kWalkers;
    Duration backoff = kFirstBackoff;
    for (Partition at = static_cast<Partition>((first + walker) % kPartitions);;) {
      co_await clock.SleepUntil(next);
      if (self->stopping_) co_return;
      const Tick now = clock.Steady();
      next = std::max(next + pace, now);
      if (const Tick held = self->rooms_.store.HoldUntil(); held > now) {
        next = held;
        continue;
      }
      const size_t room = self->Room();
      if (room == 0) {
        next = now + pace;
        continue;
      }
      const bool claimed = co_await self->Visit(at, std::min(room, kBatch), now + kClaim);
      if (claimed) {
        backoff = kFirstBackoff;
        at = static_cast<Partition>((at + kWalkers) % kPartitions);
      } else {
        next = clock.Steady() + backoff;
        backoff = std::min(backoff * 2, kLongestBackoff);
      }
    }
  }

  // How much may be claimed. What would not fit into the queue, and be lost from the line, would be away for
  // as long as its claim: where the longest line gets short by itself, what is due waits in the index.
  // Otherwise it makes room for what others need.
  size_t Room() {
    const size_t in_hand = looked_at_ + queue_.size();
    const size_t limit = IsWorkedOff() ? kQueued : kInHand;
    return in_hand < limit ? limit - in_hand : 0;
  }

  // Whether the longest line is about to become short by itself.
  bool IsWorkedOff() {
    const ProviderId* const longest = queue_.Longest();
    if (longest == nullptr) return true;
    const std::shared_ptr<ProviderBudget> budget =
        rooms_.refresher.budgets().Of(*rooms_.catalogue.Find(*longest));
    const bool closed = budget->ClosedUntil(rooms_.clock.Steady()) > rooms_.clock.Steady();
    return !closed && queue_.size(*longest) <= kShortLine * budget->per_second_ahead();
  }

  // False when the store does not answer.
  awaitable<bool> Visit(Partition partition, size_t limit, Tick claim_end) {
    looked_at_ += limit;
    absl::StatusOr<std::vector<DueItem>> items =
        co_await rooms_.store.ClaimDue(partition, limit, kClaim, rooms_.clock.Steady() + kStoreTimeout);
    looked_at_ -= limit;
    if (!items.ok()) co_return false;
    for (DueItem& item : *items) {
      // A claim may end before its work does, when providers are slow.
      if (!in_hand_.insert(item.key).second) continue;
      ++looked_at_;
      Spawn(loop_, LookAt(shared_from_this(), DueRenewal{std::move(item.key), Time::max(), claim_end}));
    }
    co_return true;
  }

  static awaitable<void> LookAt(std::shared_ptr<State> self, DueRenewal item) {
    const Key key = item.key;
    const bool queued = !self->stopping_ && co_await self->Dispatch(std::move(item));
    --self->looked_at_;
    if (!queued) self->in_hand_.erase(key);
  }

  // True when it is queued now.
  awaitable<bool> Dispatch(DueRenewal item) {
    if (item.key.kind != Kind::kGrant) {
      co_await Clear(item.key);
      co_return false;
    }
    absl::StatusOr<std::optional<StoredGrant>> loaded = co_await Load(item.key);
    // What cannot be read now is claimed again.
    if (!loaded.ok()) co_return false;
    if (!loaded->has_value()) {
      co_await Clear(item.key);
      co_return false;
    }
    StoredGrant stored = **std::move(loaded);
    const DueStep step = StepOf(*stored.grant);
    switch (step.kind) {
      case DueStep::Kind::kRenew:
        item.expiry = ExpiryOf(*stored.grant);
        Queue(ProviderId(stored.grant->provider()), std::move(item));
        co_return true;
      case DueStep::Kind::kRevoke:
        co_await WorkOnOutbox(item.key.tenant, std::move(stored));
        break;
      case DueStep::Kind::kForget:
        Log("refresh").info("grant {}: its refresh token is forgotten; nobody has signed in again for 7 days",
                            stored.grant->grant_id());
        stored.grant->clear_refresh_token();
        co_await Rewrite(item.key, std::move(stored), Time::max());
        break;
      case DueStep::Kind::kReschedule:
        co_await Rewrite(item.key, std::move(stored), step.due);
        break;
      case DueStep::Kind::kLeave:
        break;
    }
    co_return false;
  }

  // From memory if that is provably the newest.
  awaitable<absl::StatusOr<std::optional<StoredGrant>>> Load(const Key& key) {
    const GrantId id(key.id);
    absl::StatusOr<std::optional<StoredGrant>> found = rooms_.grants.FromMemory(key.tenant, id);
    if (!found.ok() || found->has_value()) co_return found;
    found = co_await rooms_.grants.Load(key.tenant, id, rooms_.clock.Steady() + kStoreTimeout);
    co_return found;
  }

  DueStep StepOf(const Grant& grant) const {
    const Provider* const provider = rooms_.catalogue.Find(ProviderId(grant.provider()));
    const bool known = ServerOf(provider, grant).ok();
    return NextDueStep(grant, known ? &provider->record() : nullptr, options_, RandomFraction(rooms_.random),
                       rooms_.store.Now());
  }

  // The entry goes with the record: whoever has written it meanwhile has set the entry, too, and is not
  // overruled.
  awaitable<void> Rewrite(const Key& key, StoredGrant stored, Time due) {
    std::vector<Write> also;
    also.push_back(DueAt(key, due));
    const absl::StatusOr<GrantCommit> commit =
        co_await rooms_.grants.Commit(key.tenant, std::move(stored.grant), stored.revision, std::move(also),
                                      rooms_.clock.Steady() + kStoreTimeout);
    // Otherwise it is claimed again.
    commit.status().IgnoreError();
  }

  // There is nothing under this key that could be worked on.
  awaitable<void> Clear(const Key& key) {
    std::vector<Write> writes;
    writes.emplace_back(ClearDue{key});
    const absl::StatusOr<CommitResult> commit =
        co_await rooms_.store.Commit(std::move(writes), rooms_.clock.Steady() + kStoreTimeout);
    commit.status().IgnoreError();
  }

  awaitable<void> WorkOnOutbox(TenantId tenant, StoredGrant tombstone) {
    if (revoke_ == nullptr || revocations_ >= kRevocations) co_return;
    ++revocations_;
    co_await revoke_(std::move(tenant), std::move(tombstone));
    --revocations_;
  }

  void Queue(const ProviderId& provider, DueRenewal renewal) {
    const std::optional<DueRenewal> lost = queue_.Push(provider, std::move(renewal));
    if (lost.has_value()) in_hand_.erase(lost->key);
    Line& line = lines_[provider];
    if (std::exchange(line.served, true)) return;
    Spawn(loop_, Serve(shared_from_this(), provider));
  }

  // Begins what is queued for a provider as its budget allows.
  static awaitable<void> Serve(std::shared_ptr<State> self, ProviderId id) {
    Clock& clock = self->rooms_.clock;
    Line& line = self->lines_[id];
    // Queued are those whose provider is known.
    const std::shared_ptr<ProviderBudget> budget =
        self->rooms_.refresher.budgets().Of(*self->rooms_.catalogue.Find(id));
    while (!self->stopping_ && self->queue_.size(id) > 0) {
      const Tick now = clock.Steady();
      const Tick closed = budget->ClosedUntil(now);
      if (closed > now || line.under_way >= budget->places_ahead()) {
        for (const DueRenewal& lapsed : self->queue_.DropLapsed(id, now)) self->in_hand_.erase(lapsed.key);
        Event changed;
        line.changed = changed;
        co_await changed.Wait(clock, closed > now ? std::min(closed, now + kLook) : now + kLook);
        continue;
      }
      DueRenewal next = *self->queue_.Pop(id);
      if (next.claim_end <= now) {
        self->in_hand_.erase(next.key);
        continue;
      }
      ++line.under_way;
      Spawn(self->loop_, Renew(self, id, std::move(next)));
    }
    line.served = false;
  }

  static awaitable<void> Renew(std::shared_ptr<State> self, ProviderId id, DueRenewal renewal) {
    absl::StatusOr<std::optional<StoredGrant>> loaded = co_await self->Load(renewal.key);
    // While it was queued somebody may have renewed it, and set the entry.
    if (loaded.ok() && loaded->has_value() && self->StepOf(*(*loaded)->grant).kind == DueStep::Kind::kRenew) {
      co_await self->rooms_.refresher.RenewAhead(renewal.key.tenant, **std::move(loaded), renewal.claim_end);
    }
    self->in_hand_.erase(renewal.key);
    Line& line = self->lines_[id];
    --line.under_way;
    line.changed.Set();
  }

  const DueWorkRooms rooms_;
  boost::asio::io_context& loop_;
  const RefreshOptions options_;
  const Revoke revoke_;
  const Duration between_visits_;  // of one walker
  bool stopping_ = false;
  size_t looked_at_ = 0;  // claimed, or being claimed, and not queued
  size_t revocations_ = 0;
  absl::flat_hash_set<Key> in_hand_;
  DueQueue queue_{kQueued};
  std::map<ProviderId, Line> lines_;
};

DueWork::DueWork(DueWorkRooms rooms, boost::asio::io_context& loop, const RefreshOptions& options,
                 Revoke revoke, Duration round)
    : state_(std::make_shared<State>(rooms, loop, options, std::move(revoke), round)) {}
DueWork::~DueWork() = default;
void DueWork::Start() { state_->Start(); }
void DueWork::Stop() { state_->Stop(); }

}  // namespace grantkeep
