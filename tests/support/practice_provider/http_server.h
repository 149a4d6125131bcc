// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_HTTP_SERVER_H_
#define GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_HTTP_SERVER_H_

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace grantkeep::practice {

struct ServerRequest {
  std::string method;  // "GET"
  std::string path;    // "/token", not decoded
  std::string query;   // without "?"
  std::string authorization;
  std::string content_type;
  std::string body;
  std::string from = {};  // header (RFC 9110 section 10.1.2)
};

struct ServerReply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  // The answer leaves after this time; the request has taken effect before.
  std::chrono::milliseconds delay{0};
  // Told, when set, on the server's thread, when the answer has left or the connection has ended instead.
  std::function<void()> on_answered = {};
  enum class Wire {
    kWhole,
    kTruncated,  // the headers promise the whole body, half of it comes, then the connection ends
    kReset,      // nothing comes; the connection is reset
    kHang,       // nothing comes until the client gives up
  };
  Wire wire = Wire::kWhole;
};

// A certificate with its chain, and its key, PEM.
struct ServerCertificate {
  std::string certificate_pem;
  std::string key_pem;
};

// HTTP/1.1 with keep-alive on 127.0.0.1, over TLS if it has a certificate, on a thread of its own. Everything
// that the handler touches belongs to that thread; Run() takes others there.
class HttpServer {
 public:
  using Handler = std::function<ServerReply(const ServerRequest&)>;

  // Port 0: a free one. Fails when the port cannot be had, or the certificate cannot be used.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(
      uint16_t port, Handler handler, std::optional<ServerCertificate> certificate = std::nullopt);
  // Closes all connections and joins.
  ~HttpServer();

  uint16_t port() const { return port_; }

  // Runs `function` on the server's thread and returns its result. Not from a handler.
  template <typename Function>
  auto Run(Function function) {
    std::packaged_task<std::invoke_result_t<Function>()> task(std::move(function));
    auto result = task.get_future();
    Post([&task] { task(); });
    return result.get();
  }

 private:
  class Listener;

  HttpServer() = default;
  void Post(std::function<void()> task);

  boost::asio::io_context context_{1};
  std::unique_ptr<Listener> listener_;
  uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace grantkeep::practice

#endif  // GRANTKEEP_TESTS_SUPPORT_PRACTICE_PROVIDER_HTTP_SERVER_H_
