// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_DEMO_LEAK_SEARCH_H_
#define GRANTKEEP_TESTS_DEMO_LEAK_SEARCH_H_

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace grantkeep::demo {

struct LeakSearch {
  size_t files = 0;
  size_t bytes = 0;
  // "FILE holds the NAME", never the secret itself.
  std::vector<std::string> found;
};

struct NamedSecret {
  std::string name;
  std::string value;
};

// Reads every regular file below `folder` and looks for each secret as it is, in hexadecimal and
// in base64 of both alphabets (at every alignment).
LeakSearch SearchForSecrets(const std::filesystem::path& folder, const std::vector<NamedSecret>& secrets);

}  // namespace grantkeep::demo

#endif  // GRANTKEEP_TESTS_DEMO_LEAK_SEARCH_H_
