// SPDX-License-Identifier: Apache-2.0
#include "refresh/grant_watches.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/reason.h"
#include "net/loop.h"
#include "refresh/freshness.h"
#include "vault/currency.h"
#include "vault/store_changes.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;

// How long one look at a grant may take.
constexpr Duration kLookLimit = std::chrono::seconds(2);

// What a watcher has in hand of a grant: news that say the same are none.
struct Told {
  bool not_found = false;
  bool unverified = false;
  bool known = false;
  bool has_token = false;
  uint64_t generation = 0;
  int state = 0;
  std::string reason;
  friend bool operator==(const Told&, const Told&) = default;
};

Told ToldBy(const GrantNews& news) {
  Told told;
  told.not_found = news.not_found;
  told.unverified = news.unverified;
  told.known = news.stored.has_value();
  told.has_token = news.token_is_valid;
  if (told.known) {
    told.generation = news.stored->grant->generation();
    told.state = news.stored->grant->state();
    told.reason = news.stored->grant->state_reason();
  }
  return told;
}

// Whether everything that others write is reported.
bool ChangesAreReported(const Store& store, const Clock& clock) {
  return IsCurrent(store, clock, store.epoch());
}

}  // namespace

// Lives as long as the GrantWatches, a watch, or the coroutine that asks for the proof.
struct GrantWatches::State : std::enable_shared_from_this<State> {
  State(Refresher& refresher_, Store& store_, Clock& clock_, boost::asio::io_context& loop_)
      : refresher(refresher_), store(store_), clock(clock_), loop(loop_) {}

  // What decides how every grant looks, beside its record.
  struct Proof {
    bool reported;
    CoherenceEpoch epoch;
    uint64_t adopted_in;
    friend bool operator==(const Proof&, const Proof&) = default;
  };
  Proof Ask() const { return {ChangesAreReported(store, clock), store.epoch(), store.adopted_in()}; }

  // While anybody watches: when changes have ceased to be reported, or are again, everything is looked
  // at.
  static awaitable<void> AskForProof(std::shared_ptr<State> self) {
    Proof last = self->Ask();
    while (!self->inboxes.empty()) {
      co_await self->clock.SleepUntil(self->clock.Steady() + kProofInterval);
      const Proof now = self->Ask();
      if (now != last) self->inboxes.TellAll();
      last = now;
    }
    self->asking = false;
  }

  Refresher& refresher;
  Store& store;
  Clock& clock;
  boost::asio::io_context& loop;
  ChangeInboxes inboxes;
  // The loop's.
  bool asking = false;
  Tick outage_until;  // the store was found away: nobody waits for it before this
  StoreChanges::Subscription told;
};

struct GrantWatches::Watch::Watched {
  WatchedGrant name;
  std::optional<Told> told;
  bool queued = false;
  Revision at_least = 0;  // what the record is known to have reached
  Tick next_look = Tick::max();
};

GrantWatches::GrantWatches(Refresher& refresher, Store& store, StoreChanges& changes, Clock& clock,
                           boost::asio::io_context& loop)
    : state_(std::make_shared<State>(refresher, store, clock, loop)) {
  const ChangeInboxes inboxes = state_->inboxes;
  state_->told = changes.OnChange(Kind::kGrant, [inboxes](const Change& change) { inboxes.Tell(change); });
  refresher.OnUnsaved([inboxes](const TenantId& tenant, const GrantId& grant) {
    inboxes.Tell({Grants::KeyOf(tenant, grant), 0});
  });
}

GrantWatches::~GrantWatches() { state_->told = StoreChanges::Subscription(); }

std::unique_ptr<GrantWatches::Watch> GrantWatches::Open(TenantId tenant, std::vector<WatchedGrant> grants) {
  auto watch = std::make_unique<Watch>(state_, std::move(tenant), std::move(grants));
  if (!std::exchange(state_->asking, true)) Spawn(state_->loop, State::AskForProof(state_));
  return watch;
}

