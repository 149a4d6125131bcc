// SPDX-License-Identifier: Apache-2.0
#include "refresh/transaction.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "refresh/freshness.h"
#include "refresh/grant_changes.h"
#include "refresh/outbox.h"
#include "refresh/schedule.h"
#include "refresh/token_failure.h"
#include "telemetry/log.h"
#include "vault/currency.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Outcome = CommitResult::Outcome;

constexpr Duration kStoreTimeout = seconds(5);
// The lease outlives the call by this much: enough to write the outcome.
constexpr Duration kLeaseMargin = seconds(15);
// A call with less time than this is not begun.
constexpr Duration kShortestCall = milliseconds(500);
constexpr int kMaxBeginTries = 16;
// Tries at writing an intent while nobody knows whether it was written, and the pause after the first.
constexpr int kIntentTries = 3;
constexpr Duration kIntentRetry = milliseconds(50);
constexpr Duration kFirstStoreRetry = milliseconds(50);
constexpr Duration kMaxStoreRetry = seconds(5);

// A commit that failed in a way that leaves open whether it was done.
bool MayBeDone(const absl::Status& status) { return IsOutage(status) || !ReasonOf(status).has_value(); }

}  // namespace

RefreshTransaction::RefreshTransaction(RefreshRooms rooms, ProviderBudgets& budgets,
                                       std::shared_ptr<Turn> turn, TenantId tenant, StoredGrant seen,
                                       bool forced, std::function<void(const StoredGrant&)> serve_unsaved)
    : rooms_(rooms),
      budgets_(budgets),
      turn_(std::move(turn)),
      tenant_(std::move(tenant)),
      id_(seen.grant->grant_id()),
      generation_{seen.grant->generation()},
      forced_(forced),
      serve_unsaved_(std::move(serve_unsaved)),
      owner_(RandomToken(rooms.random, 16)),
      provider_(rooms.catalogue.Find(ProviderId(seen.grant->provider()))),
      current_(std::move(seen)) {}

awaitable<RefreshResult> RefreshTransaction::Run() {
  absl::StatusOr<TokenServer> server = ServerOf(provider_, *current_->grant);
  if (!server.ok()) co_return Ended(server.status());
  server_ = *std::move(server);

  if (rooms_.recovery != nullptr) {
    // What an earlier process was granted for this token comes first: the token is spent.
    const absl::Status settled = co_await rooms_.recovery->Settle(tenant_, id_);
    if (!settled.ok()) co_return Ended(settled);
  }
  std::optional<RefreshResult> ended = co_await Begin();
  if (ended.has_value()) co_return std::move(*ended);
  Step(RefreshStep::kBegun);
  TokenOutcome outcome = co_await CallProvider();
  permit_.reset();
  Step(RefreshStep::kAnswered);
  RefreshResult result = co_await Finish(std::move(outcome));
  // A grant that is gone has left its tokens nowhere else to be.
  if (copy_ != nullptr && result.grant.has_value()) rooms_.recovery->Discard(tenant_, id_, generation_);
  co_return result;
}

