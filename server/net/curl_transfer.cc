// SPDX-License-Identifier: Apache-2.0
#include "net/curl_transfer.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "base/reason.h"

namespace grantkeep {
namespace {

constexpr char kUserAgent[] = "grantkeep/1";
constexpr long kUploadBuffer = 16L * 1024;  // libcurl's least; its default is 64 KiB per transfer

constexpr long kMaxTimeoutMs = 24L * 3600 * 1000;

// An option that this libcurl does not know, or an allocation that fails, leaves a transfer whose
// guarantees do not hold: better no process.
template <typename T>
void Set(CURL* handle, CURLoption option, T value) {
  static_assert(!std::is_same_v<T, int>, "libcurl reads a long");
  const CURLcode result = curl_easy_setopt(handle, option, value);
  if (result == CURLE_OK) return;
  fmt::print(stderr, "libcurl refuses option {}: {}\n", static_cast<int>(option), curl_easy_strerror(result));
  std::abort();
}

std::optional<boost::asio::ip::address> AddressOf(const curl_sockaddr& socket_address) {
  if (socket_address.family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &socket_address.addr, sizeof(v4));
    return boost::asio::ip::address_v4(ntohl(v4.sin_addr.s_addr));
  }
  if (socket_address.family == AF_INET6) {
    // libcurl's structure has room for it behind `addr`, which is declared shorter.
    sockaddr_in6 v6;
    std::memcpy(&v6, reinterpret_cast<const char*>(&socket_address) + offsetof(curl_sockaddr, addr),
                sizeof(v6));
    boost::asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return boost::asio::ip::address_v6(bytes);
  }
  return std::nullopt;
}

bool Names(std::string_view line, std::string_view header) {
  return line.size() > header.size() &&
         std::ranges::equal(line.substr(0, header.size()), header,
                            [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

}  // namespace

void CurlTransfer::FreeList::operator()(curl_slist* list) const {
  for (curl_slist* line = list; line != nullptr; line = line->next) {
    OPENSSL_cleanse(line->data, std::strlen(line->data));
  }
  curl_slist_free_all(list);
}

CurlTransfer::CurlTransfer(HttpUrl url, HttpRequest request, Route route)
    : url_(std::move(url)),
      request_(std::move(request)),
      route_(std::move(route)),
      handle_(curl_easy_init()) {
  if (handle_ == nullptr) throw std::bad_alloc();
  SetUpRequest();
  SetUpSecurity();
  SetUpCallbacks();
}

CurlTransfer& CurlTransfer::Of(CURL* handle) {
  void* self = nullptr;
  curl_easy_getinfo(handle, CURLINFO_PRIVATE, &self);
  return *static_cast<CurlTransfer*>(self);
}

void CurlTransfer::SetUpRequest() {
  CURL* const handle = handle_.get();
  Set(handle, CURLOPT_CURLU, url_.handle());
  Set(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  Set(handle, CURLOPT_USERAGENT, kUserAgent);
  Set(handle, CURLOPT_FOLLOWLOCATION, 0L);
  if (request_.method != HttpRequest::Method::kGet) {
    Set(handle, CURLOPT_POST, 1L);
    // A request with a body all the same, by another name.
    if (request_.method == HttpRequest::Method::kDelete) Set(handle, CURLOPT_CUSTOMREQUEST, "DELETE");
    Set(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    Set(handle, CURLOPT_UPLOAD_BUFFERSIZE, kUploadBuffer);
  }
  bool has_content_type = false;
  for (const HttpHeader& header : request_.headers) {
    has_content_type |= Names(header.name + ":", "content-type");
    // "Name;" is how libcurl is told to send a header with an empty value.
    const std::string_view value = header.value.Expose();
    std::string line = header.name + (value.empty() ? ";" : ": ");
    line.reserve(line.size() + value.size());  // or growing would leave copies
    AddHeaderLine(std::move(line.append(value)));
  }
  AddHeaderLine("Expect:");
  if (!has_content_type) AddHeaderLine("Content-Type:");
  Set(handle, CURLOPT_HTTPHEADER, header_lines_.get());
  // Lets libcurl share the time between a host's addresses. The deadline itself is CurlMulti::Run's.
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(request_.deadline - std::chrono::steady_clock::now());
  Set(handle, CURLOPT_TIMEOUT_MS, std::clamp(static_cast<long>(left.count()), 1L, kMaxTimeoutMs));
}

void CurlTransfer::SetUpSecurity() {
  CURL* const handle = handle_.get();
  Set(handle, CURLOPT_PROTOCOLS_STR, url_.plaintext() ? "http" : "https");
  Set(handle, CURLOPT_SSL_VERIFYPEER, 1L);
  Set(handle, CURLOPT_SSL_VERIFYHOST, 2L);
  Set(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  Set(handle, CURLOPT_PROXY_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  // Only what OnTlsContext installs is trusted.
  Set(handle, CURLOPT_CAINFO, static_cast<const char*>(nullptr));
  Set(handle, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  Set(handle, CURLOPT_PROXY_CAINFO, static_cast<const char*>(nullptr));
  Set(handle, CURLOPT_PROXY_CAPATH, static_cast<const char*>(nullptr));
  Set(handle, CURLOPT_CA_CACHE_TIMEOUT, 0L);
  Set(handle, CURLOPT_SSL_CTX_FUNCTION, &OnTlsContext);
  Set(handle, CURLOPT_SSL_CTX_DATA, static_cast<void*>(this));
  // An empty proxy and no-proxy list keep libcurl from asking the environment.
  Set(handle, CURLOPT_PROXY, route_.proxy.c_str());
  Set(handle, CURLOPT_NOPROXY, "");
  Set(handle, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  Set(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  Set(handle, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  Set(handle, CURLOPT_NOSIGNAL, 1L);
  Set(handle, CURLOPT_QUICK_EXIT, 1L);  // do not join a resolver thread that hangs
}

void CurlTransfer::SetUpCallbacks() {
  CURL* const handle = handle_.get();
  void* const self = this;
  Set(handle, CURLOPT_PRIVATE, self);
  Set(handle, CURLOPT_OPENSOCKETFUNCTION, &OpenSocket);
  Set(handle, CURLOPT_OPENSOCKETDATA, self);
  Set(handle, CURLOPT_PREREQFUNCTION, &BeforeRequest);
  Set(handle, CURLOPT_PREREQDATA, self);
  // No SEEKFUNCTION beside it: what was read once cannot be sent twice.
  Set(handle, CURLOPT_READFUNCTION, &ReadBody);
  Set(handle, CURLOPT_READDATA, self);
  Set(handle, CURLOPT_HEADERFUNCTION, &OnHeader);
  Set(handle, CURLOPT_HEADERDATA, self);
  Set(handle, CURLOPT_WRITEFUNCTION, &OnBody);
  Set(handle, CURLOPT_WRITEDATA, self);
  Set(handle, CURLOPT_DEBUGFUNCTION, &OnDebug);
  Set(handle, CURLOPT_DEBUGDATA, self);
  Set(handle, CURLOPT_VERBOSE, 1L);
  // Without effect on HTTP but one: libcurl then does not retry for the mere reason that the
  // connection was a reused one, and so tells a refused stream from a lost connection (OnDebug).
  // A libcurl that knows no RTSP, or drops this, makes such an outcome in doubt, not wrong.
  curl_easy_setopt(handle, CURLOPT_RTSP_REQUEST, static_cast<long>(CURL_RTSPREQ_RECEIVE));
}

void CurlTransfer::AddHeaderLine(std::string line) {
  curl_slist* const lines = header_lines_.release();
  curl_slist* const longer = curl_slist_append(lines, line.c_str());
  header_lines_.reset(longer != nullptr ? longer : lines);
  WipeString(line);
  if (longer == nullptr) throw std::bad_alloc();
}

curl_socket_t CurlTransfer::OpenSocket(void* self, curlsocktype, curl_sockaddr* socket_address) {
  CurlTransfer& transfer = *static_cast<CurlTransfer*>(self);
  if (transfer.sending_) return CURL_SOCKET_BAD;  // libcurl is about to send the request again
  const auto address = AddressOf(*socket_address);
  if (!address) return CURL_SOCKET_BAD;
  const bool allowed =
      !transfer.route_.proxy.empty() ||
      (transfer.route_.rules.Allow(*address) && (!transfer.url_.plaintext() || address->is_loopback()));
  if (!allowed) {
    transfer.refused_address_ = *address;
    return CURL_SOCKET_BAD;
  }
  return socket(socket_address->family, socket_address->socktype | SOCK_CLOEXEC, socket_address->protocol);
}

int CurlTransfer::BeforeRequest(void* self, char*, char*, int, int) {
  CurlTransfer& transfer = *static_cast<CurlTransfer*>(self);
  // This process may have been stopped while it connected: nothing is sent behind its time.
  if (std::chrono::steady_clock::now() >= transfer.request_.deadline) return CURL_PREREQFUNC_ABORT;
  return std::exchange(transfer.sending_, true) ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

size_t CurlTransfer::ReadBody(char* buffer, size_t size, size_t count, void* self) {
  CurlTransfer& transfer = *static_cast<CurlTransfer*>(self);
  const std::string_view rest = transfer.request_.body.Expose().substr(transfer.body_sent_, size * count);
  std::ranges::copy(rest, buffer);
  transfer.body_sent_ += rest.size();
  return rest.size();
}

// Any other return value than the size makes libcurl give up.
size_t CurlTransfer::OnHeader(char* data, size_t size, size_t count, void* self) {
  HttpAnswer& answer = static_cast<CurlTransfer*>(self)->answer_;
  return answer.AddHeaderLine({data, size * count}) ? size * count : 0;
}

size_t CurlTransfer::OnBody(char* data, size_t size, size_t count, void* self) {
  HttpAnswer& answer = static_cast<CurlTransfer*>(self)->answer_;
  return answer.AddBody({data, size * count}) ? size * count : CURL_WRITEFUNC_ERROR;
}

// The only sign that libcurl gives of an HTTP/2 REFUSED_STREAM, or of a GOAWAY that excludes this
// stream while it leaves others (RFC 9113 section 8.7), is this message.
int CurlTransfer::OnDebug(CURL*, curl_infotype type, char* data, size_t size, void* self) {
  if (type == CURLINFO_TEXT && std::string_view(data, size).starts_with("REFUSED_STREAM, retrying")) {
    static_cast<CurlTransfer*>(self)->refused_stream_ = true;
  }
  return 0;
}

CURLcode CurlTransfer::OnTlsContext(CURL*, void* context, void* self) {
  static_cast<CurlTransfer*>(self)->route_.trust->Install(static_cast<SSL_CTX*>(context));
  return CURLE_OK;
}

void CurlTransfer::Complete(CURLcode result) {
  if (result != CURLE_OK) return Fail(Describe(result));
  if (!answer_.complete_header()) return Fail("the answer has no header");
  outcome_.emplace();
  outcome_->response = answer_.Take();
}

void CurlTransfer::Abandon(std::string_view why) { Fail(why); }

void CurlTransfer::Fail(std::string_view what) {
  outcome_.emplace();
  outcome_->not_sent = !sending_ || refused_stream_;
  outcome_->answered = answer_.complete_header();
  outcome_->error = Error(outcome_->not_sent ? Reason::kProviderUnreachable : Reason::kProviderError,
                          fmt::format("{}: {}", url_.origin(), what));
}

std::string CurlTransfer::Describe(CURLcode result) const {
  if (!answer_.problem().empty()) return std::string(answer_.problem());
  if (refused_stream_) return "the server refused the stream";
  switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
      return sending_ ? "no answer by the deadline" : "no connection by the deadline";
    case CURLE_COULDNT_CONNECT:
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_SEND_FAIL_REWIND:
      if (sending_) return "the connection was lost after sending";
      break;
    case CURLE_PEER_FAILED_VERIFICATION: {
      long verdict = X509_V_OK;
      curl_easy_getinfo(handle_.get(), CURLINFO_SSL_VERIFYRESULT, &verdict);
      // libcurl looks at the host first, and leaves it unspecified then.
      const bool wrong_host = verdict == X509_V_OK || verdict == X509_V_ERR_UNSPECIFIED;
      return fmt::format("the server's certificate is refused: {}",
                         wrong_host ? "it is for another host" : X509_verify_cert_error_string(verdict));
    }
    default:
      break;
  }
  if (refused_address_) return fmt::format("connecting to {} is not allowed", refused_address_->to_string());
  return curl_easy_strerror(result);
}

}  // namespace grantkeep
