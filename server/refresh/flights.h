// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_FLIGHTS_H_
#define GRANTKEEP_REFRESH_FLIGHTS_H_

#include <absl/container/flat_hash_map.h>

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/ids.h"
#include "net/event.h"
#include "refresh/provider_budget.h"
#include "refresh/transaction.h"
#include "vault/grants.h"

namespace grantkeep {

// One refresh of one grant, and everybody who waits for it. Belongs to the loop.
struct Flight {
  std::shared_ptr<Turn> turn;
  Event done;
  absl::Status status;
  std::shared_ptr<const StoredGrant> grant;  // null: there is no such grant

  void End(absl::Status with, std::shared_ptr<const StoredGrant> newest) {
    status = std::move(with);
    grant = std::move(newest);
    done.Set();
  }
};

// The flights of this process, one for each grant that is being refreshed, and the tokens that they have
// brought and the store has not accepted yet. Held by shared pointers; lives until its last flight has ended.
// Functions belong to the loop unless they say otherwise.
class Flights : public std::enable_shared_from_this<Flights> {
 public:
  Flights(RefreshRooms rooms, boost::asio::io_context& loop);

  // The grant from memory: tokens that the store has not accepted yet come first. Nothing: ask the store. Any
  // thread.
  absl::StatusOr<std::optional<StoredGrant>> FromMemory(const TenantId& tenant, const GrantId& id) const;
  // What memory has of the grant, if that says REVOKED. Any thread.
  std::optional<StoredGrant> FindRevoked(const TenantId& tenant, const GrantId& id) const;

  // The flight of this grant, or null.
  std::shared_ptr<Flight> Find(const TenantId& tenant, const GrantId& id) const;
  // The flight of this grant; a new one begins with `seen`. Null while draining. `urgency` and `deadline` are
  // those of whoever joins. `forced`: the API refuses the access token.
  std::shared_ptr<Flight> Join(const TenantId& tenant, const GrantId& id, const StoredGrant& seen,
                               bool forced, Urgency urgency, Tick deadline);
  // Starts a flight that nobody waits for, unless one was asked for already. Any thread.
  void Renew(const TenantId& tenant, const GrantId& id);

  // What providers are asked by all flights.
  ProviderBudgets& budgets() { return budgets_; }
  // Calls `listener` when tokens are served that the store has not accepted yet. Set before the first flight.
  void OnUnsaved(std::function<void(const TenantId& tenant, const GrantId& grant)> listener) {
    on_unsaved_ = std::move(listener);
  }
  // No new flights from now on; completes when those under way have ended, or at `deadline`.
  boost::asio::awaitable<void> Drain(Tick deadline);

 private:
  using GrantKey = std::pair<TenantId, GrantId>;

  static boost::asio::awaitable<void> Fly(std::shared_ptr<Flights> self, GrantKey key,
                                          std::shared_ptr<Flight> flight, StoredGrant seen, bool forced);
  static boost::asio::awaitable<void> RunRenewal(std::shared_ptr<Flights> self, TenantId tenant, GrantId id);
  // False: somebody has asked for one, or it is too early for another.
  bool MarkRenewal(const GrantKey& key);
  void EndRenewal(const GrantKey& key, bool renewed);
  // Null: the store has them, or there are none.
  void SetUnsaved(const GrantKey& key, std::shared_ptr<const StoredGrant> tokens);

  const RefreshRooms rooms_;
  boost::asio::io_context& loop_;
  ProviderBudgets budgets_;
  std::function<void(const TenantId&, const GrantId&)> on_unsaved_;
  absl::flat_hash_map<GrantKey, std::shared_ptr<Flight>> flights_;
  bool draining_ = false;
  Event drained_;

  // Any thread. Almost always empty, which costs the hot path one load.
  std::atomic<bool> any_unsaved_{false};
  mutable std::mutex unsaved_mutex_;
  absl::flat_hash_map<GrantKey, std::shared_ptr<const StoredGrant>> unsaved_;

  // Renewals asked for, and until when none is asked for again. Any thread.
  std::mutex renewals_mutex_;
  absl::flat_hash_map<GrantKey, Tick> renewals_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_FLIGHTS_H_
