// SPDX-License-Identifier: Apache-2.0
#include "store/redis/link.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "base/reason.h"
#include "net/loop.h"
#include "store/identity.h"
#include "telemetry/log.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;

constexpr Duration kFirstPause = std::chrono::milliseconds(50);
constexpr Duration kLongestPause = std::chrono::seconds(1);
// After a session of use the next attempt is made at once, but not more often than this.
constexpr Duration kAtOnceInterval = std::chrono::seconds(1);
// How often Sentinels are asked, and the identity is read.
constexpr Duration kWatchInterval = std::chrono::seconds(1);

std::string_view MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

absl::Status Closing() { return Error(Reason::kStoreUnavailable, "store: it is being closed"); }

}  // namespace

RedisLink::RedisLink(const RedisOptions& options, Clock& clock, boost::asio::io_context& loop)
    : options_(options),
      clock_(clock),
      loop_(loop),
      keys_(options.key_prefix),
      wait_replicas_(options.wait_replicas.value_or(options.url.master_name.empty() ? 0 : 1)),
      time_(clock),
      reports_(keys_, clock),
      finder_(options, clock),
      health_(Error(Reason::kStoreUnavailable, "store: Redis has not been reached yet")) {}

void RedisLink::Start() { Spawn(loop_, Run()); }

void RedisLink::Stop() {
  stopped_ = true;
  FailWaiting(Closing());
  for (const auto& call : std::exchange(until_ready_, {})) {
    call->Fail(Closing());
    RedisCall::Answer(call);
  }
  for (const auto& session : {session_, ending_}) {
    if (session != nullptr) session->End(Closing());
  }
  session_ = nullptr;
}

void RedisLink::Carry(std::shared_ptr<RedisCall> call) {
  if (call->abandoned || call->deadline <= clock_.Steady()) return;
  if (session_ != nullptr && !session_->has_ended()) return session_->Send(call);
  // Also when its end has not been noticed here yet.
  const bool connecting = connecting_ || session_ != nullptr;
  if (connecting && !stopped_) return waiting_.push_back(std::move(call));
  call->Fail(stopped_ ? Closing() : health());
  RedisCall::Answer(call);
}

void RedisLink::AnswerWhenReady(std::shared_ptr<RedisCall> call) {
  std::erase_if(until_ready_, [](const auto& waiting) { return waiting->abandoned.load(); });
  until_ready_.push_back(std::move(call));
  if (coherence_.CurrentUntil(coherence_.epoch()) > clock_.Steady()) Heard();
}

void RedisLink::Heard() {
  for (const auto& call : std::exchange(until_ready_, {})) {
    call->Read(RedisReply());
    RedisCall::Answer(call);
  }
}

awaitable<void> RedisLink::Run() {
  Duration pause = kFirstPause;
  Tick at_once{};
  while (!stopped_) {
    bool was_of_use = false;
    const absl::Status why = co_await RunSession(was_of_use);
    if (stopped_) break;
    if (was_of_use) pause = kFirstPause;
    if (was_of_use && clock_.Steady() - at_once >= kAtOnceInterval) {
      at_once = clock_.Steady();
      continue;
    }
    Down(why, Jittered(pause));
    co_await clock_.SleepUntil(next_attempt_);
    pause = std::min(2 * pause, kLongestPause);
  }
}

awaitable<absl::Status> RedisLink::RunSession(bool& was_of_use) {
  absl::StatusOr<RedisAddress> master = co_await finder_.Find();
  if (!master.ok()) co_return master.status();
  const RedisShared shared{.options = options_,
                           .keys = keys_,
                           .clock = clock_,
                           .time = time_,
                           .coherence = coherence_,
                           .reports = reports_,
                           .wait_replicas = wait_replicas_,
                           .heard = [this] { Heard(); }};
  const StoreIdentity if_none = IdentityIfNone();
  absl::StatusOr<std::shared_ptr<RedisSession>> opened =
      co_await RedisSession::Open(shared, *master, if_none);
  if (!opened.ok()) co_return opened.status();
  const std::shared_ptr<RedisSession> session = *std::move(opened);
  if (stopped_) {
    session->End(Closing());
    co_return Closing();
  }
  if (identity().id.empty() && session->meeting().identity == if_none) {
    // A first start; or the end of whatever was kept here.
    Log("store").warn("Redis {} held nothing under key_prefix '{}': made a new store, {} in epoch {}",
                      ToString(session->address()), options_.key_prefix, if_none.id, if_none.epoch);
  }
  const bool lost = Met(*session);
  Up(session);
  if (lost) TellLoss();
  co_await Serve(session);
  was_of_use = session->was_heard();
  session_ = nullptr;
  ending_ = nullptr;
  connecting_ = true;
  emptied_ = session->flushed();
  SetHealth(Annotate(session->why(), fmt::format("store: {}", ToString(session->address()))));
  if (!stopped_) Log("store").warn("{}", MessageOf(health()));
  co_return session->why();
}

awaitable<void> RedisLink::Serve(std::shared_ptr<RedisSession> session) {
  const auto executor = co_await boost::asio::this_coro::executor;
  if (finder_.asks_sentinels()) boost::asio::co_spawn(executor, WatchMaster(session), boost::asio::detached);
  boost::asio::co_spawn(executor, ReadIdentity(session), boost::asio::detached);
  Event ended = session->ended();
  while (!co_await ended.Wait(clock_, clock_.Steady() + RedisSession::kHeartbeat)) {
    if (session_ == nullptr) continue;  // it is being ended
    session->Beat();
    if (!session->deaf()) continue;
    session_ = nullptr;
    connecting_ = true;
    ending_ = session;
    absl::Status why = Error(Reason::kStoreUnavailable, "changes are no longer reported");
    co_await session->EndGently(std::move(why));
  }
}

