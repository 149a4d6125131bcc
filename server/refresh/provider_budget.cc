// SPDX-License-Identifier: Apache-2.0
#include "refresh/provider_budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/reason.h"
#include "telemetry/log.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using Result = CircuitBreaker::Result;

constexpr uint32_t kPerSecond = 50;
constexpr uint32_t kConcurrent = 64;

size_t OrDefault(uint32_t value, uint32_t otherwise) { return value == 0 ? otherwise : value; }

// What is done ahead leaves a fifth to callers, at least one; but it may do something.
size_t AheadOf(size_t limit) { return std::max<size_t>(1, limit - std::max<size_t>(1, limit / 5)); }

// What a request says about the provider, as opposed to the grant.
Result ResultOf(const TokenOutcome& outcome) {
  switch (outcome.kind) {
    case TokenOutcome::Kind::kGranted:
    case TokenOutcome::Kind::kRefused:
      return Result::kAnswered;
    case TokenOutcome::Kind::kNotSent:
      // What kept us from asking may be ours: a client secret that cannot be read.
      return HasReason(outcome.status, Reason::kProviderUnreachable) ? Result::kFailed : Result::kUnused;
    case TokenOutcome::Kind::kInDoubt:
      return Result::kFailed;
  }
  return Result::kFailed;
}

}  // namespace

void Turn::CallerWaits(Tick deadline) {
  deadline_ = urgency_ == Urgency::kCallerWaits ? std::max(deadline_, deadline) : deadline;
  urgency_ = Urgency::kCallerWaits;
  changed_.Set();
}

RequestPermit::~RequestPermit() {
  if (budget_ == nullptr) return;
  if (!reported_) budget_->End(*this, Result::kUnused);
  --budget_->under_way_;
  budget_->WakeFirst();
}

void RequestPermit::Report(const TokenOutcome& outcome, const GrantId& grant) {
  reported_ = true;
  const Result result = ResultOf(outcome);
  if (result == Result::kFailed) {
    budget_->last_failure_ = ReasonOf(outcome.status).value_or(Reason::kProviderError);
  }
  budget_->End(*this, result);
  const Tick now = budget_->clock_.Steady();
  if (!outcome.throttled()) {
    if (result == Result::kAnswered) budget_->throttling_.Answered(now);
    return;
  }
  const bool paused = budget_->throttling_.paused_until() > now;
  budget_->throttling_.Throttled(grant, outcome.retry_after, now);
  const Tick until = budget_->throttling_.paused_until();
  if (paused || until <= now) return;
  Log("refresh").warn("'{}' answered 429: no token is refreshed there for {} ms", budget_->provider_.value(),
                      std::chrono::duration_cast<std::chrono::milliseconds>(until - now).count());
}