awaitable<std::optional<RefreshResult>> RefreshTransaction::Begin() {
  const Duration call_limit = provider_->request_timeout();
  ChangeWaiters::Armed change = rooms_.grants.ChangeOf(tenant_, id_);
  // What was read before the waiter was armed may have changed without waking it.
  bool armed = false;
  for (int tries = 0; tries < kMaxBeginTries; ++tries) {
    const absl::Status held = co_await WaitOutHold();
    if (!held.ok()) co_return Ended(held);
    if (!current_.has_value() || current_->grant->state() == Grant::STATE_REVOKED) {
      co_return Ended(Error(Reason::kGrantNotFound, "grant_id: no such grant"));
    }
    const Grant& grant = *current_->grant;
    // Somebody else has refreshed it, or the user has signed in again.
    if (grant.generation() != generation_.value) co_return Ended(absl::OkStatus());
    if (!IsRefreshable(grant)) co_return Ended(absl::OkStatus());

    const Time now = rooms_.store.Now();
    const Time intent_end = FromMicros(grant.intent().end_time_us());
    if (grant.has_intent() && now < intent_end) {
      // Somebody's request may still be under way; nobody presents the token before its end, or before
      // it is known how that request ended.
      const Tick until = armed ? rooms_.clock.Steady() + (intent_end - now) : Tick::min();
      const absl::Status reloaded = co_await WaitForChange(change, until);
      if (!reloaded.ok()) co_return Ended(reloaded);
      armed = true;
      continue;
    }

    const Presentation presentation = MayPresent(grant, provider_->record(), call_limit, forced_, now);
    const absl::Status unknown = RetryableError(
        Reason::kProviderError,
        fmt::format("the outcome of the last refresh at '{}' is not known", grant.provider()), seconds(1));
    bool begun = false;
    std::optional<RefreshResult> ended;
    if (presentation == Presentation::kNever) {
      ended = co_await Enter(Grant::STATE_NEEDS_REAUTH, "IN_DOUBT", absl::OkStatus(), change);
    } else if (presentation == Presentation::kNotWhileValid ||
               (presentation == Presentation::kLast && rooms_.refusals->Paused(provider_->id()))) {
      ended = co_await Enter(Grant::STATE_IN_DOUBT, "NO_ANSWER", unknown, change);
    } else if (!permit_.has_value()) {
      // Time passes in the queue: what was decided is decided again.
      ended = co_await TakePermit();
    } else {
      ended = co_await TryBegin(presentation == Presentation::kLast, change, begun);
    }
    if (begun || ended.has_value()) co_return ended;
  }
  co_return Ended(
      Error(Reason::kStoreUnavailable, "the grant's record is changing too fast to be refreshed"));
}

awaitable<std::optional<RefreshResult>> RefreshTransaction::TakePermit() {
  const std::shared_ptr<ProviderBudget> budget = budgets_.Of(*provider_);
  absl::StatusOr<RequestPermit> permit = co_await budget->Take(turn_);
  if (!permit.ok()) co_return Ended(permit.status());
  permit_.emplace(*std::move(permit));
  co_return std::nullopt;
}

awaitable<absl::Status> RefreshTransaction::WaitOutHold() {
  bool held = false;
  for (Tick until; (until = rooms_.store.HoldUntil()) > rooms_.clock.Steady(); held = true) {
    permit_.reset();
    co_await rooms_.clock.SleepUntil(until);
  }
  if (!held) co_return absl::OkStatus();
  const absl::Status reloaded = co_await Reload();
  co_return reloaded;
}

awaitable<absl::Status> RefreshTransaction::WaitForChange(ChangeWaiters::Armed& change, Tick until) {
  permit_.reset();  // others may ask meanwhile
  co_await change.Wait(rooms_.clock, until);
  change.Rearm();
  const absl::Status reloaded = co_await Reload();
  co_return reloaded;
}

awaitable<std::optional<RefreshResult>> RefreshTransaction::WaitOutLease(const GrantCommit& leased,
                                                                         ChangeWaiters::Armed& change) {
  // Whoever has the lease is about to write how its request ended.
  const Duration left = std::max(Duration(0), leased.lease_end - leased.store_time);
  const absl::Status reloaded = co_await WaitForChange(change, rooms_.clock.Steady() + left);
  if (!reloaded.ok()) co_return Ended(reloaded);
  co_return std::nullopt;
}

awaitable<bool> RefreshTransaction::EndLeaseOfIntent() {
  const std::string owner = current_->grant->intent().owner();
  if (owner.empty() || owner == ended_lease_of_) co_return false;
  ended_lease_of_ = owner;
  std::vector<Write> writes;
  writes.push_back(EndLease{key(), owner});
  const absl::StatusOr<CommitResult> commit =
      co_await rooms_.store.Commit(std::move(writes), rooms_.clock.Steady() + kStoreTimeout);
  co_return commit.ok();
}

awaitable<std::optional<RefreshResult>> RefreshTransaction::TryBegin(bool last_attempt,
                                                                     ChangeWaiters::Armed& change,
                                                                     bool& begun) {
  absl::StatusOr<GrantCommit> commit = co_await CommitIntent(last_attempt);
  if (!commit.ok()) co_return Ended(commit.status());
  switch (commit->outcome) {
    case Outcome::kDone:
      before_ = std::move(current_->grant);
      current_ = std::move(commit->current);
      lease_end_ = asked_ + provider_->request_timeout() + kLeaseMargin;
      call_end_ = asked_ + provider_->request_timeout();
      begun = true;
      co_return std::nullopt;
    case Outcome::kLeased: {
      // A grace period is shorter than what a dead process's lease may last beyond its intent.
      if (!last_attempt && co_await EndLeaseOfIntent()) co_return std::nullopt;
      std::optional<RefreshResult> ended = co_await WaitOutLease(*commit, change);
      co_return ended;
    }
    case Outcome::kRevisionMismatch:
    case Outcome::kLeaseLost:
      current_ = std::move(commit->current);
      co_return std::nullopt;
  }
  co_return std::nullopt;
}

