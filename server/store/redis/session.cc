// SPDX-License-Identifier: Apache-2.0
#include "store/redis/session.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <charconv>
#include <utility>
#include <vector>

#include "base/reason.h"
#include "crypto/random.h"
#include "store/redis/info.h"
#include "store/redis/watchdog.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using Type = RedisReply::Type;

constexpr std::string_view kInvalidations = "__redis__:invalidate";

absl::Status Unavailable(const std::string& message) { return Error(Reason::kStoreUnavailable, message); }

}  // namespace

awaitable<absl::StatusOr<std::shared_ptr<RedisSession>>> RedisSession::Open(RedisShared shared,
                                                                            RedisAddress address,
                                                                            StoreIdentity if_none) {
  auto session = std::make_shared<RedisSession>(shared, std::move(address));
  const Tick deadline =
      shared.clock.Steady() + shared.options.connect_timeout + shared.options.command_timeout;
  const Watchdog watchdog(co_await boost::asio::this_coro::executor, shared.clock, deadline,
                          [session] { session->End(Unavailable("does not answer")); });
  absl::Status connected = co_await session->Connect(std::move(if_none));
  // What ended it says more than what came of that.
  if (!connected.ok() && session->has_ended() && watchdog.barked()) connected = session->why();
  if (connected.ok()) co_return session;
  session->End(connected);
  co_return Annotate(connected, ToString(session->address()));
}

awaitable<absl::StatusOr<std::shared_ptr<RedisConnection>>> RedisSession::ConnectOne(Tick deadline) {
  const RedisOptions& options = shared_.options;
  auto connected = co_await RedisConnection::Connect(address_, options, options.username,
                                                     options.password_file, shared_.clock, deadline);
  if (!connected.ok()) co_return connected.status();
  Keep(*connected);
  if (options.url.database != 0) {
    std::vector<std::string> select = {"SELECT", std::to_string(options.url.database)};
    absl::StatusOr<RedisReply> selected = co_await (*connected)->Call(std::move(select));
    if (!selected.ok())
      co_return Annotate(selected.status(), fmt::format("database {}", options.url.database));
  }
  std::vector<std::string> set_name = {"CLIENT", "SETNAME", "grantkeep"};
  absl::StatusOr<RedisReply> named = co_await (*connected)->Call(std::move(set_name));
  if (!named.ok()) co_return named.status();
  std::vector<std::string> ask_server = {"INFO", "server"};
  absl::StatusOr<RedisReply> info = co_await (*connected)->Call(std::move(ask_server));
  if (!info.ok()) co_return info.status();
  const std::string run_id = InfoField(info->text, "run_id");
  if (run_id.empty()) co_return Unavailable("INFO tells no run_id");
  if (server_.empty()) server_ = run_id;
  if (server_ != run_id) co_return Unavailable("two connections have reached two different servers");
  co_return *connected;
}

void RedisSession::Keep(const std::shared_ptr<RedisConnection>& connection) {
  if (has_ended()) return connection->Close(why_);
  connections_.push_back(connection);
  connection->OnEnd([weak = weak_from_this(), ended = connection.get()](const absl::Status& why) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    // What is on its way on the other connections can still be answered.
    if (self->begun_ && ended == self->subscriber_.get()) {
      self->deaf_ = true;
      self->shared_.coherence.Withdraw(self->epoch_, self->shared_.clock.Steady());
    } else {
      self->End(why);
    }
  });
}

awaitable<absl::Status> RedisSession::Connect(StoreIdentity if_none) {
  const Tick deadline = shared_.clock.Steady() + shared_.options.connect_timeout;
  auto connected = co_await ConnectOne(deadline);
  if (!connected.ok()) co_return connected.status();
  data_ = *connected;
  connected = co_await ConnectOne(deadline);
  if (!connected.ok()) co_return connected.status();
  subscriber_ = *connected;
  if (shared_.wait_replicas > 0) {
    connected = co_await ConnectOne(deadline);
    if (!connected.ok()) co_return connected.status();
    barrier_connection_ = *connected;
    barrier_ = std::make_shared<ReplicaBarrier>(barrier_connection_, shared_.keys.Meta("barrier"),
                                                shared_.wait_replicas, shared_.options.command_timeout / 2);
  }
  std::vector<std::string> ask_replication = {"INFO", "replication"};
  absl::StatusOr<RedisReply> info = co_await data_->Call(std::move(ask_replication));
  if (!info.ok()) co_return info.status();
  if (InfoField(info->text, "role") != "master") co_return Unavailable("is a replica, not a master");
  server_ += ' ' + InfoField(info->text, "master_replid");
  for (const RedisScript* script : AllRedisScripts()) {
    std::vector<std::string> load = {"SCRIPT", "LOAD", std::string(script->body)};
    absl::StatusOr<RedisReply> loaded = co_await data_->Call(std::move(load));
    if (!loaded.ok()) co_return Annotate(loaded.status(), "SCRIPT LOAD");
  }
  absl::Status subscribed = co_await Subscribe();
  if (!subscribed.ok()) co_return Annotate(subscribed, "subscribing to changes");
  co_return co_await Meet(std::move(if_none));
}

