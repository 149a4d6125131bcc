// SPDX-License-Identifier: Apache-2.0
#include "client/cli/text.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <ctime>

#include "client/utf8.h"

namespace grantkeep::cli {
namespace {

// Control characters of C0 and C1, line separators, and what reorders or hides text.
bool IsDangerous(uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
         (c >= 0xe0000 && c <= 0xe007f);
}

std::string JsonEscape(uint32_t c) {
  if (c < 0x10000) return fmt::format("\\u{:04x}", c);
  return fmt::format("\\u{:04x}\\u{:04x}", 0xd7c0 + (c >> 10), 0xdc00 + (c & 0x3ff));
}

size_t Width(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::optional<client::CodePoint> c = client::DecodeUtf8(text);
    const size_t length = c.has_value() ? c->length : 1;
    if (!c.has_value() || (IsDangerous(c->value) && c->value < 0x80)) {
      result += fmt::format("\\x{:02x}", static_cast<uint8_t>(text[0]));
    } else if (IsDangerous(c->value)) {
      result += fmt::format("\\u{{{:x}}}", c->value);
    } else {
      result += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return result;
}

bool IsPrintable(std::string_view text) {
  while (!text.empty()) {
    const std::optional<client::CodePoint> c = client::DecodeUtf8(text);
    if (!c.has_value() || IsDangerous(c->value)) return false;
    text.remove_prefix(c->length);
  }
  return true;
}

std::string TerminalSafeJson(std::string_view json) {
  std::string result;
  while (!json.empty()) {
    const std::optional<client::CodePoint> c = client::DecodeUtf8(json);
    if (!c.has_value()) {
      result += "\\ufffd";
      json.remove_prefix(1);
      continue;
    }
    // JSON has no raw control characters inside strings; a line feed is layout.
    const bool layout = c->value == '\n';
    if (IsDangerous(c->value) && !layout) {
      result += JsonEscape(c->value);
    } else {
      result += json.substr(0, c->length);
    }
    json.remove_prefix(c->length);
  }
  return result;
}

std::string Distance(std::chrono::seconds distance) {
  const int64_t seconds = distance.count() < 0 ? -distance.count() : distance.count();
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7200) return fmt::format("{} min", seconds / 60);
  if (seconds < 172800) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} days", seconds / 86400);
}

std::string TimeAndDistance(const google::protobuf::Timestamp& time,
                            std::chrono::system_clock::time_point now) {
  // The range of google.protobuf.Timestamp: years 1 to 9999.
  const int64_t seconds = std::clamp<int64_t>(time.seconds(), -62135596800, 253402300799);
  const int64_t away = seconds - std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  const std::string distance = Distance(std::chrono::seconds(away));
  const std::string relation = away == 0 ? "now" : away > 0 ? "in " + distance : distance + " ago";
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ} ({})", fmt::gmtime(static_cast<std::time_t>(seconds)), relation);
}

std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  int64_t factor = 0;
  if (unit.empty() || unit == "s") factor = 1000;
  if (unit == "ms") factor = 1;
  if (unit == "m") factor = 60'000;
  if (unit == "h") factor = 3'600'000;
  const int64_t millis = number * factor;
  if (factor == 0 || millis > int64_t{24} * 3'600'000) return std::nullopt;
  return std::chrono::milliseconds(millis);
}

std::string Table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(Printable(row[i])));
  }
  std::string result;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string cell = Printable(row[i]);
      line += cell;
      if (i + 1 < row.size()) line.append(widths[i] - Width(cell) + 2, ' ');
    }
    result += line + "\n";
  }
  return result;
}

}  // namespace grantkeep::cli
