// SPDX-License-Identifier: Apache-2.0
#include "store/redis/socket.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "base/reason.h"
#include "store/redis/watchdog.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using boost::asio::generic::stream_protocol;
using boost::asio::ip::tcp;
namespace ssl = boost::asio::ssl;

// Errors are results, not exceptions.
constexpr auto kNoThrow = boost::asio::as_tuple(boost::asio::use_awaitable);

absl::Status Unavailable(const std::string& why) { return Error(Reason::kStoreUnavailable, why); }

absl::Status BadFile(std::string_view field, const std::string& path,
                     const boost::system::error_code& error) {
  return Unavailable(fmt::format("{}: {}: {}", field, path, error.message()));
}

absl::Status SetUpTls(ssl::context& context, const RedisOptions& options) {
  boost::system::error_code error;
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  context.set_verify_mode(ssl::verify_peer, error);
  if (options.ca_file.empty()) {
    context.set_default_verify_paths(error);
    if (error) return Unavailable("the system's certificate authorities: " + error.message());
  } else {
    context.load_verify_file(options.ca_file, error);
    if (error) return BadFile("tls.ca_file", options.ca_file, error);
  }
  if (options.certificate_file.empty()) return absl::OkStatus();
  context.use_certificate_chain_file(options.certificate_file, error);
  if (error) return BadFile("tls.certificate_file", options.certificate_file, error);
  context.use_private_key_file(options.private_key_file, ssl::context::pem, error);
  if (error) return BadFile("tls.private_key_file", options.private_key_file, error);
  return absl::OkStatus();
}

// Why the handshake failed: what is wrong with the certificate, if that was it.
std::string HandshakeProblem(const SSL* session, const boost::system::error_code& error) {
  const long verified = SSL_get_verify_result(session);
  if (verified == X509_V_OK) return error.message();
  return fmt::format("the server's certificate is not accepted: {}", X509_verify_cert_error_string(verified));
}

}  // namespace

awaitable<absl::StatusOr<std::unique_ptr<RedisSocket>>> RedisSocket::Connect(RedisAddress address,
                                                                             const RedisOptions& options,
                                                                             Clock& clock, Tick deadline) {
  const auto executor = co_await boost::asio::this_coro::executor;
  std::unique_ptr<RedisSocket> socket(new RedisSocket(executor));
  const Watchdog watchdog(executor, clock, deadline, [&socket] { socket->Close(); });
  absl::Status connected = co_await socket->ConnectPlain(address);
  std::string_view late = "no connection in time";
  if (connected.ok() && options.url.tls) {
    late = "TLS: no answer to the handshake in time";
    connected = co_await socket->Handshake(address, options);
  }
  if (watchdog.barked()) co_return Unavailable(std::string(late));
  if (!connected.ok()) co_return connected;
  co_return socket;
}

awaitable<absl::StatusOr<std::vector<stream_protocol::endpoint>>> RedisSocket::Resolve(RedisAddress address) {
  std::vector<stream_protocol::endpoint> endpoints;
  if (!address.path.empty()) {
    if (address.path.size() >= sizeof(sockaddr_un::sun_path)) {
      co_return Unavailable("the path is too long for a unix socket");
    }
    endpoints.emplace_back(boost::asio::local::stream_protocol::endpoint(address.path));
    co_return endpoints;
  }
  boost::system::error_code error;
  const auto numeric = boost::asio::ip::make_address(address.host, error);
  if (!error) {
    endpoints.emplace_back(tcp::endpoint(numeric, address.port));
    co_return endpoints;
  }
  const std::string port = std::to_string(address.port);
  auto [failure, found] =
      co_await resolver_.async_resolve(address.host, port, tcp::resolver::numeric_service, kNoThrow);
  if (failure) co_return Unavailable(failure.message());
  for (const auto& entry : found) endpoints.emplace_back(entry.endpoint());
  co_return endpoints;
}

awaitable<absl::Status> RedisSocket::ConnectPlain(RedisAddress address) {
  auto endpoints = co_await Resolve(address);
  if (!endpoints.ok()) co_return endpoints.status();
  boost::system::error_code last = boost::asio::error::host_not_found;
  for (const stream_protocol::endpoint& endpoint : *endpoints) {
    boost::system::error_code ignored;
    socket_.close(ignored);
    auto [error] = co_await socket_.async_connect(endpoint, kNoThrow);
    last = error;
    if (!error) {
      // A unix socket has neither.
      socket_.set_option(tcp::no_delay(true), ignored);
      socket_.set_option(boost::asio::socket_base::keep_alive(true), ignored);
      co_return absl::OkStatus();
    }
    if (error == boost::asio::error::operation_aborted) break;
  }
  co_return Unavailable(last.message());
}

awaitable<absl::Status> RedisSocket::Handshake(RedisAddress address, const RedisOptions& options) {
  context_.emplace(ssl::context::tls_client);
  absl::Status set_up = SetUpTls(*context_, options);
  if (!set_up.ok()) co_return set_up;
  tls_.emplace(socket_, *context_);
  tls_->set_verify_callback(ssl::host_name_verification(address.host));
  boost::system::error_code not_numeric;
  boost::asio::ip::make_address(address.host, not_numeric);
  if (not_numeric) SSL_set_tlsext_host_name(tls_->native_handle(), address.host.c_str());
  auto [error] = co_await tls_->async_handshake(ssl::stream_base::client, kNoThrow);
  if (!error) co_return absl::OkStatus();
  co_return Unavailable("TLS: " + HandshakeProblem(tls_->native_handle(), error));
}

void RedisSocket::Read(boost::asio::mutable_buffer buffer, Done done) {
  if (tls_.has_value()) {
    tls_->async_read_some(buffer, std::move(done));
  } else {
    socket_.async_read_some(buffer, std::move(done));
  }
}

void RedisSocket::Write(boost::asio::const_buffer buffer, Done done) {
  if (tls_.has_value()) {
    boost::asio::async_write(*tls_, buffer, std::move(done));
  } else {
    boost::asio::async_write(socket_, buffer, std::move(done));
  }
}

void RedisSocket::Close() {
  boost::system::error_code ignored;
  resolver_.cancel();
  socket_.close(ignored);
}

}  // namespace grantkeep