awaitable<absl::Status> RedisSession::Subscribe() {
  std::vector<std::string> ask_id = {"CLIENT", "ID"};
  absl::StatusOr<RedisReply> id = co_await subscriber_->Call(std::move(ask_id));
  if (!id.ok()) co_return id.status();
  SystemRandom random;
  channel_ = shared_.keys.Heartbeat(RandomToken(random, 12));
  for (const std::string& channel : {std::string(kInvalidations), channel_}) {
    std::vector<std::string> subscribe = {"SUBSCRIBE", channel};
    absl::StatusOr<RedisReply> subscribed = co_await subscriber_->Call(std::move(subscribe));
    if (!subscribed.ok()) co_return subscribed.status();
  }
  subscriber_->ReceivePushes([weak = weak_from_this()](const RedisReply& push) {
    if (const auto self = weak.lock()) self->Pushed(push);
  });
  std::vector<std::string> track = {"CLIENT", "TRACKING", "ON", "REDIRECT", std::to_string(id->integer),
                                    "BCAST"};
  for (const Kind kind : {Kind::kKeyring, Kind::kGrant, Kind::kStaticSecret}) {
    track.insert(track.end(), {"PREFIX", shared_.keys.KindPrefix(kind)});
  }
  absl::StatusOr<RedisReply> tracking = co_await data_->Call(std::move(track));
  co_return tracking.status();
}

awaitable<absl::Status> RedisSession::Meet(StoreIdentity if_none) {
  absl::StatusOr<RedisReply> met = co_await data_->CallFormatted(
      MeetCommand(shared_.keys, if_none, server_, shared_.options.failover_hold));
  if (!met.ok()) co_return met.status();
  absl::StatusOr<RedisMeeting> meeting = ReadMeeting(*met);
  if (!meeting.ok()) co_return meeting.status();
  meeting_ = *std::move(meeting);
  shared_.time.Note(meeting_.store_time);
  co_return absl::OkStatus();
}

void RedisSession::Begin(CoherenceEpoch epoch) {
  epoch_ = epoch;
  begun_ = true;
  shared_.reports.Begin([weak = weak_from_this()](const std::string& record, auto answer) {
    const auto self = weak.lock();
    if (self == nullptr || self->has_ended()) return;  // nothing is known, see below
    self->data_->Send(FormatRedisCommand({"GETRANGE", record, "0", "7"}),
                      [answer = std::move(answer)](const absl::StatusOr<RedisReply>& reply) {
                        // The connection is lost, and this subscription with it: what was current is in
                        // doubt from now on, but nothing is known to have changed. It may be all that is
                        // left of what the server had.
                        if (!reply.ok()) return;
                        if (!reply->is(Type::kString)) return answer(std::nullopt);
                        answer(ParseRevisionBytes(reply->text));
                      });
  });
  Beat();
}

void RedisSession::Send(const std::shared_ptr<RedisCall>& call) {
  shared_.reports.Sent(call->tracked);
  Carry(call);
}

void RedisSession::Carry(const std::shared_ptr<RedisCall>& call) {
  data_->Send(call->command, [self = shared_from_this(), call](absl::StatusOr<RedisReply> reply) {
    const bool unknown_script = reply.ok() && reply->is(Type::kError) && reply->text.starts_with("NOSCRIPT");
    if (unknown_script && call->script != nullptr && !std::exchange(call->resent, true)) {
      // It has not run (SCRIPT FLUSH, or a restart behind a proxy): it may be sent again.
      self->data_->Send(FormatRedisCommand({"SCRIPT", "LOAD", call->script->body}),
                        [](const absl::StatusOr<RedisReply>&) {});
      return self->Carry(call);
    }
    self->Answered(call, std::move(reply));
  });
}

void RedisSession::Answered(const std::shared_ptr<RedisCall>& call, absl::StatusOr<RedisReply> reply) {
  std::vector<Change> changes;
  const bool carried_out = reply.ok() && !reply->is(Type::kError);
  if (!reply.ok()) {
    call->Fail(reply.status());
  } else if (reply->is(Type::kError)) {
    call->Fail(Annotate(RedisError(reply->text), "store"));
    if (reply->text.starts_with("READONLY")) End(Unavailable("the master has become a replica"));
  } else {
    changes = call->Read(std::move(*reply));
  }
  shared_.reports.Answered(call->tracked, changes);
  // Also when nothing was written: what was found may be an earlier write that nobody has confirmed.
  if (!carried_out || !call->vault || barrier_ == nullptr) return RedisCall::Answer(call);
  barrier_->Wait([call](const absl::Status& confirmed) {
    if (!confirmed.ok()) call->Fail(confirmed);
    RedisCall::Answer(call);
  });
}

