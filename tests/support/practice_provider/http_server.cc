// SPDX-License-Identifier: Apache-2.0
#include "tests/support/practice_provider/http_server.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <optional>

namespace grantkeep::practice {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr size_t kMaxBody = size_t{64} * 1024;

ServerRequest ReadRequest(const http::request<http::string_body>& message) {
  const auto text = [](auto view) { return std::string(view.data(), view.size()); };
  ServerRequest request;
  request.method = text(message.method_string());
  const std::string target = text(message.target());
  const size_t question = std::min(target.find('?'), target.size());
  request.path = target.substr(0, question);
  request.query = target.substr(std::min(question + 1, target.size()));
  request.authorization = text(message[http::field::authorization]);
  request.content_type = text(message[http::field::content_type]);
  request.body = message.body();
  request.from = text(message[http::field::from]);
  return request;
}

http::response<http::string_body> WriteReply(ServerReply reply, bool keep_alive) {
  http::response<http::string_body> response(static_cast<http::status>(reply.status), 11);
  for (const auto& [name, value] : reply.headers) response.insert(name, value);
  response.keep_alive(keep_alive);
  response.content_length(reply.body.size());
  if (reply.wire == ServerReply::Wire::kTruncated) reply.body.resize(reply.body.size() / 2);
  response.body() = std::move(reply.body);
  return response;
}

using TlsStream = asio::ssl::stream<tcp::socket>;

tcp::socket& SocketOf(tcp::socket& socket) { return socket; }
tcp::socket& SocketOf(TlsStream& stream) { return stream.next_layer(); }

// Ends the connection with RST instead of FIN.
void Reset(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
  socket.close(ignored);
}

asio::awaitable<void> WaitFor(std::chrono::milliseconds delay) {
  if (delay.count() == 0) co_return;
  asio::steady_timer timer(co_await asio::this_coro::executor, delay);
  co_await timer.async_wait(asio::use_awaitable);
}

// Tells at the end of the scope.
class Told {
 public:
  explicit Told(std::function<void()> listener) : listener_(std::move(listener)) {}
  ~Told() {
    if (listener_) listener_();
  }
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;

 private:
  const std::function<void()> listener_;
};

// Serves one connection until it ends. `handler` outlives the loop that runs this.
template <typename Stream>
asio::awaitable<void> Serve(Stream stream, const HttpServer::Handler& handler) {
  boost::beast::flat_buffer buffer;
  error_code error;
  while (true) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(kMaxBody);
    co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    const bool keep_alive = parser.get().keep_alive();
    ServerReply reply = handler(ReadRequest(parser.get()));
    co_await WaitFor(reply.delay);
    const Told told(std::move(reply.on_answered));

    const ServerReply::Wire wire = reply.wire;
    if (wire == ServerReply::Wire::kReset) {
      Reset(SocketOf(stream));
      co_return;
    }
    if (wire == ServerReply::Wire::kHang) {
      co_await SocketOf(stream).async_wait(tcp::socket::wait_read,
                                           asio::redirect_error(asio::use_awaitable, error));
      co_return;
    }
    auto response = WriteReply(std::move(reply), keep_alive);
    co_await http::async_write(stream, response, asio::redirect_error(asio::use_awaitable, error));
    if (error || !keep_alive || wire == ServerReply::Wire::kTruncated) co_return;
  }
}

asio::awaitable<void> ServeTls(TlsStream stream, const HttpServer::Handler& handler) {
  error_code error;
  co_await stream.async_handshake(TlsStream::server, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return;
  co_await Serve(std::move(stream), handler);
}

}  // namespace

class HttpServer::Listener {
 public:
  Listener(asio::io_context& context, Handler handler)
      : context_(context), acceptor_(context), handler_(std::move(handler)) {}

  error_code UseTls(const ServerCertificate& certificate) {
    error_code error;
    tls_.emplace(asio::ssl::context::tls_server);
    tls_->use_certificate_chain(asio::buffer(certificate.certificate_pem), error);
    if (!error) tls_->use_private_key(asio::buffer(certificate.key_pem), asio::ssl::context::pem, error);
    return error;
  }

  error_code Open(uint16_t port) {
    const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    return error;
  }

  uint16_t port() const { return acceptor_.local_endpoint().port(); }

  asio::awaitable<void> Accept() {
    while (true) {
      error_code error;
      tcp::socket socket(context_);
      co_await acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
      if (error == asio::error::operation_aborted) co_return;
      // Out of descriptors, most likely: connections that end will free some.
      if (error) {
        co_await WaitFor(std::chrono::milliseconds(10));
        continue;
      }
      socket.set_option(tcp::no_delay(true), error);
      if (tls_.has_value()) {
        asio::co_spawn(context_, ServeTls(TlsStream(std::move(socket), *tls_), handler_), asio::detached);
      } else {
        asio::co_spawn(context_, Serve(std::move(socket), handler_), asio::detached);
      }
    }
  }

 private:
  asio::io_context& context_;
  tcp::acceptor acceptor_;
  Handler handler_;
  std::optional<asio::ssl::context> tls_;
};

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(uint16_t port, Handler handler,
                                                              std::optional<ServerCertificate> certificate) {
  auto server = std::unique_ptr<HttpServer>(new HttpServer);
  server->listener_ = std::make_unique<Listener>(server->context_, std::move(handler));
  if (certificate.has_value()) {
    if (const error_code error = server->listener_->UseTls(*certificate)) {
      return absl::InvalidArgumentError(fmt::format("the certificate cannot be used: {}", error.message()));
    }
  }
  if (const error_code error = server->listener_->Open(port)) {
    return absl::UnavailableError(fmt::format("cannot listen on 127.0.0.1:{}: {}", port, error.message()));
  }
  server->port_ = server->listener_->port();
  asio::co_spawn(server->context_, server->listener_->Accept(), asio::detached);
  server->thread_ = std::thread([context = &server->context_] { context->run(); });
  return server;
}

HttpServer::~HttpServer() {
  context_.stop();
  if (thread_.joinable()) thread_.join();
}

void HttpServer::Post(std::function<void()> task) { asio::post(context_, std::move(task)); }

}  // namespace grantkeep::practice
