// SPDX-License-Identifier: Apache-2.0
#include "tests/support/http_fixture.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <cstdlib>
#include <utility>

namespace grantkeep::testing {
namespace {

using boost::asio::use_awaitable;
using boost::asio::ip::tcp;

int ChooseProtocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                   unsigned offered_size, void* ours) {
  const auto& protocols = *static_cast<const std::string*>(ours);
  const int found = SSL_select_next_proto(const_cast<unsigned char**>(out), out_size,
                                          reinterpret_cast<const unsigned char*>(protocols.data()),
                                          static_cast<unsigned>(protocols.size()), offered, offered_size);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

void ParseHead(std::string_view head, ReceivedRequest& request) {
  size_t end = head.find("\r\n");
  const std::string_view first = head.substr(0, end);
  const size_t space = first.find(' ');
  request.method = first.substr(0, space);
  request.target = first.substr(space + 1, first.rfind(' ') - space - 1);
  while (!(head = head.substr(end + 2)).empty()) {
    end = head.find("\r\n");
    if (end == std::string_view::npos) end = head.size() - 2;
    const std::string_view line = head.substr(0, end);
    const size_t colon = line.find(':');
    std::string name(line.substr(0, colon));
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    const size_t value = line.find_first_not_of(' ', colon + 1);
    request.headers[name] = value == std::string_view::npos ? "" : line.substr(value);
  }
}

boost::asio::awaitable<void> ShutDown(tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.shutdown(tcp::socket::shutdown_both, ignored);
  co_return;
}

}  // namespace

boost::asio::awaitable<size_t> ServerConnection::ReadSome() {
  char buffer[16 * 1024];
  const auto space = boost::asio::buffer(buffer);
  const size_t size = tls_ ? co_await tls_->async_read_some(space, use_awaitable)
                           : co_await socket_.async_read_some(space, use_awaitable);
  received_.append(buffer, size);
  co_return size;
}

boost::asio::awaitable<std::optional<ReceivedRequest>> ServerConnection::ReadRequest() {
  size_t end;
  try {
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) co_await ReadSome();
  } catch (const boost::system::system_error&) {
    co_return std::nullopt;
  }
  ReceivedRequest request;
  ParseHead(std::string_view(received_).substr(0, end + 2), request);
  received_.erase(0, end + 4);
  const auto length = request.headers.find("content-length");
  if (length != request.headers.end()) request.body = co_await Read(std::stoul(length->second));
  co_return request;
}

boost::asio::awaitable<std::string> ServerConnection::Read(size_t size) {
  while (received_.size() < size) co_await ReadSome();
  std::string bytes = received_.substr(0, size);
  received_.erase(0, size);
  co_return bytes;
}

boost::asio::awaitable<void> ServerConnection::Write(std::string bytes) {
  const auto data = boost::asio::buffer(bytes);
  if (tls_) {
    co_await boost::asio::async_write(*tls_, data, use_awaitable);
  } else {
    co_await boost::asio::async_write(socket_, data, use_awaitable);
  }
}

boost::asio::awaitable<void> ServerConnection::StartTls(boost::asio::ssl::context& context) {
  tls_ = std::make_unique<boost::asio::ssl::stream<tcp::socket&>>(socket_, context);
  co_await tls_->async_handshake(boost::asio::ssl::stream_base::server, use_awaitable);
}

std::string ServerConnection::Protocol() {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  if (tls_) SSL_get0_alpn_selected(tls_->native_handle(), &name, &size);
  return std::string(reinterpret_cast<const char*>(name), size);
}

boost::asio::awaitable<void> ServerConnection::Close() {
  using boost::asio::experimental::awaitable_operators::operator&&;
  boost::system::error_code ignored;
  if (tls_) {
    // The close_notify leaves at once; waiting for the peer's ends with the TCP shutdown.
    boost::asio::awaitable<void> tls =
        tls_->async_shutdown(boost::asio::redirect_error(use_awaitable, ignored));
    boost::asio::awaitable<void> tcp = ShutDown(socket_);
    auto both = std::move(tls) && std::move(tcp);
    co_await std::move(both);
  }
  socket_.close(ignored);
}

