// SPDX-License-Identifier: Apache-2.0
#include "provider/charset.h"

#include <algorithm>

namespace grantkeep {
namespace {

constexpr size_t kMaxName = 128;
constexpr size_t kMaxHeaderValue = 1024;

bool IsLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool IsName(std::string_view text, std::string_view punctuation) {
  return !text.empty() && text.size() <= kMaxName && std::all_of(text.begin(), text.end(), [&](char c) {
    return IsLetterOrDigit(c) || punctuation.find(c) != std::string_view::npos;
  });
}

}  // namespace

bool IsPrintableAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

bool IsScopeToken(std::string_view text) {
  return !text.empty() && IsPrintableAscii(text) && text.find_first_of(" \"\\") == std::string_view::npos;
}

bool IsParameterName(std::string_view text) { return IsName(text, "-._"); }

bool IsHeaderName(std::string_view text) { return IsName(text, "!#$%&'*+-.^_`|~"); }

bool IsProviderName(std::string_view text) { return IsName(text, "._-:"); }

bool IsVariableName(std::string_view text) { return IsName(text, "_") && (text[0] < '0' || text[0] > '9'); }

bool IsHeaderValue(std::string_view text) { return text.size() <= kMaxHeaderValue && IsPrintableAscii(text); }

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace grantkeep
