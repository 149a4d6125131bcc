// SPDX-License-Identifier: Apache-2.0
#include "rpc/text.h"

#include <cstdint>

namespace grantkeep::rpc {
namespace {

bool InRange(uint8_t byte, uint8_t low, uint8_t high) { return byte >= low && byte <= high; }

// Length of the well-formed sequence at the start of `text` (RFC 3629 section 4), or 0.
size_t SequenceLength(std::string_view text) {
  const auto at = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0}; };
  const uint8_t first = at(0);
  const auto tail = [&](size_t i) { return InRange(at(i), 0x80, 0xBF); };
  if (first < 0x80) return 1;
  if (InRange(first, 0xC2, 0xDF)) return tail(1) ? 2 : 0;
  if (InRange(first, 0xE0, 0xEF)) {
    const uint8_t low = first == 0xE0 ? 0xA0 : 0x80;
    const uint8_t high = first == 0xED ? 0x9F : 0xBF;
    return InRange(at(1), low, high) && tail(2) ? 3 : 0;
  }
  if (InRange(first, 0xF0, 0xF4)) {
    const uint8_t low = first == 0xF0 ? 0x90 : 0x80;
    const uint8_t high = first == 0xF4 ? 0x8F : 0xBF;
    return InRange(at(1), low, high) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string Presentable(std::string_view text, size_t max_bytes) {
  constexpr std::string_view kCut = "...";
  std::string out;
  out.reserve(text.size() < max_bytes ? text.size() : max_bytes);
  size_t fits = 0;  // length of `out` to which the cut mark can still be added
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    const std::string_view piece = length == 0 ? "?" : text.substr(0, length);
    if (out.size() + piece.size() > max_bytes) {
      out.resize(fits);
      out += kCut;
      return out;
    }
    out += piece;
    if (out.size() + kCut.size() <= max_bytes) fits = out.size();
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace grantkeep::rpc
