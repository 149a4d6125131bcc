// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_UTF8_H_
#define GRANTKEEP_CLIENT_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace grantkeep::client {

struct CodePoint {
  uint32_t value;
  size_t length;  // in bytes
};

// The code point at the front of `text`, which is not empty; nothing when the bytes are not well-formed UTF-8
// (RFC 3629 section 4).
std::optional<CodePoint> DecodeUtf8(std::string_view text);

}  // namespace grantkeep::client

#endif  // GRANTKEEP_CLIENT_UTF8_H_
