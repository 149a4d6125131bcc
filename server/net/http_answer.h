// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_NET_HTTP_ANSWER_H_
#define GRANTKEEP_NET_HTTP_ANSWER_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "net/http_client.h"

namespace grantkeep {

// Collects a response as it arrives, within limits.
class HttpAnswer {
 public:
  // Over all header lines of the exchange, interim (1xx) responses and trailers included.
  static constexpr size_t kMaxHeaderBytes = size_t{32} * 1024;
  static constexpr size_t kMaxHeaderLines = 128;

  // Adds a status line, a header field, or the empty line behind them, with its line ending.
  // False when the answer cannot be used; problem() then says why.
  bool AddHeaderLine(std::string_view line);
  bool AddBody(std::string_view bytes);

  // Empty while the answer is within its limits and well-formed.
  std::string_view problem() const { return problem_; }
  // Whether a final (not 1xx) response's header has arrived whole.
  bool complete_header() const { return header_done_; }
  HttpResponse Take();

 private:
  bool Refuse(std::string_view problem);
  bool AddStatusLine(std::string_view line);
  bool AddField(std::string_view line);

  HttpResponse response_;
  size_t body_size_ = 0;  // response_.body is the buffer, and may be larger
  size_t header_bytes_ = 0;
  size_t header_lines_ = 0;
  bool header_done_ = false;
  std::string_view problem_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_NET_HTTP_ANSWER_H_
