// SPDX-License-Identifier: Apache-2.0
#include "store/redis/redis_store.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <future>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "crypto/random.h"
#include "net/loop.h"
#include "store/identity.h"
#include "store/limits.h"
#include "store/redis/call.h"
#include "store/redis/durability.h"
#include "store/redis/link.h"
#include "store/redis/operations.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;

absl::Status CheckOptions(const RedisOptions& options) {
  if (options.url.addresses.empty()) return FieldError("url", "is required");
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  const std::string& prefix = options.key_prefix;
  if (prefix.empty() || prefix.size() > 32 || prefix.find_first_not_of(kAllowed) != std::string::npos) {
    return FieldError("key_prefix", "must be 1 to 32 of A-Z a-z 0-9 . _ -");
  }
  return absl::OkStatus();
}

// What is on its way, counted.
class Quota {
 public:
  explicit Quota(const RedisOptions& options)
      : max_(options.max_queued), max_bytes_(options.max_queued_bytes) {}

  // A share, given back with its last copy; null: there is no room.
  static std::shared_ptr<void> Take(const std::shared_ptr<Quota>& quota, size_t bytes) {
    const size_t others = quota->taken_.fetch_add(1);
    const size_t others_bytes = quota->taken_bytes_.fetch_add(bytes);
    std::shared_ptr<void> share(quota.get(), [quota, bytes](void*) {
      --quota->taken_;
      quota->taken_bytes_ -= bytes;
    });
    const bool fits = others < quota->max_ && others_bytes + bytes <= quota->max_bytes_;
    if (fits) return share;
    return nullptr;
  }

 private:
  const size_t max_;
  const size_t max_bytes_;
  std::atomic<size_t> taken_ = 0;
  std::atomic<size_t> taken_bytes_ = 0;
};

}  // namespace

struct RedisStore::State {
  State(RedisOptions given, Clock& clock_)
      : options(std::move(given)),
        clock(clock_),
        quota(std::make_shared<Quota>(options)),
        loop("redis"),
        link(options, clock_, loop.context()) {}

  ~State() {
    std::promise<void> stopped;
    boost::asio::post(loop.context(), [&] {
      link.Stop();
      stopped.set_value();
    });
    stopped.get_future().wait();
    loop.Stop();
  }

  // Carries `operation` out, or what else `dispatch` does with it on the store's loop.
  template <typename Result>
  awaitable<absl::StatusOr<Result>> Perform(
      RedisOperation<Result> operation, Tick deadline,
      void (RedisLink::*dispatch)(std::shared_ptr<RedisCall>) = &RedisLink::Carry) {
    if (clock.Steady() >= deadline) {
      co_return Error(Reason::kDeadline, "store: the deadline had passed before the operation");
    }
    std::shared_ptr<void> share = Quota::Take(quota, operation.command.size());
    if (share == nullptr) co_return Error(Reason::kOverloaded, "store: too many operations are waiting");
    const auto executor = co_await boost::asio::this_coro::executor;
    auto call =
        std::make_shared<TypedRedisCall<Result>>(std::move(operation), deadline, std::move(share), executor);
    boost::asio::post(loop.context(), [this, dispatch, call] { (link.*dispatch)(call); });
    // From here on the store may end before the coroutine goes on.
    auto answer = TypedRedisCall<Result>::Wait(std::move(call), clock);
    co_return co_await std::move(answer);
  }

  awaitable<absl::StatusOr<RedisReply>> Ask(std::vector<std::string> command, Tick deadline) {
    RedisOperation<RedisReply> operation;
    operation.command = FormatRedisCommand({command.begin(), command.end()});
    operation.read = [](RedisReply reply, std::vector<Change>&) -> absl::StatusOr<RedisReply> {
      return reply;
    };
    auto answer = Perform(std::move(operation), deadline);
    co_return co_await std::move(answer);
  }

  const RedisOptions options;
  Clock& clock;
  const std::shared_ptr<Quota> quota;
  Loop loop;
  RedisLink link;
};

absl::StatusOr<std::unique_ptr<RedisStore>> RedisStore::Open(RedisOptions options, Clock& clock) {
  RETURN_IF_ERROR(CheckOptions(options));
  auto state = std::make_unique<State>(std::move(options), clock);
  state->link.Start();
  return std::unique_ptr<RedisStore>(new RedisStore(std::move(state)));
}

RedisStore::RedisStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
RedisStore::~RedisStore() = default;

awaitable<absl::Status> RedisStore::WaitUntilReady(Tick deadline) {
  RedisOperation<bool> operation;
  operation.read = [](const RedisReply&, std::vector<Change>&) -> absl::StatusOr<bool> { return true; };
  auto answer = state_->Perform(std::move(operation), deadline, &RedisLink::AnswerWhenReady);
  const absl::StatusOr<bool> ready = co_await std::move(answer);
  if (ready.ok()) co_return absl::OkStatus();
  const absl::Status why = health();
  co_return why.ok() ? ready.status() : why;
}