awaitable<absl::StatusOr<GrantCommit>> RefreshTransaction::CommitIntent(bool last_attempt) {
  const Duration call_limit = provider_->request_timeout();
  const Tick first_asked = rooms_.clock.Steady();
  const Tick deadline = first_asked + kStoreTimeout;
  for (int tries = 1;; ++tries) {
    const Time now = rooms_.store.Now();
    Wiped<Grant> with_intent = current_->grant.Clone();
    RecordIntent(*with_intent, owner_, call_limit, last_attempt, forced_, now);
    std::vector<Write> also;
    also.push_back(TakeLease{key(), owner_, call_limit + kLeaseMargin});
    also.push_back(SetDue{key(), now + call_limit});
    asked_ = rooms_.clock.Steady();
    absl::StatusOr<GrantCommit> commit = co_await rooms_.grants.Commit(
        tenant_, std::move(with_intent), current_->revision, std::move(also), deadline);
    if (commit.ok()) {
      const bool ours = commit->outcome == Outcome::kRevisionMismatch && commit->current.has_value() &&
                        commit->current->grant->has_intent() &&
                        commit->current->grant->intent().owner() == owner_;
      if (!ours) co_return commit;
      // A try before this one was done after all: nothing has been sent, and nobody else's turn it is.
      // Which one is not known; its lease began with the first at the earliest.
      asked_ = first_asked;
      commit->outcome = Outcome::kDone;
      co_return commit;
    }
    const Tick again = rooms_.clock.Steady() + kIntentRetry * tries;
    if (!MayBeDone(commit.status()) || tries == kIntentTries || again >= deadline) co_return commit;
    // Another server may be the master now, and not know what others have written.
    if (rooms_.store.HoldUntil() > again) co_return commit;
    co_await rooms_.clock.SleepUntil(again);
  }
}

awaitable<TokenOutcome> RefreshTransaction::CallProvider() {
  const Grant& grant = *current_->grant;
  const Tick now = rooms_.clock.Steady();
  if (call_end_ - now < kShortestCall || lease_end_ - now < kShortestCall || rooms_.store.HoldUntil() > now) {
    // The store has failed over or was slow, or this process was stopped, since the intent: the record
    // may not be the newest that there was, or the call would outlive what
    // the intent says, and then the lease. Whoever is stopped behind this line finds the same when the
    // request is about to be sent: its deadline has passed.
    TokenOutcome late;
    late.kind = TokenOutcome::Kind::kNotSent;
    late.status = RetryableError(Reason::kStoreUnavailable,
                                 "too little time was left of the lease on the grant", seconds(1));
    co_return late;
  }
  // Expiry counts from here (RFC 6749 section 5.1), on the clock that it will be judged by.
  const Time sent = rooms_.store.Now();
  Step(RefreshStep::kSending);
  TokenOutcome outcome = co_await provider_->Refresh(
      server_.token_endpoint, server_.discovered, Secret(grant.refresh_token()), grant.redirect_uri(),
      std::vector<std::string>(grant.resource().begin(), grant.resource().end()), call_end_);
  outcome.sent_time = sent;
  permit_->Report(outcome, id_);
  co_return outcome;
}

awaitable<RefreshResult> RefreshTransaction::Finish(TokenOutcome outcome) {
  if (outcome.kind == TokenOutcome::Kind::kGranted) {
    if (!outcome.status.ok() && !outcome.tokens.refresh_token.has_value()) {
      // Nothing in the answer can be used: for the token it is as if the answer had been lost.
      outcome.kind = TokenOutcome::Kind::kInDoubt;
    } else {
      RefreshResult installed = co_await Install(std::move(outcome));
      co_return installed;
    }
  }
  RefreshResult demoted = co_await Demote(std::move(outcome));
  co_return demoted;
}

