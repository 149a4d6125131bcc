// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_DOCUMENT_H_
#define GRANTKEEP_TESTS_SUPPORT_DOCUMENT_H_

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace grantkeep::testing {

// Examples in documents, for the tests that hold them. Both throw std::runtime_error when there is none.

// The content of the first fenced block of a Markdown document whose language is `language`.
std::string ReadBlock(const std::filesystem::path& document, std::string_view language);
// The users in such a block of lines "user NAME RULES...", as RedisServer wants them: "NAME RULES...".
std::vector<std::string> ReadUsers(const std::filesystem::path& document, std::string_view language);

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_SUPPORT_DOCUMENT_H_
