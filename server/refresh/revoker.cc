// SPDX-License-Identifier: Apache-2.0
#include "refresh/revoker.h"

#include <absl/container/flat_hash_map.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/reason.h"
#include "net/event.h"
#include "net/loop.h"
#include "refresh/outbox.h"
#include "refresh/outbox_try.h"
#include "refresh/tombstone.h"
#include "telemetry/log.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Outcome = CommitResult::Outcome;
using storage::v1::Grant;
using GrantKey = std::pair<TenantId, GrantId>;

constexpr Duration kStoreTimeout = seconds(5);
constexpr int kMaxTombstoneTries = 16;
constexpr Duration kStoreRetry = milliseconds(50);
// The answer leaves so long before the caller's deadline.
constexpr Duration kAnswerMargin = milliseconds(250);

// A try of one outbox, and everybody who waits for it. Belongs to the loop.
struct Attempt {
  Event done;
  bool confirmed = false;
};

// A tombstone, and how its outbox may be tried.
struct Buried {
  StoredGrant tombstone;
  OutboxTry::Lease lease = OutboxTry::Lease::kTaken;
};

absl::Status NoSuchGrant() { return Error(Reason::kGrantNotFound, "grant_id: no such grant"); }

}  // namespace

// Lives as long as the Revoker or any try.
class Revoker::State : public std::enable_shared_from_this<Revoker::State> {
 public:
  State(const GrantRooms& rooms, boost::asio::io_context& loop) : rooms_(rooms), loop_(loop) {}

  // Writes the tombstone, or finds it.
  awaitable<absl::StatusOr<Buried>> Bury(TenantId tenant, SubjectId subject, GrantId id, std::string owner,
                                         Tick deadline) {
    OutboxTry::Lease lease = OutboxTry::Lease::kHeld;
    absl::StatusOr<std::optional<StoredGrant>> found = co_await rooms_.grants.Load(tenant, id, deadline);
    for (int tries = 1;; ++tries) {
      if (!found.ok()) co_return found.status();
      if (!found->has_value() || (*found)->grant->subject() != subject.value()) co_return NoSuchGrant();
      if ((*found)->grant->state() == Grant::STATE_REVOKED) {
        co_return Buried{.tombstone = std::move(**found), .lease = OutboxTry::Lease::kTaken};
      }
      absl::StatusOr<GrantCommit> commit = co_await WriteTombstone(tenant, **found, owner, lease, deadline);
      if (commit.ok() && commit->outcome == Outcome::kDone) {
        Log("refresh").info("grant {}: revoked", id.value());
        co_return Buried{.tombstone = std::move(*commit->current), .lease = lease};
      }
      if (tries == kMaxTombstoneTries) {
        co_return commit.ok()
            ? Error(Reason::kStoreUnavailable, "the grant's record is changing too fast to be revoked")
            : commit.status();
      }
      if (!commit.ok()) {
        // Perhaps it was written all the same: doing it again is the same.
        const Tick again = rooms_.clock.Steady() + kStoreRetry * tries;
        if (again >= deadline) co_return commit.status();
        co_await rooms_.clock.SleepUntil(again);
        found = co_await rooms_.grants.Load(tenant, id, deadline);
        continue;
      }
      // A refresh that is under way keeps nobody from revoking.
      if (commit->outcome == Outcome::kLeased) lease = OutboxTry::Lease::kNone;
      found = std::move(commit->current);
    }
  }

  // The try that is under way here, or null.
  std::shared_ptr<Attempt> Find(const TenantId& tenant, const GrantId& id) const {
    const auto found = attempts_.find(GrantKey(tenant, id));
    return found == attempts_.end() ? nullptr : found->second;
  }

  // Requires that there is none.
  std::shared_ptr<Attempt> Begin(const TenantId& tenant, const GrantId& id) {
    auto attempt = std::make_shared<Attempt>();
    attempts_.emplace(GrantKey(tenant, id), attempt);
    return attempt;
  }

  // On behalf of a caller, who is interested in the outcome also when it is another who tries.
  void Start(TenantId tenant, Buried buried, std::string owner, std::shared_ptr<Attempt> attempt) {
    Spawn(loop_, RunForCaller(shared_from_this(), std::move(tenant), std::move(buried), std::move(owner),
                              std::move(attempt)));
  }

  awaitable<OutboxTry::Result> Run(TenantId tenant, Buried buried, std::string owner,
                                   std::shared_ptr<Attempt> attempt) {
    const GrantKey key(tenant, GrantId(buried.tombstone.grant->grant_id()));
    OutboxTry work(rooms_, std::move(tenant), std::move(buried.tombstone), std::move(owner), buried.lease);
    const OutboxTry::Result result = co_await work.Run();
    attempt->confirmed = result.state == OutboxState::kConfirmed;
    if (!result.under_way_elsewhere) End(key, *attempt);
    co_return result;
  }