awaitable<RefreshResult> RefreshTransaction::Install(TokenOutcome outcome) {
  rooms_.refusals->CountGranted(provider_->id(), tenant_, id_);
  Duration wait = kFirstStoreRetry;
  bool served = false;
  for (;;) {
    // A store that has lost writes may have gone back behind the grant that was refreshed.
    const bool behind = current_->grant->generation() < generation_.value;
    Wiped<Grant> next = behind ? before_->Clone() : current_->grant.Clone();
    InstallTokens(*next, outcome, provider_->record(), rooms_.store.Now());
    // The API refuses the old access token: it must not come back as a newer generation.
    if (forced_ && !outcome.status.ok()) next->clear_access_token();
    std::vector<Write> also;
    also.push_back(EndLease{key(), owner_});
    also.push_back(Due(*next));
    const Revision replaces = current_->revision;
    Wiped<Grant> unsaved = next.Clone();
    absl::StatusOr<GrantCommit> commit = co_await rooms_.grants.Commit(
        tenant_, std::move(next), replaces, std::move(also), rooms_.clock.Steady() + kStoreTimeout);

    if (!commit.ok()) {
      // The tokens exist nowhere but here: serve them, and go on until the store has them.
      Log("refresh").error("grant {}: new tokens are not stored yet: {}", id_.value(),
                           std::string(commit.status().message()));
      if (!served && outcome.status.ok()) {
        serve_unsaved_(StoredGrant{replaces, unsaved.Clone()});
        served = true;
      }
      Step(RefreshStep::kUnsaved);
      co_await KeepForRecovery(*unsaved);
      co_await rooms_.clock.SleepUntil(rooms_.clock.Steady() + wait);
      wait = std::min(wait * 2, kMaxStoreRetry);
      continue;
    }
    if (commit->outcome == Outcome::kDone) {
      Step(RefreshStep::kStored);
      if (wait > kFirstStoreRetry)
        Log("refresh").info("grant {}: its new tokens are stored now", id_.value());
      current_ = std::move(commit->current);
      co_return Ended(outcome.status);
    }
    // Whatever happened to the record meanwhile, the new set is installed while the stored
    // generation is still ours, or one that came before. A newer one wins, and ours is dropped, never
    // revoked: that would kill the family.
    if (!commit->current.has_value() || commit->current->grant->state() == Grant::STATE_REVOKED) {
      current_ = std::move(commit->current);
      // Nobody can use the tokens any more, and they are not left alive at the provider.
      if (current_.has_value()) {
        co_await HandToOutbox(rooms_, tenant_, *current_, outcome.tokens, owner_);
      }
      co_return Ended(Error(Reason::kGrantNotFound, "grant_id: no such grant"));
    }
    current_ = std::move(commit->current);
    if (current_->grant->generation() > generation_.value) co_return Ended(absl::OkStatus());
  }
}

awaitable<RefreshResult> RefreshTransaction::Demote(TokenOutcome outcome) {
  if (outcome.invalid_grant() && rooms_.refusals->Doubt(provider_->id(), tenant_, id_)) {
    Disbelieve(outcome, provider_->id());
  }
  const Time now = rooms_.store.Now();
  Wiped<Grant> next = current_->grant.Clone();
  const Grant::State state =
      RecordFailure(*next, **before_, outcome, provider_->record(), RandomFraction(rooms_.random), now);
  Log("refresh").warn("grant {}: refresh at '{}' failed: {}", id_.value(), next->provider(),
                      std::string(outcome.status.message()));
  const bool may_repeat =
      outcome.kind == TokenOutcome::Kind::kInDoubt && state != Grant::STATE_NEEDS_REAUTH &&
      MayPresent(*next, provider_->record(), provider_->request_timeout(), forced_, now) ==
          Presentation::kAllowed;
  const absl::Status status = state == Grant::STATE_NEEDS_REAUTH ? absl::OkStatus() : Describe(outcome);

  // A loser never demotes a winner: lease and revision must be unchanged.
  std::vector<Write> also;
  also.push_back(RequireLease{key(), owner_});
  also.push_back(EndLease{key(), owner_});
  also.push_back(Due(*next));
  // Tried for as long as the lease lasts: an intent that stays would cast doubt on a token that was
  // not consumed.
  for (Duration wait = kFirstStoreRetry;; wait = std::min(wait * 2, kMaxStoreRetry)) {
    absl::StatusOr<GrantCommit> commit = co_await rooms_.grants.Commit(
        tenant_, next.Clone(), current_->revision, also, rooms_.clock.Steady() + kStoreTimeout);
    if (commit.ok()) {
      Step(RefreshStep::kStored);
      if (commit->current.has_value()) current_ = std::move(commit->current);
      co_return Ended(status, may_repeat && commit->outcome == Outcome::kDone);
    }
    if (rooms_.clock.Steady() + wait >= lease_end_) co_return Ended(commit.status());
    co_await rooms_.clock.SleepUntil(rooms_.clock.Steady() + wait);
  }
}

