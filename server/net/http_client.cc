// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "net/connect_rules.h"
#include "net/curl_multi.h"
#include "net/curl_transfer.h"
#include "net/http_url.h"
#include "net/trust_store.h"

namespace grantkeep {
namespace {

// Headers that libcurl writes, and that would change the message's framing or its target.
constexpr std::string_view kOurHeaders[] = {"connection", "content-length",    "expect", "host",
                                            "te",         "transfer-encoding", "upgrade"};

// RFC 9110 section 5.6.2.
bool IsToken(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool EqualIgnoringCase(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower,
                            [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

absl::Status CheckRequest(const HttpRequest& request) {
  if (request.method == HttpRequest::Method::kGet && !request.body.empty()) {
    return absl::InvalidArgumentError("request refused: GET with a body");
  }
  for (const HttpHeader& header : request.headers) {
    if (!IsToken(header.name) || std::ranges::any_of(kOurHeaders, [&](std::string_view ours) {
          return EqualIgnoringCase(header.name, ours);
        })) {
      return absl::InvalidArgumentError("request refused: a header's name is malformed or reserved");
    }
    if (std::ranges::any_of(header.value.Expose(),
                            [](char c) { return (c < ' ' && c != '\t') || c == 0x7f; })) {
      return absl::InvalidArgumentError(
          fmt::format("request refused: header {} has a control character", header.name));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckProxy(const std::string& proxy) {
  if (proxy.empty()) return absl::OkStatus();
  if (!proxy.starts_with("http://") && !proxy.starts_with("https://")) {
    return absl::InvalidArgumentError("the proxy is not an http:// or https:// URL");
  }
  CURLU* url = curl_url();
  const CURLUcode parsed = curl_url_set(url, CURLUPART_URL, proxy.c_str(), 0);
  curl_url_cleanup(url);
  if (parsed == CURLUE_OK) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("the proxy's URL is malformed: {}", curl_url_strerror(parsed)));
}

HttpOutcome NotSent(std::string_view why) {
  HttpOutcome outcome;
  outcome.error = Error(Reason::kProviderUnreachable, why);
  outcome.not_sent = true;
  return outcome;
}

class CurlHttpClient final : public HttpClient {
 public:
  CurlHttpClient(boost::asio::io_context& loop, HttpClientOptions options, TrustStore trust)
      : loop_(loop), options_(std::move(options)), trust_(std::move(trust)) {}

  boost::asio::awaitable<HttpOutcome> Send(HttpRequest request) override;

 private:
  CurlTransfer::Route RouteOf(const HttpUrl& url, const HttpRequest& request) const;
  CurlMulti& PoolOf(bool untrusted, const ConnectRules& rules);

  boost::asio::io_context& loop_;
  const HttpClientOptions options_;
  const TrustStore trust_;
  // Connections are shared only by requests of the same kind and the same rules. There are as
  // many pools as the configuration has lists of private ranges.
  std::map<std::pair<bool, std::string>, std::unique_ptr<CurlMulti>> pools_;
};

boost::asio::awaitable<HttpOutcome> CurlHttpClient::Send(HttpRequest request) {
  const auto text = [](const absl::Status& status) {
    return std::string_view(status.message().data(), status.message().size());
  };
  absl::StatusOr<HttpUrl> url = HttpUrl::Parse(request.url, options_.allow_plaintext_loopback);
  if (!url.ok()) co_return NotSent(text(url.status()));
  if (const absl::Status usable = CheckRequest(request); !usable.ok()) co_return NotSent(text(usable));
  const Tick deadline = request.deadline;
  if (deadline <= std::chrono::steady_clock::now()) co_return NotSent("the deadline has passed");
  CurlTransfer::Route route = RouteOf(*url, request);
  if (url->address() && !route.rules.Allow(*url->address())) {
    co_return NotSent(fmt::format("{}: connecting to this address is not allowed", url->origin()));
  }
  CurlMulti& pool = PoolOf(request.untrusted_url, route.rules);
  CurlTransfer transfer(*std::move(url), std::move(request), std::move(route));
  co_await pool.Run(transfer, deadline);  // *this may be gone behind it
  co_return transfer.TakeOutcome();
}

CurlTransfer::Route CurlHttpClient::RouteOf(const HttpUrl& url, const HttpRequest& request) const {
  CurlTransfer::Route route{.rules = {}, .proxy = {}, .trust = &trust_};
  if (!request.untrusted_url) route.rules.allow_private = request.allow_private;
  route.rules.allow_loopback = options_.allow_plaintext_loopback;
  if (!url.loopback()) route.proxy = options_.proxy;
  return route;
}

CurlMulti& CurlHttpClient::PoolOf(bool untrusted, const ConnectRules& rules) {
  std::unique_ptr<CurlMulti>& pool = pools_[{untrusted, rules.Key()}];
  if (pool == nullptr) pool = std::make_unique<CurlMulti>(loop_);
  return *pool;
}

}  // namespace

std::optional<std::string_view> HttpResponse::Header(std::string_view name) const {
  for (const auto& [header, value] : headers) {
    if (header == name) return value;
  }
  return std::nullopt;
}

absl::StatusOr<std::unique_ptr<HttpClient>> CreateHttpClient(boost::asio::io_context& loop,
                                                             HttpClientOptions options) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (initialised != CURLE_OK) return absl::InternalError(curl_easy_strerror(initialised));
  RETURN_IF_ERROR(CheckProxy(options.proxy));
  ASSIGN_OR_RETURN(TrustStore trust, TrustStore::Load(options.ca_file));
  return std::make_unique<CurlHttpClient>(loop, std::move(options), std::move(trust));
}

}  // namespace grantkeep