  void End(const GrantKey& key, Attempt& attempt) {
    attempts_.erase(key);
    attempt.done.Set();
  }

  const GrantRooms& rooms() const { return rooms_; }

 private:
  awaitable<absl::StatusOr<GrantCommit>> WriteTombstone(const TenantId& tenant, const StoredGrant& grant,
                                                        const std::string& owner, OutboxTry::Lease lease,
                                                        Tick deadline) {
    const Time now = rooms_.store.Now();
    Wiped<Grant> next = grant.grant.Clone();
    // If this process dies before the provider has answered, somebody else asks it after the lease.
    MakeTombstone(*next, now + OutboxTry::kLease, now);
    std::vector<Write> also;
    if (lease == OutboxTry::Lease::kHeld && OwesRevocation(*next)) {
      also.push_back(TakeLease{Grants::KeyOf(tenant, GrantId(next->grant_id())), owner, OutboxTry::kLease});
    }
    also.push_back(OutboxDue(rooms_, tenant, *next));
    absl::StatusOr<GrantCommit> commit =
        co_await rooms_.grants.Commit(tenant, std::move(next), grant.revision, std::move(also), deadline);
    co_return commit;
  }

  static awaitable<void> RunForCaller(std::shared_ptr<State> self, TenantId tenant, Buried buried,
                                      std::string owner, std::shared_ptr<Attempt> attempt) {
    const GrantId id(buried.tombstone.grant->grant_id());
    ChangeWaiters::Armed change = self->rooms_.grants.ChangeOf(tenant, id);
    const OutboxTry::Result result = co_await self->Run(tenant, std::move(buried), std::move(owner), attempt);
    if (!result.under_way_elsewhere) co_return;
    co_await change.Wait(self->rooms_.clock, self->rooms_.clock.Steady() + result.lease_left);
    absl::StatusOr<std::optional<StoredGrant>> loaded =
        co_await self->rooms_.grants.Load(tenant, id, self->rooms_.clock.Steady() + kStoreTimeout);
    attempt->confirmed = loaded.ok() && loaded->has_value() &&
                         (*loaded)->grant->state() == Grant::STATE_REVOKED &&
                         IsRevokedAtProvider(*(*loaded)->grant);
    self->End(GrantKey(tenant, id), *attempt);
  }

  const GrantRooms rooms_;
  boost::asio::io_context& loop_;
  absl::flat_hash_map<GrantKey, std::shared_ptr<Attempt>> attempts_;
};

Revoker::Revoker(Grants& grants, Store& store, Catalogue& catalogue, Clock& clock, Random& random,
                 boost::asio::io_context& loop)
    : state_(std::make_shared<State>(GrantRooms{grants, store, catalogue, clock, random}, loop)) {}

Revoker::~Revoker() = default;

awaitable<absl::StatusOr<RevokedGrant>> Revoker::Revoke(TenantId tenant, SubjectId subject, GrantId grant,
                                                        Tick deadline) {
  const std::shared_ptr<State> state = state_;
  const std::string owner = RandomToken(state->rooms().random, 16);
  absl::StatusOr<Buried> buried = co_await state->Bury(tenant, std::move(subject), grant, owner, deadline);
  if (!buried.ok()) co_return buried.status();
  const Grant& tombstone = *buried->tombstone.grant;
  RevokedGrant answer;
  answer.revoked_at_provider = IsRevokedAtProvider(tombstone);
  if (!OwesRevocation(tombstone)) co_return answer;

  std::shared_ptr<Attempt> attempt = state->Find(tenant, grant);
  if (attempt == nullptr) {
    attempt = state->Begin(tenant, grant);
    state->Start(tenant, *std::move(buried), owner, attempt);
  }
  const bool ended = co_await attempt->done.Wait(state->rooms().clock, deadline - kAnswerMargin);
  answer.revoked_at_provider = ended && attempt->confirmed;
  co_return answer;
}

awaitable<void> Revoker::Work(TenantId tenant, StoredGrant tombstone) {
  const std::shared_ptr<State> state = state_;
  const GrantId id(tombstone.grant->grant_id());
  if (state->Find(tenant, id) != nullptr) co_return;
  std::shared_ptr<Attempt> attempt = state->Begin(tenant, id);
  Buried buried{.tombstone = std::move(tombstone), .lease = OutboxTry::Lease::kTaken};
  std::string owner = RandomToken(state->rooms().random, 16);
  const OutboxTry::Result result = co_await state->Run(tenant, std::move(buried), std::move(owner), attempt);
  if (result.under_way_elsewhere) state->End(GrantKey(tenant, id), *attempt);
}

}  // namespace grantkeep
