// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_OPTION_CHECKS_H_
#define GRANTKEEP_CLIENT_CLI_OPTION_CHECKS_H_

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace grantkeep::cli {

// Checks of single options. What they say never repeats the value.

// A whole number up to `most`. CLI11 itself would read "-1" as 2^64 - 1.
CLI::Validator WholeNumber(uint64_t most);
// One of the words of "a|b".
CLI::Validator OneOf(const std::string& words);
// 32 hexadecimal digits in lower case.
CLI::Validator StoreId();
// "name=value" with a name.
CLI::Validator NameAndValue();

// A duration up to 24 h like "500ms"; zero only where that means something.
enum class Zero { kAllowed, kRefused };
CLI::Option* AddDuration(CLI::App& app, const std::string& name,
                         std::optional<std::chrono::milliseconds>& value, Zero zero, const std::string& text);

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_OPTION_CHECKS_H_
