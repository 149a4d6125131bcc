// SPDX-License-Identifier: Apache-2.0
#include "net/http_url.h"

#include <fmt/format.h>

#include <new>

#include "base/status_macros.h"

namespace grantkeep {
namespace {

constexpr size_t kMaxUrl = size_t{8} * 1024;
constexpr std::string_view kHttps = "https://";
constexpr std::string_view kHttp = "http://";

absl::Status Refused(std::string_view why) {
  return absl::InvalidArgumentError(fmt::format("URL refused: {}", why));
}

// What libcurl's parser tolerates and we do not.
absl::Status CheckText(std::string_view url) {
  if (url.size() > kMaxUrl) return Refused(fmt::format("longer than {} bytes", kMaxUrl));
  for (const char c : url) {
    if (c <= ' ' || c > '~') return Refused("has a byte that is not printable ASCII");
    if (c == '#') return Refused("has a fragment");
    if (c == '\\') return Refused("has a backslash");
  }
  const std::string_view scheme = url.starts_with(kHttps) ? kHttps : kHttp;
  if (!url.starts_with(scheme)) return Refused("the scheme is not https");
  const std::string_view rest = url.substr(scheme.size());
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  if (authority.empty()) return Refused("has no host");
  if (authority.find('@') != std::string_view::npos) return Refused("has userinfo");
  if (authority.find('%') != std::string_view::npos) return Refused("has a percent sign in its host");
  return absl::OkStatus();
}

std::optional<boost::asio::ip::address> ParseAddress(std::string_view host) {
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  auto address = boost::asio::ip::make_address(std::string(host), error);
  if (error) return std::nullopt;
  return address;
}

}  // namespace

std::string HttpUrl::Part(CURLUPart part, unsigned flags) const {
  char* text = nullptr;
  if (curl_url_get(handle_.get(), part, &text, flags) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

absl::StatusOr<HttpUrl> HttpUrl::Parse(const std::string& text, bool allow_plaintext_loopback) {
  RETURN_IF_ERROR(CheckText(text));
  HttpUrl url;
  if (url.handle_ == nullptr) throw std::bad_alloc();
  const CURLUcode parsed =
      curl_url_set(url.handle_.get(), CURLUPART_URL, text.c_str(), CURLU_PATH_AS_IS | CURLU_DISALLOW_USER);
  if (parsed != CURLUE_OK) return Refused(curl_url_strerror(parsed));
  const std::string host = url.Part(CURLUPART_HOST);
  url.address_ = ParseAddress(host);
  url.plaintext_ = url.Part(CURLUPART_SCHEME) == "http";
  url.loopback_ = url.address_ ? url.address_->is_loopback() : host == "localhost";
  url.origin_ = fmt::format("{}://{}:{}", url.plaintext_ ? "http" : "https", host,
                            url.Part(CURLUPART_PORT, CURLU_DEFAULT_PORT));
  if (url.plaintext_ && !(allow_plaintext_loopback && url.loopback_)) {
    return Refused("the scheme is not https");
  }
  return url;
}

}  // namespace grantkeep
