// SPDX-License-Identifier: Apache-2.0
#include "flow/sign_in_again.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/reason.h"
#include "base/status_macros.h"
#include "flow/renewed_grant.h"
#include "refresh/schedule.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kStoreTimeout = seconds(5);
constexpr int kStoreTries = 4;
constexpr Duration kStoreRetry = milliseconds(100);
// Commits that a newer record has refused; each means that somebody else got on.
constexpr int kMaxMismatches = 16;

// The record as it is now. A store that may have lost writes is first given back what others remember: what
// is put back replaces whatever was written over an older record.
awaitable<absl::StatusOr<std::optional<StoredGrant>>> LoadNewest(SignInRooms rooms, TenantId tenant,
                                                                 GrantId id) {
  for (Tick until; (until = rooms.store.HoldUntil()) > rooms.clock.Steady();) {
    co_await rooms.clock.SleepUntil(until);
  }
  absl::StatusOr<std::optional<StoredGrant>> loaded =
      co_await rooms.grants.Load(std::move(tenant), std::move(id), rooms.clock.Steady() + kStoreTimeout);
  co_return loaded;
}

bool HasTokens(const storage::v1::Grant& grant, const TokenOutcome& outcome) {
  return grant.access_token() == outcome.tokens.access_token.Expose();
}

}  // namespace

awaitable<absl::Status> FindRenewable(Grants& grants, TenantId tenant, SubjectId subject, ProviderId provider,
                                      GrantId grant, Tick deadline) {
  ASSIGN_OR_CO_RETURN(const std::optional<StoredGrant> found,
                      co_await grants.Load(std::move(tenant), std::move(grant), deadline));
  co_return CheckRenewable(found, subject, provider);
}

awaitable<absl::StatusOr<StoredGrant>> StoreRenewed(SignInRooms rooms, TenantId tenant,
                                                    const storage::v1::Flow& flow,
                                                    const TokenOutcome& outcome,
                                                    const config::v1::Provider& record) {
  const GrantId id(flow.grant_id());
  uint64_t written = 0;  // the generation of a try of which nobody knows whether it was done
  absl::Status failure;
  for (int tries = 0; tries < kStoreTries; ++tries) {
    if (tries > 0) co_await rooms.clock.SleepUntil(rooms.clock.Steady() + kStoreRetry * tries);
    absl::StatusOr<std::optional<StoredGrant>> newest = co_await LoadNewest(rooms, tenant, id);
    failure = newest.status();
    for (int mismatches = 0; newest.ok() && mismatches <= kMaxMismatches; ++mismatches) {
      const absl::Status fit =
          CheckRenewable(*newest, SubjectId(flow.subject()), ProviderId(flow.provider()));
      if (!fit.ok()) co_return fit;
      StoredGrant& old = **newest;
      if (old.grant->generation() == written && HasTokens(*old.grant, outcome)) co_return std::move(old);
      Wiped<storage::v1::Grant> next = RenewedGrant(*old.grant, flow, outcome, record, rooms.store.Now());
      const uint64_t generation = next->generation();
      std::vector<Write> also;
      also.push_back(DueAt(Grants::KeyOf(tenant, id), DueTime(*next, record, RandomFraction(rooms.random))));
      absl::StatusOr<GrantCommit> commit = co_await rooms.grants.Commit(
          tenant, std::move(next), old.revision, std::move(also), rooms.clock.Steady() + kStoreTimeout);
      if (!commit.ok()) {
        failure = commit.status();
        written = generation;
        break;
      }
      if (commit->outcome == CommitResult::Outcome::kDone) co_return std::move(*commit->current);
      failure = Error(Reason::kStoreUnavailable, "the grant's record is changing too fast to be replaced");
      newest = std::move(commit->current);
    }
  }
  // The last try may have been done, too.
  absl::StatusOr<std::optional<StoredGrant>> last = co_await LoadNewest(rooms, tenant, id);
  if (written != 0 && last.ok() && last->has_value() && (*last)->grant->generation() == written &&
      HasTokens(*(*last)->grant, outcome)) {
    co_return std::move(**last);
  }
  co_return failure;
}

}  // namespace grantkeep
