// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_REFRESH_H_
#define GRANTKEEP_REFRESH_REFRESH_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/call.h"
#include "base/ids.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "refresh/refresh_step.h"
#include "vault/currency.h"
#include "vault/grants.h"

namespace grantkeep {

class Catalogue;
class ProviderBudgets;
class Recovery;

enum class Freshness { kFresh, kStaleOk, kBelowMinTtl, kUnverified };

struct RefreshRequest {
  TenantId tenant;
  SubjectId subject;
  GrantId grant;
  Duration min_ttl = std::chrono::seconds(10);
  Generation rejected_generation;  // 0: none
};

struct AccessToken {
  Secret token;
  std::string token_type;
  std::optional<Time> expire_time;  // absent: unknown
  Generation generation;
  std::vector<std::string> scopes;
  Freshness freshness = Freshness::kFresh;
};

struct RefreshOptions {
  // How long what was read last is served, as kUnverified, while the store cannot be asked; 0: never.
  Duration outage_serve = kDefaultOutageServe;
  // Whether tokens are renewed before anybody asks for them (due_work.h).
  bool ahead = true;
  // For how long after its last use a grant is.
  Duration active_window = std::chrono::hours(24 * 7);
  // Keeps new tokens that the store does not accept; null: they are in memory only.
  Recovery* recovery = nullptr;
  // For tests that kill the process at a step: without claims it does only what it is asked for.
  bool claims_due = true;
  OnRefreshStep on_step = nullptr;
};

// A grant as far as it is known.
struct SeenGrant {
  StoredGrant stored;
  // From memory while the store does not answer: it may have been changed or revoked elsewhere.
  bool unverified = false;
};

// Answers with access tokens that are good now, and refreshes them: the only room that redeems
// refresh tokens. One flight per grant in this process, however many callers wait.
class Refresher {
 public:
  Refresher(Grants& grants, Store& store, Catalogue& catalogue, Clock& clock, Random& random,
            boost::asio::io_context& loop, const RefreshOptions& options = {});
  ~Refresher();

  // From memory, without waiting; any thread. Nothing: ask Refresh. Starts a flight behind the
  // answer when the token is inside its refresh-ahead window.
  std::optional<absl::StatusOr<AccessToken>> FromMemory(const RefreshRequest& request);
  // On the loop. Waits for the grant's flight until the call's deadline; the flight goes on
  // without it. While the store cannot be asked, a valid token that is in memory is served as
  // kUnverified, and no flight is started. kGrantNotFound, kNeedsReauth, kProvider*, kStoreUnavailable,
  // kDeadline.
  boost::asio::awaitable<absl::StatusOr<AccessToken>> Refresh(Call call, RefreshRequest request);

  // The grant, also its tombstone, in the state that callers are to see. kGrantNotFound also for another
  // subject's.
  boost::asio::awaitable<absl::StatusOr<SeenGrant>> Get(TenantId tenant, SubjectId subject, GrantId grant,
                                                        Tick deadline);

  // Somebody uses the grant, of which `grant` is the newest that is known: it is renewed ahead for as long as
  // that was not too long ago. Written behind the answer, about once an hour. FromMemory and Refresh do it by
  // themselves. Any thread.
  void MarkUsed(const TenantId& tenant, const storage::v1::Grant& grant);
  // On the loop. A flight that nobody waits for: it keeps to what the provider's budget leaves for such, and
  // is given up if it is not its turn before `deadline`. Completes with the grant's flight.
  boost::asio::awaitable<void> RenewAhead(TenantId tenant, StoredGrant seen, Tick deadline);
  // What providers are asked by all flights. On the loop.
  ProviderBudgets& budgets();
  // Makes of a grant that was listed what callers are to see of it now (refresh/shown_state.h). Any thread.
  void Show(storage::v1::Grant& grant) const;
  // The grant as a watcher of it sees it, which counts as a use: a renewal that is due begins behind it. What
  // is revoked is found, too. `at_least`: a revision that the store has reported, which may be before memory
  // has it. kGrantNotFound also for another subject's.
  boost::asio::awaitable<absl::StatusOr<SeenGrant>> Observe(TenantId tenant, SubjectId subject, GrantId grant,
                                                            Revision at_least, Tick deadline);
  // Calls `listener` on the loop when tokens are served that the store has not accepted yet. Set once, before
  // the first call.
  void OnUnsaved(std::function<void(const TenantId& tenant, const GrantId& grant)> listener);

  // No new flights from now on; completes when those under way have ended, or at `deadline`.
  boost::asio::awaitable<void> Drain(Tick deadline);

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_REFRESH_H_
