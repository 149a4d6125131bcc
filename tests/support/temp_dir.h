// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_TEMP_DIR_H_
#define GRANTKEEP_TESTS_SUPPORT_TEMP_DIR_H_

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace grantkeep::testing {

// A directory of mode 0700 that is gone, with all it holds, when this object is.
class TempDir {
 public:
  TempDir() {
    std::string path = (std::filesystem::temp_directory_path() / "grantkeep-test-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr)
      throw std::runtime_error("cannot make a directory in the temp directory");
    path_ = path;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::filesystem::path& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_SUPPORT_TEMP_DIR_H_
