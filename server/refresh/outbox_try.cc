// SPDX-License-Identifier: Apache-2.0
#include "refresh/outbox_try.h"

#include <algorithm>
#include <utility>

#include "refresh/outbox.h"
#include "refresh/same_server.h"
#include "telemetry/log.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Outcome = CommitResult::Outcome;
using storage::v1::Grant;
using storage::v1::Outbox;

constexpr Duration kStoreTimeout = seconds(5);
constexpr Duration kFirstStoreRetry = milliseconds(50);
constexpr Duration kMaxStoreRetry = seconds(2);
constexpr int kSettleTries = 6;
constexpr int kLeaseTries = 3;

RevocationOutcome Unanswered(absl::Status why) {
  RevocationOutcome outcome;
  outcome.status = std::move(why);
  return outcome;
}

}  // namespace

OutboxTry::OutboxTry(const GrantRooms& rooms, TenantId tenant, StoredGrant tombstone, std::string owner,
                     Lease lease)
    : rooms_(rooms),
      tenant_(std::move(tenant)),
      id_(tombstone.grant->grant_id()),
      tombstone_(std::move(tombstone)),
      owner_(std::move(owner)),
      lease_(lease) {}

awaitable<OutboxTry::Result> OutboxTry::Run() {
  Result result;
  if (lease_ == Lease::kTaken) {
    const bool go_on = co_await TakeTheLease(result);
    if (!go_on) co_return result;
  }
  co_await Ask();
  result.state = co_await Settle();
  co_return result;
}

awaitable<bool> OutboxTry::TakeTheLease(Result& result) {
  const Key key = Grants::KeyOf(tenant_, id_);
  absl::StatusOr<CommitResult> taken = absl::UnknownError("");
  // When nobody knows whether it was taken, taking it again is the same.
  for (int tries = 1; tries <= kLeaseTries && !taken.ok(); ++tries) {
    if (tries > 1) co_await rooms_.clock.SleepUntil(rooms_.clock.Steady() + kFirstStoreRetry);
    std::vector<Write> writes;
    writes.push_back(TakeLease{key, owner_, kLease});
    taken = co_await rooms_.store.Commit(std::move(writes), rooms_.clock.Steady() + kStoreTimeout);
  }
  if (!taken.ok()) {
    Log("refresh").warn("grant {}: its revocation at '{}' is not tried: {}", id_.value(),
                        tombstone_.grant->provider(), std::string(taken.status().message()));
    co_return false;
  }
  if (taken->outcome != Outcome::kDone) {
    result.under_way_elsewhere = true;
    result.lease_left = std::max(Duration(0), taken->lease_end - taken->store_time);
    co_return false;
  }
  // Whoever had it before may have done the work.
  absl::StatusOr<std::optional<StoredGrant>> loaded =
      co_await rooms_.grants.Load(tenant_, id_, rooms_.clock.Steady() + kStoreTimeout);
  if (!loaded.ok() || !loaded->has_value()) co_return false;
  if ((*loaded)->grant->state() != Grant::STATE_REVOKED) co_return false;
  tombstone_ = std::move(**loaded);
  co_return true;
}

awaitable<void> OutboxTry::Ask() {
  *asked_ = tombstone_.grant->outbox();
  const Tick deadline = rooms_.clock.Steady() + kTime;
  Provider* const provider = rooms_.catalogue.Find(ProviderId(tombstone_.grant->provider()));
  const absl::StatusOr<TokenServer> server = ServerOf(provider, *tombstone_.grant);
  for (const Outbox::Tokens& set : asked_->tokens()) {
    if (!server.ok()) {
      // It may be put back into the configuration.
      outcomes_.push_back(Unanswered(server.status()));
    } else {
      RevocableTokens tokens{Secret(set.refresh_token()), Secret(set.access_token())};
      RevocationOutcome outcome = co_await provider->Revoke(server->revocation_endpoint, server->discovered,
                                                            std::move(tokens), deadline);
      outcomes_.push_back(std::move(outcome));
    }
    if (!outcomes_.back().confirmed()) failure_ = outcomes_.back().status;
  }
}

awaitable<OutboxState> OutboxTry::Settle() {
  const Key key = Grants::KeyOf(tenant_, id_);
  const double jitter = RandomFraction(rooms_.random);
  OutboxState state = OutboxState::kTryLater;
  Duration wait = kFirstStoreRetry;
  for (int tries = 0; tries < kSettleTries; ++tries) {
    Wiped<Grant> next = tombstone_.grant.Clone();
    state = SettleOutbox(*next, *asked_, outcomes_, jitter, rooms_.store.Now());
    std::vector<Write> also;
    also.push_back(EndLease{key, owner_});
    also.push_back(OutboxDue(rooms_, tenant_, *next));
    absl::StatusOr<GrantCommit> commit =
        co_await rooms_.grants.Commit(tenant_, std::move(next), tombstone_.revision, std::move(also),
                                      rooms_.clock.Steady() + kStoreTimeout);
    if (!commit.ok()) {
      co_await rooms_.clock.SleepUntil(rooms_.clock.Steady() + wait);
      wait = std::min(wait * 2, kMaxStoreRetry);
      continue;
    }
    if (commit->outcome == Outcome::kDone) {
      if (state == OutboxState::kGivenUp) {
        Log("refresh").error("grant {}: '{}' never confirmed its revocation, and is not asked again: {}",
                             id_.value(), tombstone_.grant->provider(), std::string(failure_.message()));
      } else if (!failure_.ok()) {
        Log("refresh").warn("grant {}: revocation at '{}' failed and is tried again: {}", id_.value(),
                            tombstone_.grant->provider(), std::string(failure_.message()));
      }
      co_return state;
    }
    if (!commit->current.has_value() || commit->current->grant->state() != Grant::STATE_REVOKED) break;
    tombstone_ = std::move(*commit->current);
  }
  Log("refresh").warn("grant {}: what became of its revocation is not stored; it is done once more",
                      id_.value());
  co_return state;
}

}  // namespace grantkeep
