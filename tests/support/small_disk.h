// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_SMALL_DISK_H_
#define GRANTKEEP_TESTS_SUPPORT_SMALL_DISK_H_

#include <cstddef>
#include <filesystem>

#include "tests/support/temp_dir.h"

namespace grantkeep::testing {

// A disk of a few megabytes, seen by the thread that made it and by what that thread starts from
// then on. Made in a mount namespace of its own, and by others than root in a user namespace, for
// which the process must not have threads yet. Throws where the system allows neither.
class SmallDisk {
 public:
  explicit SmallDisk(size_t megabytes = 16);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  std::filesystem::path path() const { return dir_.path(); }
  // Takes all the space that is left, and gives it back.
  void Fill();
  void Free();
  // While nothing on it is open for writing.
  void MakeReadOnly();
  void MakeWritable();

 private:
  TempDir dir_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_SUPPORT_SMALL_DISK_H_
