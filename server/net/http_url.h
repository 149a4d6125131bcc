// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_NET_HTTP_URL_H_
#define GRANTKEEP_NET_HTTP_URL_H_

#include <curl/curl.h>

#include <boost/asio/ip/address.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace grantkeep {

// A URL that may be requested, kept as libcurl parsed it: what was checked is what is used.
class HttpUrl {
 public:
  // Refuses every scheme but https (and http to a loopback host when `allow_plaintext_loopback`),
  // userinfo, fragments, IPv6 zones, and bytes that are not printable ASCII. Errors never quote
  // the URL: its query may hold a secret.
  static absl::StatusOr<HttpUrl> Parse(const std::string& url, bool allow_plaintext_loopback);

  CURLU* handle() const { return handle_.get(); }
  // "https://host:port", for messages.
  const std::string& origin() const { return origin_; }
  bool plaintext() const { return plaintext_; }
  // Whether the host is "localhost" or a loopback address, by its text.
  bool loopback() const { return loopback_; }
  // The host, when it is an address.
  const std::optional<boost::asio::ip::address>& address() const { return address_; }

 private:
  struct Free {
    void operator()(CURLU* handle) const { curl_url_cleanup(handle); }
  };

  HttpUrl() : handle_(curl_url()) {}
  // The part's text; empty when there is none.
  std::string Part(CURLUPart part, unsigned flags = 0) const;

  std::unique_ptr<CURLU, Free> handle_;
  std::string origin_;
  bool plaintext_ = false;
  bool loopback_ = false;
  std::optional<boost::asio::ip::address> address_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_NET_HTTP_URL_H_
