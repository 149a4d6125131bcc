// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_HTTP_FIXTURE_H_
#define GRANTKEEP_TESTS_SUPPORT_HTTP_FIXTURE_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/test_ca.h"

namespace grantkeep::testing {

// A request as an HTTP/1.1 server read it.
struct ReceivedRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// One accepted connection. Errors and the peer's close are exceptions, which end the session.
class ServerConnection {
 public:
  explicit ServerConnection(boost::asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

  // Nothing when the peer has closed instead.
  boost::asio::awaitable<std::optional<ReceivedRequest>> ReadRequest();
  // Exactly `size` bytes.
  boost::asio::awaitable<std::string> Read(size_t size);
  boost::asio::awaitable<void> Write(std::string bytes);
  // Speaks TLS from here on.
  boost::asio::awaitable<void> StartTls(boost::asio::ssl::context& context);
  // What ALPN chose; empty for none.
  std::string Protocol();
  // Says goodbye in TLS and TCP.
  boost::asio::awaitable<void> Close();
  // Closes with a TCP reset.
  void Reset();

 private:
  boost::asio::awaitable<size_t> ReadSome();

  boost::asio::ip::tcp::socket socket_;
  // Borrows the socket.
  std::unique_ptr<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> tls_;
  std::string received_;
};

// A small HTTP server on a free loopback port, which can be as rude as a test needs.
class HttpFixture {
 public:
  struct Options {
    const TestCa* ca = nullptr;  // null: plaintext
    std::vector<std::string> names = {"localhost", "127.0.0.1"};
    bool http2 = false;       // whether ALPN offers it; then a session must speak it
    int max_tls_version = 0;  // TLS1_2_VERSION...; 0: the newest
  };
  using Session = std::function<boost::asio::awaitable<void>(ServerConnection&)>;
  using Responder = std::function<std::string(const ReceivedRequest&)>;

  // Serves on `loop` until destroyed; answers every request with 200 and "ok".
  HttpFixture(boost::asio::io_context& loop, const Options& options);
  ~HttpFixture();

  // What to send for a request, status line to body.
  void OnRequest(Responder responder);
  // What to do with a connection after the TLS handshake instead of reading and answering.
  void OnConnection(Session session);

  std::string Url(std::string_view path = "/") const { return Url("localhost", path); }
  std::string Url(std::string_view host, std::string_view path) const;
  uint16_t port() const;
  // Requests of the default session.
  const std::vector<ReceivedRequest>& requests() const;
  int accepted() const;  // TCP connections
  int open() const;      // sessions that have not ended
  boost::asio::ssl::context& tls_context();

  // A whole HTTP/1.1 answer with a Content-Length.
  static std::string Answer(int status, std::string_view body, std::string_view extra_headers = "");

 private:
  struct State;
  static boost::asio::awaitable<void> Accept(std::shared_ptr<State> state);
  static boost::asio::awaitable<void> Serve(std::shared_ptr<State> state,
                                            boost::asio::ip::tcp::socket socket);

  std::shared_ptr<State> state_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_SUPPORT_HTTP_FIXTURE_H_
