// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_scalars.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

namespace grantkeep {
namespace {

// What google.protobuf.Duration can hold.
constexpr int64_t kMaxMilliseconds = 315'576'000'000 * int64_t{1000};

// Levenshtein's distance, both words cut to 64 bytes.
size_t EditDistance(std::string_view a, std::string_view b) {
  a = a.substr(0, 64);
  b = b.substr(0, 64);
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<double> ParseDouble(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  const size_t unit_at = text.find_first_not_of("0123456789");
  if (unit_at == std::string_view::npos) return std::nullopt;
  const auto number = ParseInteger<int64_t>(text.substr(0, unit_at));
  if (!number.has_value()) return std::nullopt;
  const std::string_view unit = text.substr(unit_at);
  const int64_t factor = unit == "ms"  ? 1
                         : unit == "s" ? 1000
                         : unit == "m" ? 60 * 1000
                         : unit == "h" ? 60 * 60 * 1000
                                       : 0;
  if (factor == 0 || *number > kMaxMilliseconds / factor) return std::nullopt;
  return std::chrono::milliseconds(*number * factor);
}

std::string_view NearestWord(std::string_view word, const std::vector<std::string>& candidates) {
  std::string_view nearest;
  size_t best = std::max<size_t>(1, std::min<size_t>(word.size(), 64) / 3) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(word, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace grantkeep