awaitable<absl::StatusOr<RedisDurability>> RedisStore::CheckDurability(Tick deadline) {
  RedisFacts facts;
  for (const char* const section : {"memory", "persistence", "replication"}) {
    std::vector<std::string> info = {"INFO", section};
    ASSIGN_OR_CO_RETURN(const RedisReply reply, co_await state_->Ask(std::move(info), deadline));
    facts.info += reply.text;
  }
  for (const char* const setting : {"maxmemory-policy", "appendfsync", "min-replicas-to-write"}) {
    std::vector<std::string> get = {"CONFIG", "GET", setting};
    const absl::StatusOr<RedisReply> reply = co_await state_->Ask(std::move(get), deadline);
    // Hosted servers often refuse it.
    if (reply.ok() && reply->elements.size() == 2) facts.settings[setting] = reply->elements[1].text;
  }
  facts.wait_replicas = state_->link.wait_replicas();
  facts.sentinels = !state_->options.url.master_name.empty();
  co_return AssessDurability(facts);
}

StoreIdentity RedisStore::identity() const { return state_->link.identity(); }
uint64_t RedisStore::adopted_in() const { return state_->link.adopted_in(); }
Time RedisStore::Now() const { return state_->link.time().Now(); }
absl::Status RedisStore::health() const { return state_->link.health(); }
CoherenceEpoch RedisStore::epoch() const { return state_->link.coherence().epoch(); }
Tick RedisStore::CurrentUntil(CoherenceEpoch epoch) const {
  return state_->link.coherence().CurrentUntil(epoch);
}
Tick RedisStore::HoldUntil() const { return state_->link.hold_until(); }

awaitable<absl::StatusOr<std::optional<Record>>> RedisStore::Get(Key key, Tick deadline) {
  const absl::Status checked = CheckGet(key);
  if (!checked.ok()) co_return checked;
  auto answer = state_->Perform(GetOperation(state_->link.keys(), std::move(key)), deadline);
  co_return co_await std::move(answer);
}

awaitable<absl::StatusOr<CommitResult>> RedisStore::Commit(std::vector<Write> writes, Tick deadline) {
  const absl::Status checked = CheckCommit(writes);
  if (!checked.ok()) co_return checked;
  RedisOperation<CommitResult> operation = CommitOperation(state_->link.keys(), writes);
  // Read on the store's own thread, as soon as it has come.
  operation.read = [read = std::move(operation.read), &time = state_->link.time()](
                       RedisReply reply, std::vector<Change>& changes) {
    auto result = read(std::move(reply), changes);
    if (result.ok()) time.Note(result->store_time);
    return result;
  };
  auto answer = state_->Perform(std::move(operation), deadline);
  co_return co_await std::move(answer);
}

awaitable<absl::StatusOr<TakeResult>> RedisStore::Take(Key key, std::string guard, uint32_t burn_after,
                                                       Tick deadline) {
  const absl::Status checked = CheckTake(key, guard, burn_after);
  if (!checked.ok()) co_return checked;
  auto answer = state_->Perform(TakeOperation(state_->link.keys(), key, guard, burn_after), deadline);
  co_return co_await std::move(answer);
}

awaitable<absl::StatusOr<std::vector<DueItem>>> RedisStore::ClaimDue(Partition partition, size_t limit,
                                                                     Duration lease, Tick deadline) {
  const absl::Status checked = CheckClaimDue(partition, limit, lease);
  if (!checked.ok()) co_return checked;
  auto answer = state_->Perform(ClaimDueOperation(state_->link.keys(), partition, limit, lease), deadline);
  ASSIGN_OR_CO_RETURN(RedisClaim claim, co_await std::move(answer));
  co_return std::move(claim.items);
}

awaitable<absl::StatusOr<Page>> RedisStore::Scan(Partition partition, Kind kind, TenantId tenant,
                                                 std::string after, size_t limit, Tick deadline) {
  const absl::Status checked = CheckScan(partition, kind, tenant, after, limit);
  if (!checked.ok()) co_return checked;
  auto answer = state_->Perform(
      ScanOperation(state_->link.keys(), partition, kind, std::move(tenant), after, limit), deadline);
  co_return co_await std::move(answer);
}

awaitable<absl::StatusOr<StoreIdentity>> RedisStore::Adopt(Adoption as, Tick deadline) {
  SystemRandom random;
  const StoreIdentity before = identity();
  if (before.id.empty()) co_return health();
  const StoreIdentity next = NextIdentity(before, as, random);
  RedisOperation<StoreIdentity> operation = AdoptOperation(state_->link.keys(), before, next);
  operation.read = [read = std::move(operation.read), &link = state_->link](RedisReply reply,
                                                                            std::vector<Change>& changes) {
    auto identity = read(std::move(reply), changes);
    if (identity.ok()) link.SetIdentity(*identity);
    return identity;
  };
  auto answer = state_->Perform(std::move(operation), deadline);
  ASSIGN_OR_CO_RETURN(const StoreIdentity now, co_await std::move(answer));
  if (now != next)
    co_return Error(Reason::kVersionMismatch, "store: its identity has just been changed by another");
  co_return now;
}

void RedisStore::OnChange(std::function<void(const Change&)> listener) {
  state_->link.reports().OnChange(std::move(listener));
}

void RedisStore::OnLoss(std::function<void()> listener) { state_->link.OnLoss(std::move(listener)); }

}  // namespace grantkeep
