// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_CONNECTION_H_
#define GRANTKEEP_STORE_REDIS_CONNECTION_H_

#include <array>
#include <boost/asio/awaitable.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "store/redis/redis_options.h"
#include "store/redis/reply.h"
#include "store/redis/socket.h"

namespace grantkeep {

// A pipelined connection to one server: commands are sent in order, and replies come in order. One loop.
//
//  1. Every callback is called exactly once, with its reply or, when the connection has ended before that,
//     with why. None is called inside Send.
//  2. An error reply of the server's is a reply, not a failure.
//  3. After ReceivePushes, what arrives while no command waits for a reply is handed over as a push.
class RedisConnection : public std::enable_shared_from_this<RedisConnection> {
 public:
  using Callback = std::function<void(absl::StatusOr<RedisReply>)>;

  // Connects and signs in (AUTH, if there is a password file), before `deadline`. `user` and
  // `password_file` are the ones that this kind of server wants.
  static boost::asio::awaitable<absl::StatusOr<std::shared_ptr<RedisConnection>>> Connect(
      RedisAddress address, const RedisOptions& options, std::string user, std::string password_file,
      Clock& clock, Tick deadline);

  // `command` is formatted.
  void Send(std::string_view command, Callback done);
  // One command, and its reply; an error reply is an error here.
  boost::asio::awaitable<absl::StatusOr<RedisReply>> Call(std::vector<std::string> command);
  boost::asio::awaitable<absl::StatusOr<RedisReply>> CallFormatted(std::string command);
  void ReceivePushes(std::function<void(RedisReply)> push) { push_ = std::move(push); }
  // Ends it; `why` is what unanswered commands are told. Idempotent.
  void Close(absl::Status why);

  // Since when the oldest unanswered command waits.
  std::optional<Tick> waiting_since() const;
  // Called once when the connection ends, with why; inside Close.
  void OnEnd(std::function<void(const absl::Status&)> on_end) { on_end_ = std::move(on_end); }

  RedisConnection(std::unique_ptr<RedisSocket> socket, Clock& clock)
      : socket_(std::move(socket)), clock_(clock) {}

 private:
  struct Waiting {
    Callback done;
    Tick since;
  };

  void Read();
  void Write();
  void Received(size_t size);
  void Deliver(RedisReply reply);
  // Not inside this call.
  void FailSoon(std::deque<Waiting> waiting);

  const std::unique_ptr<RedisSocket> socket_;
  Clock& clock_;
  RedisReplyReader reader_;
  std::array<char, size_t{64} * 1024> in_{};
  std::string out_;      // to be written next
  std::string writing_;  // being written; empty: nothing is
  std::deque<Waiting> waiting_;
  std::function<void(RedisReply)> push_;
  std::function<void(const absl::Status&)> on_end_;
  bool closed_ = false;
  absl::Status why_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_CONNECTION_H_