awaitable<std::optional<RefreshResult>> RefreshTransaction::Enter(Grant::State state, std::string reason,
                                                                  absl::Status status,
                                                                  ChangeWaiters::Armed& change) {
  if (current_->grant->state() == state) co_return Ended(status);
  Wiped<Grant> next = current_->grant.Clone();
  EnterState(*next, state, reason, rooms_.store.Now());
  if (state == Grant::STATE_NEEDS_REAUTH) next->clear_intent();
  // Nobody else has the lease.
  std::vector<Write> also;
  also.push_back(TakeLease{key(), owner_, kShortestCall});
  also.push_back(EndLease{key(), owner_});
  also.push_back(Due(*next));
  absl::StatusOr<GrantCommit> commit = co_await rooms_.grants.Commit(
      tenant_, std::move(next), current_->revision, std::move(also), rooms_.clock.Steady() + kStoreTimeout);
  if (!commit.ok()) co_return Ended(commit.status());
  if (commit->outcome == Outcome::kLeased) {
    std::optional<RefreshResult> ended = co_await WaitOutLease(*commit, change);
    co_return ended;
  }
  current_ = std::move(commit->current);
  if (commit->outcome != Outcome::kDone) co_return std::nullopt;
  co_return Ended(status);
}

awaitable<void> RefreshTransaction::KeepForRecovery(const Grant& unsaved) {
  const bool kept = copy_ != nullptr && !copy_->failed;
  if (rooms_.recovery == nullptr || kept) co_return;
  Wiped<Grant> tokens = TokensOf(unsaved, owner_, rooms_.store.identity().epoch);
  // The transaction may be gone when the file is written.
  std::function<void()> written = [on_step = rooms_.on_step] {
    if (on_step) on_step(RefreshStep::kRecoveryWritten);
  };
  copy_ = co_await rooms_.recovery->Keep(tenant_, id_, generation_, std::move(tokens), std::move(written));
}

void RefreshTransaction::Step(RefreshStep step) const {
  if (rooms_.on_step) rooms_.on_step(step);
}

awaitable<absl::Status> RefreshTransaction::Reload() {
  absl::StatusOr<std::optional<StoredGrant>> loaded =
      co_await rooms_.grants.Load(tenant_, id_, rooms_.clock.Steady() + kStoreTimeout);
  if (!loaded.ok()) co_return loaded.status();
  current_ = std::move(*loaded);
  co_return absl::OkStatus();
}

RefreshResult RefreshTransaction::Ended(absl::Status status, bool may_repeat) {
  RefreshResult result;
  result.status = std::move(status);
  // The time that ran out is this transaction's: those who wait for it may have plenty.
  if (HasReason(result.status, Reason::kDeadline)) {
    result.status = Error(Reason::kStoreUnavailable, std::string(result.status.message()));
  }
  result.grant = std::move(current_);
  result.may_repeat = may_repeat;
  return result;
}

absl::Status RefreshTransaction::Describe(const TokenOutcome& outcome) const {
  absl::Status failure = FailureOf(outcome, provider_->id());
  if (RetryAfterOf(failure).has_value() || HasReason(failure, Reason::kClientMisconfigured)) return failure;
  return RetryableError(ReasonOf(failure).value_or(Reason::kProviderError),
                        std::string_view(failure.message().data(), failure.message().size()),
                        outcome.retry_after.value_or(seconds(1)));
}

Write RefreshTransaction::Due(const Grant& grant) const {
  return DueAt(key(), DueTime(grant, provider_->record(), RandomFraction(rooms_.random)));
}

Key RefreshTransaction::key() const { return Grants::KeyOf(tenant_, id_); }

}  // namespace grantkeep
