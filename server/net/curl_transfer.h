// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_NET_CURL_TRANSFER_H_
#define GRANTKEEP_NET_CURL_TRANSFER_H_

#include <curl/curl.h>

#include <boost/asio/ip/address.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/connect_rules.h"
#include "net/http_answer.h"
#include "net/http_client.h"
#include "net/http_url.h"
#include "net/trust_store.h"

namespace grantkeep {

// One request on one libcurl handle, from its options to its outcome. Does not move: libcurl
// keeps its address.
//
// libcurl sends a request again when a reused connection ends without an answer, when HTTP/2
// refuses the stream, and when a server asks for HTTP/1.1. Here a transfer passes the last gate
// before its first byte (PREREQFUNCTION) once; from then on it gets no further socket, no second
// passage, and its body cannot be rewound.
class CurlTransfer {
 public:
  struct Route {
    ConnectRules rules;
    std::string proxy;  // empty: direct. With a proxy, the rules are the proxy's to keep
    const TrustStore* trust;
  };

  // `trust` must outlive the transfer's run.
  CurlTransfer(HttpUrl url, HttpRequest request, Route route);
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;

  static CurlTransfer& Of(CURL* handle);
  CURL* handle() const { return handle_.get(); }

  // Ends the transfer with libcurl's result, or because nobody waits any longer.
  void Complete(CURLcode result);
  void Abandon(std::string_view why);
  bool done() const { return outcome_.has_value(); }
  HttpOutcome TakeOutcome() { return std::move(*outcome_); }

 private:
  struct FreeHandle {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };
  struct FreeList {
    void operator()(curl_slist* list) const;  // wipes
  };

  void SetUpRequest();
  void SetUpSecurity();
  void SetUpCallbacks();
  void AddHeaderLine(std::string line);
  void Fail(std::string_view what);
  std::string Describe(CURLcode result) const;

  static curl_socket_t OpenSocket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int BeforeRequest(void* self, char*, char*, int, int);
  static size_t ReadBody(char* buffer, size_t size, size_t count, void* self);
  static size_t OnHeader(char* data, size_t size, size_t count, void* self);
  static size_t OnBody(char* data, size_t size, size_t count, void* self);
  static int OnDebug(CURL* handle, curl_infotype type, char* data, size_t size, void* self);
  static CURLcode OnTlsContext(CURL* handle, void* context, void* self);

  const HttpUrl url_;
  const HttpRequest request_;
  const Route route_;
  std::unique_ptr<CURL, FreeHandle> handle_;
  std::unique_ptr<curl_slist, FreeList> header_lines_;
  size_t body_sent_ = 0;
  bool sending_ = false;         // from here on the server may have seen something
  bool refused_stream_ = false;  // but it has told that it has not looked at it
  std::optional<boost::asio::ip::address> refused_address_;
  HttpAnswer answer_;
  std::optional<HttpOutcome> outcome_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_NET_CURL_TRANSFER_H_
