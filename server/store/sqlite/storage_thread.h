// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_SQLITE_STORAGE_THREAD_H_
#define GRANTKEEP_STORE_SQLITE_STORAGE_THREAD_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/sqlite/database.h"
#include "store/sqlite/leases.h"
#include "store/sqlite/operation.h"
#include "store/sqlite/session.h"
#include "store/store_time.h"

namespace grantkeep {

// Performs operations in the order in which they are queued, those that wait together in one
// transaction, and removes expired records in between.
class StorageThread {
 public:
  struct Options {
    size_t max_queued;
    size_t max_queued_bytes;
    Duration expiry_interval;
  };

  static absl::StatusOr<std::unique_ptr<StorageThread>> Start(Database database, StoreTime& time,
                                                              Options options);
  // Performs what is queued and ends the thread; closes the database, with the mark of an orderly
  // close unless LeaveUnmarked was called or damage was met.
  ~StorageThread();

  // Any thread. Stamps the operation with the store's time. kOverloaded: it was not taken.
  absl::Status Queue(std::shared_ptr<Operation> operation);
  void OnChange(std::function<void(const Change&)> listener);
  // The file is to be checked at the next start.
  void LeaveUnmarked() { mark_clean_ = false; }

 private:
  using Group = std::vector<std::shared_ptr<Operation>>;
  using SteadyTime = std::chrono::steady_clock::time_point;

  StorageThread(Database database, Tables tables, StoreTime& time, Options options);

  void Run();
  // Waits for operations, for the time to look for expired records, or for the end. False: the end.
  bool NextGroup(Group& group, SteadyTime until);
  void PerformGroup(const Group& group);
  // Logs when operations begin to fail, fail otherwise, and succeed again; not every failure.
  void NoteTrouble(const absl::Status& status);
  // All of `group`, or nothing.
  absl::Status PerformTogether(std::span<const std::shared_ptr<Operation>> group, bool& at_commit);
  // `body` in a transaction; what it changed is told to the listener after the COMMIT.
  absl::Status InTransaction(const std::function<absl::Status()>& body, bool& at_commit);
  // A small batch of expired records. True: there may be more.
  bool RemoveExpired();
  // Moves the log into the main file once it has grown enough.
  void Checkpoint();

  Database database_;
  const std::string path_;  // for people; empty in memory
  StoreTime& time_;
  const Options options_;
  Leases leases_;
  Session session_;
  int log_pages_ = 0;    // in the write-ahead log after the last COMMIT
  int moved_pages_ = 0;  // of these, at the last checkpoint
  std::atomic<bool> mark_clean_ = true;
  std::string trouble_;  // of the last group; empty: none

  std::mutex listener_mutex_;
  std::function<void(const Change&)> listener_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Operation>> queue_;
  size_t queued_bytes_ = 0;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_SQLITE_STORAGE_THREAD_H_