awaitable<void> RedisLink::WatchMaster(std::shared_ptr<RedisSession> session) {
  while (!session->has_ended()) {
    co_await clock_.SleepUntil(clock_.Steady() + kWatchInterval);
    if (session->has_ended()) co_return;
    const absl::StatusOr<RedisAddress> master = co_await finder_.Find();
    if (!master.ok() || session != session_) continue;
    if (ToString(*master) == ToString(session->address())) continue;
    session_ = nullptr;
    connecting_ = true;
    ending_ = session;
    absl::Status why =
        Error(Reason::kStoreUnavailable, fmt::format("the master is {} now", ToString(*master)));
    co_await session->EndGently(std::move(why));
  }
}

// It may be adopted by another process; and it is put back should it have been evicted.
awaitable<void> RedisLink::ReadIdentity(std::shared_ptr<RedisSession> session) {
  while (!session->has_ended()) {
    co_await clock_.SleepUntil(clock_.Steady() + kWatchInterval);
    if (session->has_ended()) co_return;
    std::vector<std::string> get = {"GET", keys_.Meta("identity")};
    const absl::StatusOr<RedisReply> reply = co_await session->Ask(std::move(get));
    if (!reply.ok()) continue;
    if (const std::optional<StoreIdentity> identity = ParseIdentity(reply->text)) {
      SetIdentity(*identity);
    } else if (reply->is(RedisReply::Type::kNil)) {
      std::vector<std::string> put = {"SET", keys_.Meta("identity"), EncodeIdentity(IdentityIfNone()), "NX"};
      [[maybe_unused]] const absl::StatusOr<RedisReply> done = co_await session->Ask(std::move(put));
    }
  }
}

bool RedisLink::Met(const RedisSession& session) {
  const RedisMeeting& meeting = session.meeting();
  const bool lost = emptied_ || (!last_server_.empty() && last_server_ != session.server());
  const Duration hold = lost ? std::max(meeting.hold, options_.failover_hold) : meeting.hold;
  emptied_ = false;
  last_server_ = session.server();
  // What waits was asked of another store.
  const StoreIdentity known = identity();
  if (!known.id.empty() && known != meeting.identity) {
    FailWaiting(RetryableError(Reason::kStoreUnavailable, "store: it has turned out to be another one",
                               kLongestPause));
  }
  SetIdentity(meeting.identity);
  if (hold > Duration(0)) {
    const Tick until = std::max(hold_until(), clock_.Steady() + hold);
    hold_until_.store(until.time_since_epoch().count());
    // What waits was asked before it was known that nobody may act now.
    FailWaiting(RetryableError(Reason::kStoreUnavailable, "store: it may have lost writes", kLongestPause));
  }
  Log("store").info("connected to Redis {}{}", ToString(session.address()),
                    hold > Duration(0) ? "; it may have lost writes: nothing is refreshed for a while" : "");
  return lost;
}

void RedisLink::Up(std::shared_ptr<RedisSession> session) {
  // Nothing was read in this epoch before changes were reported in it.
  session->Begin(coherence_.Begin());
  session_ = std::move(session);
  connecting_ = false;
  last_problem_.clear();
  SetHealth(absl::OkStatus());
  for (auto& call : std::exchange(waiting_, {})) Carry(std::move(call));
}

void RedisLink::Down(const absl::Status& why, Duration pause) {
  connecting_ = false;
  next_attempt_ = clock_.Steady() + pause;
  const std::string problem = fmt::format("store: Redis cannot be used: {}", MessageOf(why));
  if (std::exchange(last_problem_, problem) != problem) Log("store").warn("{}", problem);
  SetHealth(RetryableError(Reason::kStoreUnavailable, problem, std::max<Duration>(pause, kLongestPause / 2)));
  FailWaiting(health());
}

void RedisLink::FailWaiting(const absl::Status& why) {
  for (const auto& call : std::exchange(waiting_, {})) {
    call->Fail(why);
    RedisCall::Answer(call);
  }
}

absl::Status RedisLink::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

void RedisLink::SetHealth(absl::Status health) {
  const std::lock_guard lock(mutex_);
  health_ = std::move(health);
}

StoreIdentity RedisLink::identity() const {
  const std::lock_guard lock(mutex_);
  return identity_;
}

void RedisLink::SetIdentity(const StoreIdentity& identity) {
  const std::lock_guard lock(mutex_);
  identity_ = identity;
  adopted_in_ = AdoptedIn(identity);
}

void RedisLink::TellLoss() {
  std::function<void()> listener;
  {
    const std::lock_guard lock(mutex_);
    listener = on_loss_;
  }
  if (listener) listener();
}

void RedisLink::OnLoss(std::function<void()> listener) {
  const std::lock_guard lock(mutex_);
  on_loss_ = std::move(listener);
}

StoreIdentity RedisLink::IdentityIfNone() {
  StoreIdentity known = identity();
  return known.id.empty() ? NewIdentity(random_) : known;
}

Duration RedisLink::Jittered(Duration pause) {
  uint8_t byte = 0;
  random_.Fill({&byte, 1});
  return pause / 2 + pause / 2 * byte / 255;
}

}  // namespace grantkeep
