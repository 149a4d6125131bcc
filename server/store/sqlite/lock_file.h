// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_SQLITE_LOCK_FILE_H_
#define GRANTKEEP_STORE_SQLITE_LOCK_FILE_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace grantkeep {

// Says that this process owns something, for as long as the object or the process lives: a file
// with an flock(2) on it and the process id in it. The file stays when the lock is gone.
class LockFile {
 public:
  // Fails at once when another process (or object) has the lock, naming the process if known.
  static absl::StatusOr<LockFile> Acquire(const std::string& path);

  LockFile(LockFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  LockFile& operator=(LockFile&&) = delete;
  ~LockFile();

 private:
  explicit LockFile(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_SQLITE_LOCK_FILE_H_