void RedisSession::Pushed(const RedisReply& push) {
  if (!push.is(Type::kArray) || push.elements.size() != 3 || push.elements[0].text != "message") return;
  const RedisReply& payload = push.elements[2];
  if (push.elements[1].text == channel_) return HeardHeartbeat(payload.text);
  if (push.elements[1].text != kInvalidations) return;
  if (payload.is(Type::kNil)) {
    flushed_ = true;
    return End(Unavailable("Redis was emptied (FLUSHALL or FLUSHDB)"));
  }
  if (!begun_) return;
  for (const RedisReply& key : payload.elements) shared_.reports.Reported(key.text);
}

void RedisSession::HeardHeartbeat(std::string_view number) {
  uint64_t beat = 0;
  std::from_chars(number.data(), number.data() + number.size(), beat);
  const auto sent = beats_.find(beat);
  if (sent == beats_.end()) return;
  // A master that has lost its replicas may not be the master any more, for others.
  const bool whole = replicas_ >= shared_.wait_replicas;
  if (whole && epoch_ == shared_.coherence.epoch()) shared_.coherence.Prove(sent->second + kProof);
  beats_.erase(beats_.begin(), std::next(sent));
  was_heard_ = true;
  if (shared_.heard) shared_.heard();
}

void RedisSession::Beat() {
  const Tick now = shared_.clock.Steady();
  const Tick overdue = now - shared_.options.command_timeout;
  for (const auto& connection : {data_, barrier_connection_}) {
    if (connection == nullptr) continue;
    const std::optional<Tick> since = connection->waiting_since();
    if (since.has_value() && *since < overdue) {
      return End(Unavailable(
          fmt::format("Redis has not answered for {} ms",
                      std::chrono::duration_cast<std::chrono::milliseconds>(now - *since).count())));
    }
  }
  if (!beats_.empty() && beats_.begin()->second < overdue) {
    deaf_ = true;
    return;
  }
  beats_.emplace(next_beat_, now);
  const std::string number = std::to_string(next_beat_++);
  data_->Send(FormatRedisCommand({"PUBLISH", channel_, number}),
              [self = shared_from_this()](const absl::StatusOr<RedisReply>& reply) {
                if (reply.ok() && reply->is(Type::kError)) self->End(RedisError(reply->text));
              });
  data_->Send(FormatRedisCommand({"TIME"}),
              [self = shared_from_this()](const absl::StatusOr<RedisReply>& reply) {
                if (!reply.ok()) return;
                if (const std::optional<Time> time = ReadTime(*reply, 0)) self->shared_.time.Note(*time);
              });
  data_->Send(FormatRedisCommand({"ROLE"}),
              [self = shared_from_this()](const absl::StatusOr<RedisReply>& reply) {
                if (reply.ok()) self->CheckRole(*reply);
              });
  shared_.reports.Tidy();
}

void RedisSession::CheckRole(const RedisReply& role) {
  const bool master = !role.elements.empty() && role.elements[0].text == "master";
  if (master && role.elements.size() == 3) replicas_ = static_cast<int>(role.elements[2].elements.size());
  if (!master && !role.is(Type::kError)) End(Unavailable("the master has become a replica"));
}

void RedisSession::End(absl::Status why) {
  if (ended_.IsSet()) return;
  why_ = std::move(why);
  ended_.Set();
  if (begun_) shared_.coherence.Withdraw(epoch_, shared_.clock.Steady());
  for (const auto& connection : std::exchange(connections_, {})) connection->Close(why_);
}

awaitable<void> RedisSession::EndGently(absl::Status why) {
  const auto self = shared_from_this();
  const Tick deadline = shared_.clock.Steady() + shared_.options.command_timeout;
  // What is sent now is answered after everything before it.
  const Watchdog watchdog(co_await boost::asio::this_coro::executor, shared_.clock, deadline,
                          [self, why] { self->End(why); });
  for (const auto& connection : {barrier_connection_, data_}) {
    if (connection == nullptr || has_ended()) continue;
    std::vector<std::string> ping = {"PING"};
    [[maybe_unused]] absl::StatusOr<RedisReply> answered = co_await connection->Call(std::move(ping));
  }
  End(why);
}

}  // namespace grantkeep
