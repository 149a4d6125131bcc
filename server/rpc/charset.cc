// SPDX-License-Identifier: Apache-2.0
#include "rpc/charset.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace grantkeep::rpc {
namespace {

using Table = std::array<bool, 256>;

constexpr bool IsAlphanumeric(int c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

template <typename Accepts>
constexpr Table MakeTable(Accepts accepts) {
  Table table{};
  for (int c = 0; c < 256; ++c) table[static_cast<size_t>(c)] = accepts(c);
  return table;
}

constexpr Table kText = MakeTable([](int c) { return c >= 0x20 && c != 0x7F; });
constexpr Table kId = MakeTable([](int c) {
  return IsAlphanumeric(c) ||
         (c != 0 && std::string_view("._-:@/+=~|").find(static_cast<char>(c)) != std::string_view::npos);
});
constexpr Table kScope =
    MakeTable([](int c) { return c == 0x21 || (c >= 0x23 && c <= 0x5B) || (c >= 0x5D && c <= 0x7E); });
constexpr Table kUrl = MakeTable([](int c) { return c >= 0x21 && c <= 0x7E; });

const Table& TableOf(v1::Charset charset) {
  switch (charset) {
    case v1::CHARSET_ID:
      return kId;
    case v1::CHARSET_SCOPE:
      return kScope;
    case v1::CHARSET_URL:
      return kUrl;
    default:
      return kText;
  }
}

}  // namespace

bool InCharset(v1::Charset charset, std::string_view text) {
  const Table& table = TableOf(charset);
  for (const char c : text) {
    if (!table[static_cast<uint8_t>(c)]) return false;
  }
  return charset != v1::CHARSET_ID || text.empty() || IsAlphanumeric(static_cast<uint8_t>(text[0]));
}

std::string_view Expectation(v1::Charset charset) {
  switch (charset) {
    case v1::CHARSET_ID:
      return "must consist of letters, digits and ._-:@/+=~| and start with a letter or digit";
    case v1::CHARSET_SCOPE:
      return "must be one scope: printable ASCII without space, quote and backslash";
    case v1::CHARSET_URL:
      return "must be printable ASCII without spaces";
    default:
      return "must not contain control characters";
  }
}

}  // namespace grantkeep::rpc
