// SPDX-License-Identifier: Apache-2.0
#include "tests/demo/leak_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "crypto/digest.h"

namespace grantkeep::demo {
namespace {

// How `secret` may stand in a file. Base64 depends on where in the text the secret begins; what
// does not depend on its neighbours is searched for.
std::vector<std::string> Forms(const std::string& secret) {
  std::vector<std::string> forms = {secret, HexEncode(secret)};
  for (size_t before = 0; before < 3; ++before) {
    const std::string url = Base64UrlEncode(std::string(before, 'x') + secret);
    const size_t first = before == 0 ? 0 : before + 1;
    const size_t whole = (before + secret.size()) / 3 * 4;
    std::string form = url.substr(first, whole - first);
    forms.push_back(form);
    std::ranges::replace(form, '-', '+');
    std::ranges::replace(form, '_', '/');
    forms.push_back(form);
  }
  return forms;
}

}  // namespace

LeakSearch SearchForSecrets(const std::filesystem::path& folder, const std::vector<NamedSecret>& secrets) {
  LeakSearch result;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    ++result.files;
    result.bytes += content.size();
    for (const NamedSecret& secret : secrets) {
      const std::vector<std::string> forms = Forms(secret.value);
      const bool found = std::ranges::any_of(
          forms, [&](const std::string& form) { return content.find(form) != std::string::npos; });
      if (found) {
        result.found.push_back(fmt::format("{} holds the {}", entry.path().filename().string(), secret.name));
      }
    }
  }
  return result;
}

}  // namespace grantkeep::demo
