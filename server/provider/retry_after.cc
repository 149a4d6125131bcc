// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "provider/token_answer.h"

namespace grantkeep {
namespace {

using std::chrono::seconds;

constexpr seconds kMaxRetryAfter = std::chrono::hours(1);

// Decimal digits and nothing else.
std::optional<int> Number(std::string_view digits) {
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value < 0) return std::nullopt;
  return value;
}

// "Sun, 06 Nov 1994 08:49:37 GMT", the one format that may be generated (RFC 9110 section 5.6.7).
std::optional<std::chrono::sys_seconds> ParseHttpDate(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != 29 || text.substr(3, 2) != ", " || !text.ends_with(" GMT")) return std::nullopt;
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  const auto day = Number(text.substr(5, 2));
  const auto year = Number(text.substr(12, 4));
  const auto hour = Number(text.substr(17, 2));
  const auto minute = Number(text.substr(20, 2));
  const auto second = Number(text.substr(23, 2));
  if (month == kMonths.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  if (text[19] != ':' || text[22] != ':' || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const std::chrono::year_month_day date(
      std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
      std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         seconds(*second);
}

}  // namespace

std::optional<seconds> ReadRetryAfter(const HttpResponse& response, Time now) {
  const auto header = response.Header("retry-after");
  if (!header.has_value() || header->empty()) return std::nullopt;
  if (header->find_first_not_of("0123456789") == std::string_view::npos) {
    // More digits than fit into a number are more than an hour too.
    const auto number = Number(*header);
    return std::min(number.has_value() ? seconds(*number) : kMaxRetryAfter, kMaxRetryAfter);
  }
  const auto date = ParseHttpDate(*header);
  if (!date.has_value()) return std::nullopt;
  const auto sent = ParseHttpDate(response.Header("date").value_or(""));
  const auto from = sent.value_or(std::chrono::floor<seconds>(now));
  return std::clamp(*date - from, seconds(0), kMaxRetryAfter);
}

}  // namespace grantkeep