void ServerConnection::Reset() {
  boost::system::error_code ignored;
  socket_.set_option(tcp::socket::linger(true, 0), ignored);
  socket_.close(ignored);
}

struct HttpFixture::State {
  State(boost::asio::io_context& loop, const Options& options)
      : acceptor(loop, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
        tls(options.ca != nullptr) {}

  tcp::acceptor acceptor;
  const bool tls;
  boost::asio::ssl::context context{boost::asio::ssl::context::tls_server};
  std::string protocols;  // ALPN, in its wire format
  Session session;
  Responder responder = [](const ReceivedRequest&) { return Answer(200, "ok"); };
  std::vector<ReceivedRequest> requests;
  int accepted = 0;
  int open = 0;
};

HttpFixture::HttpFixture(boost::asio::io_context& loop, const Options& options)
    : state_(std::make_shared<State>(loop, options)) {
  if (options.ca != nullptr) {
    const TestCa::Identity identity = options.ca->Issue(options.names);
    state_->context.use_certificate_chain(boost::asio::buffer(identity.certificate_pem));
    state_->context.use_private_key(boost::asio::buffer(identity.key_pem), boost::asio::ssl::context::pem);
    SSL_CTX* const context = state_->context.native_handle();
    if (options.max_tls_version != 0) {
      SSL_CTX_set_security_level(context, 0);
      SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
      SSL_CTX_set_max_proto_version(context, options.max_tls_version);
    }
    state_->protocols = options.http2 ? "\x02h2\x08http/1.1" : "\x08http/1.1";
    SSL_CTX_set_alpn_select_cb(context, &ChooseProtocol, &state_->protocols);
  }
  boost::asio::co_spawn(loop, Accept(state_), boost::asio::detached);
}

HttpFixture::~HttpFixture() {
  boost::system::error_code ignored;
  state_->acceptor.close(ignored);
}

void HttpFixture::OnRequest(Responder responder) { state_->responder = std::move(responder); }
void HttpFixture::OnConnection(Session session) { state_->session = std::move(session); }
const std::vector<ReceivedRequest>& HttpFixture::requests() const { return state_->requests; }
int HttpFixture::accepted() const { return state_->accepted; }
int HttpFixture::open() const { return state_->open; }
boost::asio::ssl::context& HttpFixture::tls_context() { return state_->context; }
uint16_t HttpFixture::port() const { return state_->acceptor.local_endpoint().port(); }

std::string HttpFixture::Url(std::string_view host, std::string_view path) const {
  return fmt::format("{}://{}:{}{}", state_->tls ? "https" : "http", host, port(), path);
}

std::string HttpFixture::Answer(int status, std::string_view body, std::string_view extra_headers) {
  return fmt::format("HTTP/1.1 {} Whatever\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(),
                     extra_headers, body);
}

boost::asio::awaitable<void> HttpFixture::Accept(std::shared_ptr<State> state) {
  const auto executor = co_await boost::asio::this_coro::executor;
  for (;;) {
    tcp::socket socket = co_await state->acceptor.async_accept(use_awaitable);
    socket.set_option(tcp::no_delay(true));
    ++state->accepted;
    boost::asio::co_spawn(executor, Serve(state, std::move(socket)), boost::asio::detached);
  }
}

boost::asio::awaitable<void> HttpFixture::Serve(std::shared_ptr<State> state, tcp::socket socket) {
  ServerConnection connection(std::move(socket));
  ++state->open;
  try {
    if (state->tls) co_await connection.StartTls(state->context);
    if (state->session) {
      const Session session = state->session;
      co_await session(connection);
    } else {
      for (;;) {
        std::optional<ReceivedRequest> request = co_await connection.ReadRequest();
        if (!request) break;
        state->requests.push_back(*request);
        std::string answer = state->responder(*request);
        co_await connection.Write(std::move(answer));
      }
    }
  } catch (const boost::system::system_error&) {
    connection.Reset();  // the peer has left
  }
  --state->open;
}

}  // namespace grantkeep::testing
