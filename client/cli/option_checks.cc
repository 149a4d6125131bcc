// SPDX-License-Identifier: Apache-2.0
#include "client/cli/option_checks.h"

#include <fmt/format.h>

#include <charconv>

#include "client/cli/text.h"

namespace grantkeep::cli {

CLI::Validator WholeNumber(uint64_t most) {
  return CLI::Validator(
      [most](std::string& text) {
        uint64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        const bool whole = error == std::errc() && end == text.data() + text.size() && number <= most;
        return whole ? std::string() : fmt::format("must be a whole number from 0 to {}", most);
      },
      "");
}

CLI::Validator OneOf(const std::string& words) {
  return CLI::Validator(
      [words](std::string& text) {
        const bool known = !text.empty() && text.find('|') == std::string::npos &&
                           ("|" + words + "|").find("|" + text + "|") != std::string::npos;
        return known ? std::string() : fmt::format("must be one of {}", words);
      },
      "");
}

CLI::Validator StoreId() {
  return CLI::Validator(
      [](std::string& text) {
        const bool hex = text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
        return hex ? std::string() : std::string("must be 32 hexadecimal digits in lower case");
      },
      "");
}

CLI::Validator NameAndValue() {
  return CLI::Validator(
      [](std::string& text) {
        const size_t equals = text.find('=');
        return equals != 0 && equals != std::string::npos ? std::string() : std::string("must be name=value");
      },
      "");
}

CLI::Option* AddDuration(CLI::App& app, const std::string& name,
                         std::optional<std::chrono::milliseconds>& value, Zero zero,
                         const std::string& text) {
  const auto check = [zero](std::string& given) -> std::string {
    const auto duration = ParseDuration(given);
    if (!duration.has_value()) return "must be a duration up to 24h like 500ms, 10s, 5m";
    if (zero == Zero::kRefused && duration->count() == 0) return "must be more than 0";
    return "";
  };
  return app
      .add_option_function<std::string>(
          name, [&value](const std::string& given) { value = ParseDuration(given); }, text)
      ->check(CLI::Validator(check, ""))
      ->type_name("DURATION");
}

}  // namespace grantkeep::cli