// A turn's entry in the queue, also when its coroutine is destroyed. Who comes next is woken when it ends.
class ProviderBudget::Place {
 public:
  Place(std::shared_ptr<ProviderBudget> budget, std::shared_ptr<Turn> turn)
      : budget_(std::move(budget)), turn_(std::move(turn)) {
    at_ = budget_->queue_.insert(budget_->queue_.end(), turn_.get());
    turn_->queued_ = true;
  }
  ~Place() {
    turn_->queued_ = false;
    budget_->queue_.erase(at_);
    budget_->WakeFirst();
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  const std::shared_ptr<ProviderBudget> budget_;
  const std::shared_ptr<Turn> turn_;
  std::list<Turn*>::iterator at_;
};

ProviderBudget::ProviderBudget(const Provider& provider, Clock& clock, Random& random)
    : provider_(provider.id()),
      clock_(clock),
      random_(random),
      per_second_(OrDefault(provider.record().request_budget().per_second(), kPerSecond)),
      per_second_ahead_(AheadOf(per_second_)),
      concurrent_(OrDefault(provider.record().request_budget().concurrent(), kConcurrent)),
      concurrent_ahead_(AheadOf(concurrent_)) {}

awaitable<absl::StatusOr<RequestPermit>> ProviderBudget::Take(std::shared_ptr<Turn> turn) {
  const std::shared_ptr<ProviderBudget> self = shared_from_this();
  size_t callers_before = CallersQueued();
  const Place place(self, turn);
  for (;; callers_before = 0) {
    Event changed;
    turn->changed_ = changed;
    const Tick now = clock_.Steady();
    const Tick ready = ReadyAt(turn->urgency_, now);
    const bool first = First() == turn.get();
    // Whoever was waiting may have left by now: then it is done for those who come next.
    if (first && breaker_.MayBegin(now) && ready <= now && IsPlaceFree(turn->urgency_)) {
      ++under_way_;
      rate_.Add(now);
      co_return RequestPermit(self, breaker_.Begin(now), now);
    }
    const absl::Status refusal = Refusal(*turn, callers_before, now);
    if (!refusal.ok()) co_return refusal;
    co_await changed.Wait(clock_, first && ready > now ? std::min(turn->deadline_, ready) : turn->deadline_);
  }
}

Tick ProviderBudget::ClosedUntil(Tick now) const {
  const Tick paused = throttling_.paused_until();
  if (breaker_.MayBegin(now)) return paused;
  return std::max(paused, now + breaker_.ComeBackAfter(now));
}

absl::Status ProviderBudget::Refusal(const Turn& turn, size_t callers_before, Tick now) {
  if (!breaker_.MayBegin(now)) return DoesNotAnswer(now);
  const Duration queue = std::chrono::microseconds(std::chrono::seconds(1)) * callers_before / per_second_;
  const Tick ready =
      ReadyAt(turn.urgency_, now) + (turn.urgency_ == Urgency::kCallerWaits ? queue : Duration(0));
  if (ready < turn.deadline_) return absl::OkStatus();
  return TooMany(std::max<Duration>(std::chrono::seconds(1), std::chrono::ceil<Duration>(ready - now)));
}

absl::Status ProviderBudget::TooMany(Duration come_back) const {
  return RetryableError(Reason::kProviderThrottled,
                        fmt::format("'{}' takes no more refreshes for now (request_budget, or its own limit)",
                                    provider_.value()),
                        come_back);
}

absl::Status ProviderBudget::DoesNotAnswer(Tick now) const {
  return RetryableError(
      last_failure_,
      fmt::format("'{}' has not answered for a while and is asked again soon", provider_.value()),
      breaker_.ComeBackAfter(now));
}

bool ProviderBudget::IsPlaceFree(Urgency urgency) const {
  return under_way_ < (urgency == Urgency::kCallerWaits ? concurrent_ : concurrent_ahead_);
}

Tick ProviderBudget::ReadyAt(Urgency urgency, Tick now) {
  const size_t limit = urgency == Urgency::kCallerWaits ? per_second_ : per_second_ahead_;
  return std::max(throttling_.paused_until(), rate_.ReadyAt(limit, now));
}

Turn* ProviderBudget::First() const {
  if (queue_.empty()) return nullptr;
  const auto caller =
      std::ranges::find_if(queue_, [](const Turn* turn) { return turn->urgency_ == Urgency::kCallerWaits; });
  return caller == queue_.end() ? queue_.front() : *caller;
}

void ProviderBudget::WakeFirst() {
  if (Turn* const first = First(); first != nullptr) first->changed_.Set();
}

size_t ProviderBudget::CallersQueued() const {
  return static_cast<size_t>(std::ranges::count_if(
      queue_, [](const Turn* turn) { return turn->urgency_ == Urgency::kCallerWaits; }));
}

void ProviderBudget::End(RequestPermit& permit, Result result) {
  const Tick now = clock_.Steady();
  if (result == Result::kUnused) rate_.Remove(permit.at_);
  const bool was_closed = breaker_.is_closed();
  const bool opened = breaker_.End(permit.ticket_, result, RandomFraction(random_), now);
  const auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(breaker_.ComeBackAfter(now));
  if (opened) {
    Log("refresh").warn("'{}' does not answer: no token is refreshed there for {} ms", provider_.value(),
                        pause.count());
    // Those who queue are told at once.
    for (Turn* turn : queue_) turn->changed_.Set();
  } else if (!was_closed && breaker_.is_closed()) {
    Log("refresh").info("'{}' answers again", provider_.value());
  }
}

std::shared_ptr<ProviderBudget> ProviderBudgets::Of(const Provider& provider) {
  std::shared_ptr<ProviderBudget>& budget = budgets_[provider.id()];
  if (budget == nullptr) budget = std::make_shared<ProviderBudget>(provider, clock_, random_);
  return budget;
}

}  // namespace grantkeep
