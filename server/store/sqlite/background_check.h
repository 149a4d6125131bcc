// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_SQLITE_BACKGROUND_CHECK_H_
#define GRANTKEEP_STORE_SQLITE_BACKGROUND_CHECK_H_

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "store/sqlite/database.h"

namespace grantkeep {

// Runs PRAGMA quick_check on a connection and a thread of its own, while the file is in use.
class BackgroundCheck {
 public:
  explicit BackgroundCheck(std::string path);
  // Breaks the check off if it has not ended.
  ~BackgroundCheck();

  bool running() const;
  // OK while running and after a check without findings.
  absl::Status result() const;
  // Breaks the check off if it has not ended; true when it had ended and found nothing.
  bool Stop();

 private:
  void Run();
  absl::Status Check();

  const std::string path_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  sqlite3* connection_ = nullptr;  // while the check runs on it
  bool stopping_ = false;
  bool running_ = true;
  absl::Status result_;
  std::thread thread_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_SQLITE_BACKGROUND_CHECK_H_
