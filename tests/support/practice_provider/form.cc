// SPDX-License-Identifier: Apache-2.0
#include "tests/support/practice_provider/form.h"

#include <fmt/format.h>

#include <algorithm>

namespace grantkeep::practice {
namespace {

// 0 to 15, or -1.
int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '*';
}

}  // namespace

std::string FormEncode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (IsUnreserved(c)) {
      encoded += c;
    } else if (c == ' ') {
      encoded += '+';
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

std::optional<std::string> FormDecode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return decoded;
}

std::optional<Form> Form::Parse(std::string_view encoded) {
  Form form;
  while (!encoded.empty()) {
    const size_t end = std::min(encoded.find('&'), encoded.size());
    const std::string_view field = encoded.substr(0, end);
    encoded.remove_prefix(std::min(end + 1, encoded.size()));
    if (field.empty()) continue;
    const size_t equals = std::min(field.find('='), field.size());
    auto name = FormDecode(field.substr(0, equals));
    auto value = FormDecode(field.substr(std::min(equals + 1, field.size())));
    if (!name.has_value() || !value.has_value()) return std::nullopt;
    form.Add(*std::move(name), *std::move(value));
  }
  return form;
}

std::string Form::Encode() const {
  std::string encoded;
  for (const auto& [name, value] : fields_) {
    if (!encoded.empty()) encoded += '&';
    encoded += FormEncode(name) + '=' + FormEncode(value);
  }
  return encoded;
}

std::optional<std::string> Form::Get(std::string_view name) const {
  for (const auto& [field, value] : fields_) {
    if (field == name && !value.empty()) return value;
  }
  return std::nullopt;
}

std::vector<std::string> Form::GetAll(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [field, value] : fields_) {
    if (field == name && !value.empty()) values.push_back(value);
  }
  return values;
}

std::optional<std::string> Form::Duplicated() const {
  for (auto field = fields_.begin(); field != fields_.end(); ++field) {
    if (field->first == "resource") continue;
    const auto same_name = [&](const auto& other) { return other.first == field->first; };
    if (std::any_of(std::next(field), fields_.end(), same_name)) return field->first;
  }
  return std::nullopt;
}

std::string HtmlEscape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::vector<std::string> SplitWords(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

std::string JoinWords(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

}  // namespace grantkeep::practice
