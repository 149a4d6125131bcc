// SPDX-License-Identifier: Apache-2.0
#include "flow/uri_parts.h"

#include <algorithm>
#include <string>

namespace grantkeep {
namespace {

bool IsAlpha(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

bool IsScheme(std::string_view text) {
  return !text.empty() && IsAlpha(text[0]) && std::all_of(text.begin(), text.end(), [](char c) {
    return IsAlpha(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  });
}

// Cuts `text` before the first `mark` and returns what follows it.
std::optional<std::string_view> CutAt(std::string_view& text, char mark) {
  const size_t at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = text.substr(at + 1);
  text = text.substr(0, at);
  return rest;
}

}  // namespace

std::optional<UriParts> SplitUri(std::string_view text) {
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; }))
    return std::nullopt;
  UriParts parts;
  parts.fragment = CutAt(text, '#');
  parts.query = CutAt(text, '?');
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || !IsScheme(text.substr(0, colon))) return std::nullopt;
  parts.scheme = text.substr(0, colon);
  parts.path = text.substr(colon + 1);
  if (parts.path.starts_with("//")) {
    parts.path.remove_prefix(2);
    const size_t end = std::min(parts.path.find('/'), parts.path.size());
    parts.authority = parts.path.substr(0, end);
    parts.path.remove_prefix(end);
  }
  return parts;
}

}  // namespace grantkeep
