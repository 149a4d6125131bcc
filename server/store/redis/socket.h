// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_SOCKET_H_
#define GRANTKEEP_STORE_REDIS_SOCKET_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "store/redis/redis_options.h"

namespace grantkeep {

// A connected stream to a Redis or Sentinel: TCP, TLS over it, or a unix socket. One loop.
class RedisSocket {
 public:
  using Done = std::function<void(const boost::system::error_code&, size_t)>;

  // Connects, shakes hands, and checks the server's certificate against `address.host`. The message of a
  // failure says what went wrong (name, connection, certificate, time), not with which address. Files are
  // read anew.
  static boost::asio::awaitable<absl::StatusOr<std::unique_ptr<RedisSocket>>> Connect(
      RedisAddress address, const RedisOptions& options, Clock& clock, Tick deadline);

  // One read and one write at a time. The buffer must live until `done` is called.
  void Read(boost::asio::mutable_buffer buffer, Done done);
  void Write(boost::asio::const_buffer buffer, Done done);
  // Ends what is under way. Idempotent.
  void Close();
  boost::asio::any_io_executor executor() { return socket_.get_executor(); }

 private:
  explicit RedisSocket(const boost::asio::any_io_executor& executor)
      : resolver_(executor), socket_(executor) {}

  boost::asio::awaitable<absl::Status> ConnectPlain(RedisAddress address);
  boost::asio::awaitable<absl::Status> Handshake(RedisAddress address, const RedisOptions& options);

  boost::asio::awaitable<absl::StatusOr<std::vector<boost::asio::generic::stream_protocol::endpoint>>>
  Resolve(RedisAddress address);

  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::generic::stream_protocol::socket socket_;
  // Of TLS; the context outlives the stream.
  std::optional<boost::asio::ssl::context> context_;
  std::optional<boost::asio::ssl::stream<boost::asio::generic::stream_protocol::socket&>> tls_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_SOCKET_H_
