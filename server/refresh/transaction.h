// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_TRANSACTION_H_
#define GRANTKEEP_REFRESH_TRANSACTION_H_

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "crypto/random.h"
#include "provider/provider.h"
#include "refresh/grant_rooms.h"
#include "refresh/provider_budget.h"
#include "refresh/recovery.h"
#include "refresh/refresh_step.h"
#include "refresh/refusals.h"
#include "refresh/same_server.h"
#include "vault/grants.h"

namespace grantkeep {

// What a refresh transaction needs beside the rooms.
struct RefreshRooms : GrantRooms {
  std::shared_ptr<Refusals> refusals;  // never null
  Recovery* recovery = nullptr;        // null: new tokens that the store does not accept are in memory only
  OnRefreshStep on_step = nullptr;
};

// How one transaction ended.
struct RefreshResult {
  // OK: `grant` says it all: a newer token set, or a state in which no refresh is possible.
  absl::Status status;
  // The newest that is known; absent when there is no such grant.
  std::optional<StoredGrant> grant;
  // The refresh failed, but the provider's rotation allows a prompt repeat.
  bool may_repeat = false;
};

// One refresh of one grant: the steps between joining a flight and waking its waiters. The only
// code that presents a refresh token. Runs on a loop; the numbered steps are those of
// ARCHITECTURE.md, "The refresh transaction".
class RefreshTransaction {
 public:
  // `seen` is the grant as last read. `forced`: the API refuses its access token. `serve_unsaved`
  // is called with new tokens that the store does not accept yet, while the transaction goes on
  // trying to store them. `turn` is that of whoever wants it, at the provider's budget.
  RefreshTransaction(RefreshRooms rooms, ProviderBudgets& budgets, std::shared_ptr<Turn> turn,
                     TenantId tenant, StoredGrant seen, bool forced,
                     std::function<void(const StoredGrant&)> serve_unsaved);

  boost::asio::awaitable<RefreshResult> Run();

 private:
  using Grant = storage::v1::Grant;

  // Step 2 and 3. Nothing: the intent is written and the call may be made.
  boost::asio::awaitable<std::optional<RefreshResult>> Begin();
  // Until a store that may have lost writes has been given back what others remember, and then reads
  // the record again.
  boost::asio::awaitable<absl::Status> WaitOutHold();
  // Until the record changes, at the latest `until`, and then reads it again.
  boost::asio::awaitable<absl::Status> WaitForChange(ChangeWaiters::Armed& change, Tick until);
  // The same for a commit that another's lease has refused. Nothing: the record was read again.
  boost::asio::awaitable<std::optional<RefreshResult>> WaitOutLease(const GrantCommit& leased,
                                                                    ChangeWaiters::Armed& change);
  // Ends the lease of whoever wrote the intent that is there, if that has not been tried yet. Only where the
  // token may be presented again without harm: then its outcome need not be waited for.
  boost::asio::awaitable<bool> EndLeaseOfIntent();
  // Waits for leave to ask the provider, so that no lease is held while it queues. Nothing: it has it.
  boost::asio::awaitable<std::optional<RefreshResult>> TakePermit();
  // One try at writing the intent. Nothing: `begun`, or the record has moved and was read again.
  boost::asio::awaitable<std::optional<RefreshResult>> TryBegin(bool last_attempt,
                                                                ChangeWaiters::Armed& change, bool& begun);
  // Writes the intent, more than once if nobody knows whether it was written.
  boost::asio::awaitable<absl::StatusOr<GrantCommit>> CommitIntent(bool last_attempt);
  // Steps 4 and 5.
  boost::asio::awaitable<TokenOutcome> CallProvider();
  // Steps 6 to 8.
  boost::asio::awaitable<RefreshResult> Finish(TokenOutcome outcome);
  boost::asio::awaitable<RefreshResult> Install(TokenOutcome outcome);
  boost::asio::awaitable<RefreshResult> Demote(TokenOutcome outcome);
  // A demotion without a call: the rules allow none. Nothing: it was refused, because the record has moved
  // or another has the lease, and the record was read again.
  boost::asio::awaitable<std::optional<RefreshResult>> Enter(Grant::State state, std::string reason,
                                                             absl::Status status,
                                                             ChangeWaiters::Armed& change);

  // Puts new tokens where a crash does not reach them, while the store does not accept them.
  boost::asio::awaitable<void> KeepForRecovery(const Grant& unsaved);
  void Step(RefreshStep step) const;

  boost::asio::awaitable<absl::Status> Reload();
  RefreshResult Ended(absl::Status status, bool may_repeat = false);
  absl::Status Describe(const TokenOutcome& outcome) const;
  // The grant's entry in the due-index from now on.
  Write Due(const Grant& grant) const;
  Key key() const;

  const RefreshRooms rooms_;
  ProviderBudgets& budgets_;
  const std::shared_ptr<Turn> turn_;
  const TenantId tenant_;
  const GrantId id_;
  const Generation generation_;  // the one whose refresh token is presented
  const bool forced_;
  const std::function<void(const StoredGrant&)> serve_unsaved_;
  const std::string owner_;
  std::string ended_lease_of_;

  Provider* provider_ = nullptr;
  TokenServer server_;
  std::optional<RequestPermit> permit_;
  std::optional<StoredGrant> current_;  // the newest record we know
  std::optional<Wiped<Grant>> before_;  // the record before our intent
  Tick asked_;                          // when the lease was asked for; it began no earlier
  Tick lease_end_;
  Tick call_end_;                               // what the intent says, in this process's time
  std::shared_ptr<const Recovery::Copy> copy_;  // of new tokens that the store does not accept
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_TRANSACTION_H_
