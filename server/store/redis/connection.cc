// SPDX-License-Identifier: Apache-2.0
#include "store/redis/connection.h"

#include <fmt/format.h>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/reason.h"
#include "crypto/secret.h"
#include "net/event.h"
#include "store/redis/watchdog.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;

constexpr size_t kMaxPassword = 4096;

absl::StatusOr<Secret> ReadPassword(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Error(Reason::kStoreUnavailable,
                 fmt::format("password_file: {}: {}", path, std::generic_category().message(errno)));
  }
  std::string text(kMaxPassword + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kMaxPassword) {
    return Error(Reason::kStoreUnavailable,
                 fmt::format("password_file: {} has more than {} bytes", path, kMaxPassword));
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty()) return Error(Reason::kStoreUnavailable, fmt::format("password_file: {} is empty", path));
  return Secret::Take(std::move(text));
}

}  // namespace

awaitable<absl::StatusOr<std::shared_ptr<RedisConnection>>> RedisConnection::Connect(
    RedisAddress address, const RedisOptions& options, std::string user, std::string password_file,
    Clock& clock, Tick deadline) {
  auto socket = co_await RedisSocket::Connect(address, options, clock, deadline);
  if (!socket.ok()) co_return socket.status();
  auto connection = std::make_shared<RedisConnection>(*std::move(socket), clock);
  connection->Read();
  if (password_file.empty()) co_return connection;
  absl::StatusOr<Secret> password = ReadPassword(password_file);
  if (!password.ok()) {
    connection->Close(password.status());
    co_return password.status();
  }
  const Watchdog watchdog(co_await boost::asio::this_coro::executor, clock, deadline, [connection] {
    connection->Close(Error(Reason::kStoreUnavailable, "no answer to AUTH in time"));
  });
  std::vector<std::string> auth = {"AUTH", user.empty() ? "default" : user, std::string(password->Expose())};
  absl::StatusOr<RedisReply> signed_in = co_await connection->Call(std::move(auth));
  if (!signed_in.ok()) {
    connection->Close(signed_in.status());
    co_return signed_in.status();
  }
  co_return connection;
}

void RedisConnection::Send(std::string_view command, Callback done) {
  if (closed_) {
    std::deque<Waiting> waiting;
    waiting.push_back({std::move(done), clock_.Steady()});
    return FailSoon(std::move(waiting));
  }
  waiting_.push_back({std::move(done), clock_.Steady()});
  out_.append(command);
  if (writing_.empty()) Write();
}

awaitable<absl::StatusOr<RedisReply>> RedisConnection::Call(std::vector<std::string> command) {
  const std::vector<std::string_view> words(command.begin(), command.end());
  std::string formatted = FormatRedisCommand(words);
  for (std::string& word : command) WipeString(word);
  co_return co_await CallFormatted(std::move(formatted));
}

awaitable<absl::StatusOr<RedisReply>> RedisConnection::CallFormatted(std::string command) {
  struct Answer {
    Event arrived;
    absl::StatusOr<RedisReply> reply = absl::UnknownError("no reply");
  };
  const auto self = shared_from_this();
  const auto answer = std::make_shared<Answer>();
  Send(command, [answer](absl::StatusOr<RedisReply> reply) {
    answer->reply = std::move(reply);
    answer->arrived.Set();
  });
  WipeString(command);
  [[maybe_unused]] const bool arrived = co_await answer->arrived.Wait(clock_, Tick::max());
  if (!answer->reply.ok()) co_return answer->reply.status();
  if (answer->reply->is(RedisReply::Type::kError)) co_return RedisError(answer->reply->text);
  co_return std::move(*answer->reply);
}

std::optional<Tick> RedisConnection::waiting_since() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.front().since;
}

void RedisConnection::Read() {
  socket_->Read(boost::asio::buffer(in_), [self = shared_from_this()](const auto& error, size_t size) {
    if (self->closed_) return;
    if (error) {
      const std::string why =
          error == boost::asio::error::eof ? "Redis has closed the connection" : error.message();
      return self->Close(Error(Reason::kStoreUnavailable, fmt::format("the connection was lost: {}", why)));
    }
    self->Received(size);
    if (!self->closed_) self->Read();
  });
}

void RedisConnection::Received(size_t size) {
  reader_.Feed({in_.data(), size});
  while (!closed_) {
    absl::StatusOr<std::optional<RedisReply>> reply = reader_.Next();
    if (!reply.ok()) return Close(reply.status());
    if (!reply->has_value()) return;
    Deliver(std::move(**reply));
  }
}

void RedisConnection::Deliver(RedisReply reply) {
  if (!waiting_.empty()) {
    const Callback done = std::move(waiting_.front().done);
    waiting_.pop_front();
    return done(std::move(reply));
  }
  if (push_) return push_(std::move(reply));
  Close(Error(Reason::kStoreUnavailable, "Redis sent a reply that nothing had asked for"));
}

void RedisConnection::Write() {
  writing_.swap(out_);
  socket_->Write(boost::asio::buffer(writing_), [self = shared_from_this()](const auto& error, size_t) {
    WipeString(self->writing_);
    self->writing_.clear();
    if (self->closed_) return;
    // The reader finds out why.
    if (!error && !self->out_.empty()) self->Write();
  });
}

void RedisConnection::Close(absl::Status why) {
  if (std::exchange(closed_, true)) return;
  why_ = std::move(why);
  socket_->Close();
  WipeString(out_);
  if (const auto on_end = std::exchange(on_end_, nullptr)) on_end(why_);
  FailSoon(std::exchange(waiting_, {}));
}

// Those who wait may hold this connection: they go with the handler should the loop end before it runs.
void RedisConnection::FailSoon(std::deque<Waiting> waiting) {
  boost::asio::post(socket_->executor(), [self = shared_from_this(), waiting = std::move(waiting)] {
    for (const Waiting& one : waiting) one.done(Annotate(self->why_, "store"));
  });
}

}  // namespace grantkeep
