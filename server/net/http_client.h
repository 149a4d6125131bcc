// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_NET_HTTP_CLIENT_H_
#define GRANTKEEP_NET_HTTP_CLIENT_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "crypto/secret.h"
#include "net/address.h"

namespace grantkeep {

struct HttpHeader {
  std::string name;
  Secret value;  // may be an Authorization header
};

struct HttpRequest {
  enum class Method { kGet, kPost, kDelete };
  Method method = Method::kGet;
  std::string url;  // https; http only to a loopback address and with allow_plaintext_loopback
  // Host, User-Agent, Accept and Content-Length are added, and nothing else: a body needs its
  // Content-Type.
  std::vector<HttpHeader> headers;
  Secret body;  // not with kGet
  // The whole exchange, name resolution included, ends by then.
  Tick deadline;
  // True for URLs that somebody else told us (discovered endpoints): special-use addresses are
  // always refused, and the connection is never shared with configured URLs.
  bool untrusted_url = false;
  // For configured URLs: private ranges that may be connected to.
  std::vector<CidrBlock> allow_private;
};

struct HttpResponse {
  int status = 0;
  // Names in lower case, in order.
  std::vector<std::pair<std::string, std::string>> headers;
  Secret body;
  // First header of that name (lower case), or nothing.
  std::optional<std::string_view> Header(std::string_view name) const;
};

// A response of any status is a success of the transport. Without a response, `not_sent` tells
// whether it is certain that the server has seen nothing of the request: refused URL or
// address, DNS, connect, TLS, HTTP/2 REFUSED_STREAM. When in doubt it is false.
struct HttpOutcome {
  std::optional<HttpResponse> response;
  absl::Status error;  // when there is no response; says what failed, no header or body
  bool not_sent = false;
  // Without a response: the head of one did arrive, but it could not be used (oversized, cut off).
  bool answered = false;
};

// Sends each request at most once: it never resends, redirects or retries by itself.
class HttpClient {
 public:
  // Answers of more than this are an error ("oversized"), not truncated.
  static constexpr size_t kMaxBody = size_t{64} * 1024;

  virtual ~HttpClient() = default;
  virtual boost::asio::awaitable<HttpOutcome> Send(HttpRequest request) = 0;
};

struct HttpClientOptions {
  // PEM bundle to trust instead of the system's; read once. Verification cannot be turned off.
  std::string ca_file;
  // Proxy URL (http or https); empty: none, whatever the environment says. Requests travel through
  // it in a CONNECT tunnel, those to loopback hosts excepted. It resolves the names, so it has to
  // keep requests out of private networks: of targets, only addresses written out in the URL are
  // checked here then, and the proxy's own address is not.
  std::string proxy;
  // Development: plain http to loopback addresses, and loopback addresses for untrusted URLs.
  bool allow_plaintext_loopback = false;
};

// libcurl's multi interface on `loop`, which must outlive it. Created on any thread; used and
// destroyed on that loop, or destroyed when that has ended. Send()s under way then complete with an
// error, but one that has been called and not yet awaited is not one under way. Fails when ca_file
// cannot be read or the proxy's URL is not one.
absl::StatusOr<std::unique_ptr<HttpClient>> CreateHttpClient(boost::asio::io_context& loop,
                                                             HttpClientOptions options);

}  // namespace grantkeep

#endif  // GRANTKEEP_NET_HTTP_CLIENT_H_