GrantWatches::Watch::Watch(std::shared_ptr<State> state, TenantId tenant, std::vector<WatchedGrant> grants)
    : state_(std::move(state)), tenant_(std::move(tenant)) {
  std::vector<Key> keys;
  keys.reserve(grants.size());
  grants_.resize(grants.size());
  for (size_t place = 0; place < grants.size(); ++place) {
    keys.push_back(Grants::KeyOf(tenant_, grants[place].grant));
    grants_[place].name = std::move(grants[place]);
    Enqueue(place);
  }
  // Before the first look, so that no change falls between the two.
  inbox_ = state_->inboxes.Open(state_->loop, std::move(keys));
}

GrantWatches::Watch::~Watch() = default;

void GrantWatches::Watch::Enqueue(size_t place, Revision at_least) {
  Watched& watched = grants_[place];
  watched.at_least = std::max(watched.at_least, at_least);
  if (std::exchange(watched.queued, true)) return;
  queue_.push_back(place);
}

void GrantWatches::Watch::End() {
  ended_ = true;
  inbox_->Ring();
}

Tick GrantWatches::Watch::Collect() {
  for (const ChangeInboxes::Note& note : inbox_->Take()) Enqueue(note.place, note.revision);
  if (!queue_.empty()) return Tick::min();
  const Tick now = state_->clock.Steady();
  Tick next = Tick::max();
  for (size_t place = 0; place < grants_.size(); ++place) {
    if (grants_[place].next_look <= now) {
      Enqueue(place);
    } else {
      next = std::min(next, grants_[place].next_look);
    }
  }
  return queue_.empty() ? next : Tick::min();
}

awaitable<std::optional<GrantNews>> GrantWatches::Watch::Next() {
  while (!ended_) {
    const Tick wake = Collect();
    if (wake > Tick::min()) {
      co_await inbox_->Wait(state_->clock, wake);
      continue;
    }
    const size_t place = queue_.front();
    queue_.pop_front();
    Watched& watched = grants_[place];
    watched.queued = false;
    GrantNews news = co_await Look(place, std::exchange(watched.at_least, 0));
    watched.next_look = NextLook(news);
    Told told = ToldBy(news);
    if (watched.told == told) continue;
    watched.told = std::move(told);
    if (!ended_) co_return std::optional<GrantNews>(std::move(news));
  }
  co_return std::nullopt;
}

awaitable<GrantNews> GrantWatches::Watch::Look(size_t place, Revision at_least) {
  const std::shared_ptr<State> state = state_;
  const WatchedGrant& name = grants_[place].name;
  const Tick now = state->clock.Steady();
  const Tick deadline = now < state->outage_until ? now : now + kLookLimit;
  absl::StatusOr<SeenGrant> seen =
      co_await state->refresher.Observe(tenant_, name.subject, name.grant, at_least, deadline);
  GrantNews news;
  news.place = place;
  if (HasReason(seen.status(), Reason::kGrantNotFound)) {
    news.not_found = true;
    co_return news;
  }
  // Whatever keeps the grant from being read: what was told of it last is not to be trusted any longer.
  news.unverified = !seen.ok() || seen->unverified;
  if ((news.unverified && seen.ok()) || IsOutage(seen.status())) {
    if (deadline > now) state->outage_until = state->clock.Steady() + kLookAgainInDoubt;
  }
  if (!seen.ok()) co_return news;
  news.stored = std::move(seen->stored);
  news.token_is_valid = news.stored->grant->state() != storage::v1::Grant::STATE_REVOKED &&
                        TokenIsValid(*news.stored->grant, state->store.Now());
  co_return news;
}

Tick GrantWatches::Watch::NextLook(const GrantNews& news) const {
  const bool in_doubt = news.unverified || !ChangesAreReported(state_->store, state_->clock);
  Duration pause = in_doubt ? kLookAgainInDoubt : kLookAgain;
  if (news.stored.has_value()) {
    const storage::v1::Grant& grant = *news.stored->grant;
    const Time now = state_->store.Now();
    const auto look_at = [&](Time time) {
      if (time > now && time - now < pause) pause = time - now;
    };
    if (news.token_is_valid && grant.expire_time_us() != 0) look_at(FromMicros(grant.expire_time_us()));
    if (IsRefreshable(grant)) {
      look_at(RenewTime(grant));
      look_at(FromMicros(grant.not_before_us()));
    }
  }
  return state_->clock.Steady() + pause;
}

}  // namespace grantkeep
