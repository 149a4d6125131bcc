// SPDX-License-Identifier: Apache-2.0
#include "provider/form.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace grantkeep {
namespace {

constexpr char kHexDigits[] = "0123456789ABCDEF";
constexpr size_t kPiece = 8;

bool StaysAsIs(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("*-._~").find(c) != std::string_view::npos;
}

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHexDigits[byte >> 4];
      out += kHexDigits[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

void AppendFormEncoded(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (StaysAsIs(c)) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      const auto byte = static_cast<uint8_t>(c);
      out += '%';
      out += kHexDigits[byte >> 4];
      out += kHexDigits[byte & 15];
    }
  }
}

std::string FormEncode(std::string_view text) {
  std::string encoded;
  encoded.reserve(text.size() * 3);
  AppendFormEncoded(encoded, text);
  return encoded;
}

void FormParameters::Add(std::string_view name, std::string_view value) {
  if (!value.empty()) parameters_.push_back({std::string(name), Secret(value)});
}

FormParameters FormParameters::Clone() const {
  FormParameters clone;
  for (const Parameter& parameter : parameters_) clone.Add(parameter.name, parameter.value.Expose());
  return clone;
}

// Both bodies are built in a string that never grows, so that no part of a token is left behind.

Secret FormParameters::ToForm() const {
  size_t size = 0;
  for (const Parameter& parameter : parameters_)
    size += 3 * (parameter.name.size() + parameter.value.size()) + 2;
  std::string body;
  body.reserve(size);
  for (const Parameter& parameter : parameters_) {
    if (!body.empty()) body += '&';
    AppendFormEncoded(body, parameter.name);
    body += '=';
    AppendFormEncoded(body, parameter.value.Expose());
  }
  return Secret::Take(std::move(body));
}

Secret FormParameters::ToJson() const {
  size_t size = 2;
  for (const Parameter& parameter : parameters_)
    size += 6 * (parameter.name.size() + parameter.value.size()) + 8;
  std::string body;
  body.reserve(size);
  body += '{';
  for (auto it = parameters_.begin(); it != parameters_.end(); ++it) {
    const auto same_name = [&](const Parameter& other) { return other.name == it->name; };
    if (std::any_of(parameters_.begin(), it, same_name)) continue;
    if (body.size() > 1) body += ',';
    AppendJsonString(body, it->name);
    body += ':';
    const bool several = std::count_if(it, parameters_.end(), same_name) > 1;
    if (several) body += '[';
    for (auto value = it; value != parameters_.end(); ++value) {
      if (!same_name(*value)) continue;
      if (value != it) body += ',';
      AppendJsonString(body, value->value.Expose());
    }
    if (several) body += ']';
  }
  body += '}';
  return Secret::Take(std::move(body));
}

bool FormParameters::LeaksInto(std::string_view text) const {
  static constexpr std::array<std::string_view, 5> kCredentials = {"code", "code_verifier", "refresh_token",
                                                                   "token", "client_secret"};
  return std::any_of(parameters_.begin(), parameters_.end(), [&](const Parameter& parameter) {
    return std::find(kCredentials.begin(), kCredentials.end(), parameter.name) != kCredentials.end() &&
           HoldsPieceOf(text, parameter.value.Expose());
  });
}

bool HoldsPieceOf(std::string_view text, std::string_view secret) {
  if (secret.empty()) return false;
  if (secret.size() <= kPiece) return text.find(secret) != std::string_view::npos;
  for (size_t i = 0; i + kPiece <= text.size(); ++i) {
    if (secret.find(text.substr(i, kPiece)) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace grantkeep
