// SPDX-License-Identifier: Apache-2.0
#include "refresh/outbox.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "refresh/schedule.h"
#include "refresh/tombstone.h"
#include "telemetry/log.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;
using std::chrono::seconds;
using storage::v1::Grant;

constexpr Duration kStoreTimeout = seconds(5);
constexpr Duration kFirstStoreRetry = milliseconds(50);
constexpr Duration kMaxStoreRetry = seconds(5);

}  // namespace

awaitable<void> HandToOutbox(const GrantRooms& rooms, const TenantId& tenant, StoredGrant& tombstone,
                             const TokenSet& tokens, const std::string& lease_owner) {
  const GrantId id(tombstone.grant->grant_id());
  const Key key = Grants::KeyOf(tenant, id);
  for (Duration wait = kFirstStoreRetry;;) {
    Wiped<Grant> next = tombstone.grant.Clone();
    // They are there already when a commit was done whose answer was lost.
    if (!AddToOutbox(*next, tokens, rooms.store.Now())) co_return;
    std::vector<Write> also;
    also.push_back(EndLease{key, lease_owner});
    also.push_back(OutboxDue(rooms, tenant, *next));
    absl::StatusOr<GrantCommit> commit = co_await rooms.grants.Commit(
        tenant, std::move(next), tombstone.revision, std::move(also), rooms.clock.Steady() + kStoreTimeout);
    if (commit.ok() && commit->outcome == CommitResult::Outcome::kDone) {
      tombstone = std::move(*commit->current);
      co_return;
    }
    if (commit.ok() && commit->current.has_value() &&
        commit->current->grant->state() == Grant::STATE_REVOKED) {
      tombstone = std::move(*commit->current);
      continue;
    }
    if (!commit.ok()) {
      Log("refresh").error("grant {}: new tokens of a revoked grant are not stored yet: {}", id.value(),
                           std::string(commit.status().message()));
    }
    // A store that has lost the tombstone is given it back meanwhile.
    co_await rooms.clock.SleepUntil(rooms.clock.Steady() + wait);
    wait = std::min(wait * 2, kMaxStoreRetry);
  }
}

Write OutboxDue(const GrantRooms& rooms, const TenantId& tenant, const Grant& tombstone) {
  const Provider* provider = rooms.catalogue.Find(ProviderId(tombstone.provider()));
  const Key key = Grants::KeyOf(tenant, GrantId(tombstone.grant_id()));
  return DueAt(key, DueTime(tombstone, provider == nullptr ? config::v1::Provider() : provider->record(),
                            RandomFraction(rooms.random)));
}

}  // namespace grantkeep
