// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CONFIG_YAML_SCALARS_H_
#define GRANTKEEP_CONFIG_YAML_SCALARS_H_

#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace grantkeep {

// A whole number in decimal, without a sign of plus, leading zeros, separators or spaces.
// Nothing when it is malformed or does not fit into T.
template <typename T>
std::optional<T> ParseInteger(std::string_view text) {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.size() > 1 && digits.starts_with('0')) return std::nullopt;
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A finite decimal number.
std::optional<double> ParseDouble(std::string_view text);

// "500ms", "10s", "5m" or "1h". Nothing when it is malformed, negative or beyond 10,000 years.
std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text);

// The candidate that `word` is most likely a misspelling of, or empty.
std::string_view NearestWord(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace grantkeep

#endif  // GRANTKEEP_CONFIG_YAML_SCALARS_H_
