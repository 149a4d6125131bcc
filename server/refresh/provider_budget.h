// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_PROVIDER_BUDGET_H_
#define GRANTKEEP_REFRESH_PROVIDER_BUDGET_H_

#include <boost/asio/awaitable.hpp>
#include <list>
#include <map>
#include <memory>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/ids.h"
#include "crypto/random.h"
#include "net/event.h"
#include "provider/provider.h"
#include "refresh/circuit_breaker.h"
#include "refresh/request_rate.h"
#include "refresh/throttling.h"

namespace grantkeep {

// How much one provider's token endpoint is asked by this process: at most so many refreshes in a second and
// under way (Provider.request_budget), none while it has had enough (throttling.h) or does not answer
// (circuit_breaker.h). Everything here belongs to one loop.

enum class Urgency { kAhead, kCallerWaits };

// A refresh's place in the queue for its provider, for as long as it takes; its urgency grows when
// callers join it.
class Turn {
 public:
  // With kAhead it is given up at `deadline`.
  Turn(Urgency urgency, Tick deadline) : urgency_(urgency), deadline_(deadline) {}
  // From now on a caller waits for it, until `deadline`.
  void CallerWaits(Tick deadline);
  // Waits for its turn.
  bool queued() const { return queued_; }

 private:
  friend class ProviderBudget;

  Urgency urgency_;
  Tick deadline_;
  bool queued_ = false;
  Event changed_;
};

class ProviderBudget;

// Allows one request. What it takes of the budget is given back when it ends, and all of it if no request was
// sent: when nothing was reported.
class RequestPermit {
 public:
  RequestPermit(RequestPermit&& other) noexcept = default;
  RequestPermit& operator=(RequestPermit&& other) noexcept = delete;
  ~RequestPermit();

  // How the request of this grant ended.
  void Report(const TokenOutcome& outcome, const GrantId& grant);

 private:
  friend class ProviderBudget;
  RequestPermit(std::shared_ptr<ProviderBudget> budget, CircuitBreaker::Ticket ticket, Tick at)
      : budget_(std::move(budget)), ticket_(ticket), at_(at) {}

  std::shared_ptr<ProviderBudget> budget_;
  CircuitBreaker::Ticket ticket_;
  Tick at_;
  bool reported_ = false;
};

class ProviderBudget : public std::enable_shared_from_this<ProviderBudget> {
 public:
  ProviderBudget(const Provider& provider, Clock& clock, Random& random);

  // Waits until a request may be sent. Callers' come first and may use all of the budget; what is done ahead
  // leaves a fifth of it free. Fails at once, with a time to come back, when the turn's deadline comes first
  // (kProviderThrottled), or when the provider does not answer (as the last request to it did).
  boost::asio::awaitable<absl::StatusOr<RequestPermit>> Take(std::shared_ptr<Turn> turn);

  // Until when nothing may be sent that no caller waits for; in the past: something may.
  Tick ClosedUntil(Tick now) const;
  // How many of those may be under way, and be sent in a second.
  size_t places_ahead() const { return concurrent_ahead_; }
  size_t per_second_ahead() const { return per_second_ahead_; }

 private:
  friend class RequestPermit;
  class Place;

  // Why the turn need not wait; OK: it may be worth it.
  absl::Status Refusal(const Turn& turn, size_t callers_before, Tick now);
  absl::Status TooMany(Duration come_back) const;
  absl::Status DoesNotAnswer(Tick now) const;
  bool IsPlaceFree(Urgency urgency) const;
  Tick ReadyAt(Urgency urgency, Tick now);
  Turn* First() const;
  void WakeFirst();
  size_t CallersQueued() const;
  void End(RequestPermit& permit, CircuitBreaker::Result result);

  const ProviderId provider_;
  Clock& clock_;
  Random& random_;
  const size_t per_second_;
  const size_t per_second_ahead_;
  const size_t concurrent_;
  const size_t concurrent_ahead_;

  std::list<Turn*> queue_;
  size_t under_way_ = 0;
  RequestRate rate_;
  Throttling throttling_;
  CircuitBreaker breaker_;
  Reason last_failure_ = Reason::kProviderError;
};

// Of all providers, made when they are first asked.
class ProviderBudgets {
 public:
  ProviderBudgets(Clock& clock, Random& random) : clock_(clock), random_(random) {}
  std::shared_ptr<ProviderBudget> Of(const Provider& provider);

 private:
  Clock& clock_;
  Random& random_;
  std::map<ProviderId, std::shared_ptr<ProviderBudget>> budgets_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_PROVIDER_BUDGET_H_
