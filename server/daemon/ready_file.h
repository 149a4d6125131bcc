// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_READY_FILE_H_
#define GRANTKEEP_DAEMON_READY_FILE_H_

#include <string>

#include "absl/status/status.h"

namespace grantkeep {

// A file that is there while the daemon is ready: calls are accepted, and the store was reached and
// checked. It holds the address and a newline, and appears whole: written beside and renamed. It stays
// when the store is lost later; health tells that.
class ReadyFile {
 public:
  // An empty path: no file.
  ReadyFile(std::string path, const std::string& address);
  // Removes the file.
  ~ReadyFile();
  ReadyFile(const ReadyFile&) = delete;
  ReadyFile& operator=(const ReadyFile&) = delete;

  const absl::Status& status() const { return status_; }

 private:
  std::string path_;
  absl::Status status_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_READY_FILE_H_
