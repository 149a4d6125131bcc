// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_REFRESH_RECOVERY_FILES_H_
#define GRANTKEEP_REFRESH_RECOVERY_FILES_H_

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"

namespace grantkeep {

// A file that is complete; of no other is anything ever seen.
struct RecoveryFile {
  std::string name;
  std::string content;
};

// The folder of recovery files: what is in them is the business of refresh/recovery.h. Everything that may
// have to wait for a disk is done by a thread of its own, in the order in which it was asked for.
//
// Nothing here fails for good: a disk that is full, read-only or hangs is logged when that begins and when it
// has ended, and is tried again with the next file. Any thread, but for ReadAll.
class RecoveryFiles {
 public:
  static constexpr size_t kMaxFiles = 4096;
  static constexpr size_t kMaxSize = size_t{300} * 1024;

  // Makes the folder, with mode 0700, unless it is there, and tries to write there. What is wrong names
  // refresh.recovery_dir.
  static absl::StatusOr<std::unique_ptr<RecoveryFiles>> Open(std::string folder);
  // Does what was asked for; a disk that hangs is waited for until `kPatience` at most.
  ~RecoveryFiles();
  RecoveryFiles(const RecoveryFiles&) = delete;
  RecoveryFiles& operator=(const RecoveryFiles&) = delete;

  // Writes a file, or replaces it: mode 0600, complete or not at all, and on disk when `done` is called with
  // OK, on this object's thread.
  using Done = std::function<void(const absl::Status&)>;
  void Write(std::string name, std::string content, Done done);
  // Also one that is not there.
  void Remove(std::string name);
  // Renames what cannot be used, so that it is neither read again nor lost, and says so.
  void SetAside(std::string name, std::string why);
  // On a loop. All complete files, kMaxFiles at most; what cannot be read, or is no regular file of a
  // possible size, is set aside. Fails when the folder cannot be read.
  boost::asio::awaitable<absl::StatusOr<std::vector<RecoveryFile>>> ReadAll(Clock& clock);

  const std::string& folder() const;

 private:
  struct State;
  explicit RecoveryFiles(std::shared_ptr<State> state);

  // Shared with the thread, which may outlive this object when the disk hangs.
  const std::shared_ptr<State> state_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_REFRESH_RECOVERY_FILES_H_
