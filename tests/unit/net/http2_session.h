// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_UNIT_NET_HTTP2_SESSION_H_
#define GRANTKEEP_TESTS_UNIT_NET_HTTP2_SESSION_H_

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/http_fixture.h"

namespace grantkeep::testing {

// Just enough of an HTTP/2 server (RFC 9113) to answer or refuse requests; does not read headers.
class Http2Session {
 public:
  enum ErrorCode : uint32_t { kNoError = 0, kRefusedStream = 7, kHttp11Required = 13 };

  explicit Http2Session(ServerConnection& connection) : connection_(connection) {}

  // Reads frames until a request has arrived whole, answering what the protocol wants answered,
  // and returns its stream.
  boost::asio::awaitable<uint32_t> ReadRequest() {
    if (!greeted_) {
      greeted_ = true;
      co_await connection_.Read(24);  // the client's preface
      co_await WriteFrame(kSettings, 0, 0, "");
    }
    for (;;) {
      const std::string header = co_await connection_.Read(9);
      const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(header[i])); };
      const std::string payload = co_await connection_.Read(byte(0) << 16 | byte(1) << 8 | byte(2));
      const uint32_t type = byte(3);
      const uint32_t flags = byte(4);
      const uint32_t stream = (byte(5) & 0x7f) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8);
      if (type == kSettings && (flags & kAck) == 0) co_await WriteFrame(kSettings, kAck, 0, "");
      if (type == kData) body_ += payload;
      if ((type == kHeaders || type == kData) && (flags & kEndStream) != 0) co_return stream;
    }
  }

  // Bodies of all requests so far, one behind the other.
  const std::string& body() const { return body_; }

  boost::asio::awaitable<void> Answer(uint32_t stream, std::string body) {
    co_await WriteFrame(kHeaders, kEndHeaders, stream, "\x88");  // HPACK's static ":status: 200"
    co_await WriteFrame(kData, kEndStream, stream, std::move(body));
  }
  boost::asio::awaitable<void> ResetStream(uint32_t stream, ErrorCode code) {
    co_await WriteFrame(kRstStream, 0, stream, Number(code));
  }
  boost::asio::awaitable<void> GoAway(uint32_t last_stream) {
    co_await WriteFrame(kGoAway, 0, 0, Number(last_stream) + Number(kNoError));
  }
  boost::asio::awaitable<void> Ping() { co_await WriteFrame(kPing, 0, 0, "12345678"); }

 private:
  enum Type : uint32_t { kData = 0, kHeaders = 1, kRstStream = 3, kSettings = 4, kPing = 6, kGoAway = 7 };
  enum Flag : uint32_t { kAck = 1, kEndStream = 1, kEndHeaders = 4 };

  static std::string Number(uint32_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
    return bytes;
  }

  boost::asio::awaitable<void> WriteFrame(uint32_t type, uint32_t flags, uint32_t stream,
                                          std::string payload) {
    std::string frame = Number(static_cast<uint32_t>(payload.size())).substr(1);
    frame += static_cast<char>(type);
    frame += static_cast<char>(flags);
    frame += Number(stream) + payload;
    co_await connection_.Write(std::move(frame));
  }

  ServerConnection& connection_;
  bool greeted_ = false;
  std::string body_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_UNIT_NET_HTTP2_SESSION_H_
