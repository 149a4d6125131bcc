// SPDX-License-Identifier: Apache-2.0
#include "tests/support/document.h"

#include <fmt/format.h>

#include <sstream>
#include <stdexcept>

#include "tests/support/child_process.h"

namespace grantkeep::testing {

std::string ReadBlock(const std::filesystem::path& document, std::string_view language) {
  const std::string text = ReadFile(document);
  const std::string mark = fmt::format("\n```{}\n", language);
  const size_t found = text.find(mark);
  const size_t begin = found + mark.size();
  const size_t end = found == std::string::npos ? found : text.find("\n```", begin - 1);
  if (end == std::string::npos) {
    throw std::runtime_error(fmt::format("{}: no block of {}", document.string(), language));
  }
  return text.substr(begin, end + 1 - begin);
}

std::vector<std::string> ReadUsers(const std::filesystem::path& document, std::string_view language) {
  constexpr std::string_view kUser = "user ";
  std::vector<std::string> users;
  std::istringstream block(ReadBlock(document, language));
  for (std::string line; std::getline(block, line);) {
    if (!line.starts_with(kUser)) throw std::runtime_error("not a user: " + line);
    users.push_back(line.substr(kUser.size()));
  }
  return users;
}

}  // namespace grantkeep::testing
