// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/storage_thread.h"

#include <pthread.h>

#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "store/sqlite/schema.h"
#include "telemetry/log.h"

namespace grantkeep {
namespace {

// A group is answered as a whole, so it must not grow without bound.
constexpr size_t kMaxGroup = 256;
constexpr size_t kMaxGroupBytes = size_t{8} * 1024 * 1024;
// For the log; a database in memory has no file.
std::string PathOf(sqlite3* database) {
  const char* const path = sqlite3_db_filename(database, "main");
  return path == nullptr || *path == '\0' ? ":memory:" : path;
}

// Expired records that are removed at once, so that operations wait little for it.
constexpr size_t kExpiredBatch = 64;
// Growth of the log after which it is moved into the main file: 4 MiB.
constexpr int kCheckpointPages = 1000;

std::string_view Message(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

}  // namespace

absl::StatusOr<std::unique_ptr<StorageThread>> StorageThread::Start(Database database, StoreTime& time,
                                                                    Options options) {
  ASSIGN_OR_RETURN(Tables tables, Tables::Create(database));
  std::unique_ptr<StorageThread> started(
      new StorageThread(std::move(database), std::move(tables), time, options));
  started->thread_ = std::thread([storage = started.get()] { storage->Run(); });
  pthread_setname_np(started->thread_.native_handle(), "storage");
  return started;
}

StorageThread::StorageThread(Database database, Tables tables, StoreTime& time, Options options)
    : database_(std::move(database)),
      path_(PathOf(database_.handle())),
      time_(time),
      options_(options),
      session_(std::move(tables), leases_) {
  const auto note_pages = [](void* pages, sqlite3*, const char*, int count) {
    *static_cast<int*>(pages) = count;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(database_.handle(), note_pages, &log_pages_);
}

StorageThread::~StorageThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  if (!mark_clean_) return;
  if (const absl::Status marked = MarkClean(database_); !marked.ok()) {
    Log("store").warn("the orderly close could not be recorded; the next start checks the file: {}",
                      Message(marked));
  }
}

absl::Status StorageThread::Queue(std::shared_ptr<Operation> operation) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= options_.max_queued ||
        queued_bytes_ + operation->bytes > options_.max_queued_bytes) {
      return Error(Reason::kOverloaded, "store: too many operations are waiting");
    }
    // Under the lock, so that the order of the queue is that of the times.
    operation->time = time_.Now();
    queued_bytes_ += operation->bytes;
    queue_.push_back(std::move(operation));
  }
  wake_.notify_one();
  return absl::OkStatus();
}

void StorageThread::OnChange(std::function<void(const Change&)> listener) {
  const std::lock_guard lock(listener_mutex_);
  listener_ = std::move(listener);
}

void StorageThread::Run() {
  SteadyTime look_for_expired = std::chrono::steady_clock::now() + options_.expiry_interval;
  Group group;
  while (NextGroup(group, look_for_expired)) {
    if (!group.empty()) PerformGroup(group);
    group.clear();
    const SteadyTime now = std::chrono::steady_clock::now();
    if (now >= look_for_expired) {
      const bool more = RemoveExpired();
      look_for_expired = more ? now : now + options_.expiry_interval;
    }
    Checkpoint();
  }
}

bool StorageThread::NextGroup(Group& group, SteadyTime until) {
  std::unique_lock lock(mutex_);
  wake_.wait_until(lock, until, [this] { return stopping_ || !queue_.empty(); });
  size_t bytes = 0;
  while (!queue_.empty() && group.size() < kMaxGroup && bytes < kMaxGroupBytes) {
    bytes += queue_.front()->bytes;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queued_bytes_ -= bytes;
  return !group.empty() || !stopping_;
}

void StorageThread::PerformGroup(const Group& group) {
  Group wanted;
  for (const auto& operation : group) {
    if (!operation->abandoned) wanted.push_back(operation);
  }
  if (wanted.empty()) return;
  bool at_commit = false;
  const absl::Status together = PerformTogether(wanted, at_commit);
  NoteTrouble(together);
  if (!together.ok()) {
    // A failed COMMIT may have happened, so its writes are not tried again. Everything else was
    // rolled back; alone, only the operation in trouble fails, and reads go on.
    for (const auto& operation : wanted) {
      const bool lost = wanted.size() == 1 || (at_commit && operation->access == Operation::Access::kWrite);
      bool ignored = false;
      const absl::Status alone = lost ? together : PerformTogether({&operation, 1}, ignored);
      // Copies of a status share one object; what goes to another thread is one of its own.
      if (!alone.ok()) operation->Fail(Annotate(alone, "store"));
    }
  }
  for (const auto& operation : wanted) Operation::Answer(operation);
}

void StorageThread::NoteTrouble(const absl::Status& status) {
  if (HasReason(status, Reason::kStoreCorrupt)) mark_clean_ = false;
  const std::string_view trouble = status.ok() ? std::string_view() : Message(status);
  if (trouble == trouble_) return;
  if (trouble.empty()) {
    Log("store").warn("{}: operations succeed again", path_);
  } else {
    Log("store").error("{}: operations fail: {}", path_, trouble);
  }
  trouble_ = trouble;
}

absl::Status StorageThread::PerformTogether(std::span<const std::shared_ptr<Operation>> group,
                                            bool& at_commit) {
  const auto perform = [&] {
    for (const auto& operation : group) RETURN_IF_ERROR(operation->Perform(session_));
    return absl::OkStatus();
  };
  return InTransaction(perform, at_commit);
}

absl::Status StorageThread::InTransaction(const std::function<absl::Status()>& body, bool& at_commit) {
  absl::Status status = database_.Run("BEGIN");
  if (status.ok()) status = body();
  if (status.ok()) {
    status = database_.Run("COMMIT");
    at_commit = !status.ok();
  }
  const std::vector<Change> changes = session_.TakeChanges();
  if (!status.ok()) {
    leases_.Undo();
    // After some errors SQLite has rolled back by itself.
    if (database_.in_transaction()) database_.Run("ROLLBACK").IgnoreError();
    return status;
  }
  leases_.Keep();
  const std::lock_guard lock(listener_mutex_);
  if (listener_ == nullptr) return absl::OkStatus();
  for (const Change& change : changes) listener_(change);
  return absl::OkStatus();
}

bool StorageThread::RemoveExpired() {
  const Time now = time_.Now();
  leases_.DropEnded(now);
  size_t removed = 0;
  const auto remove = [&] {
    ASSIGN_OR_RETURN(removed, session_.RemoveExpired(now, kExpiredBatch));
    return absl::OkStatus();
  };
  bool ignored = false;
  const absl::Status status = InTransaction(remove, ignored);
  if (!status.ok()) Log("store").warn("expired records could not be removed: {}", Message(status));
  return status.ok() && removed == kExpiredBatch;
}

void StorageThread::Checkpoint() {
  if (log_pages_ < moved_pages_) moved_pages_ = 0;  // the log has begun anew
  if (log_pages_ - moved_pages_ < kCheckpointPages) return;
  moved_pages_ = log_pages_;
  // PASSIVE: with a reader in the way, such as the background check, less is moved this time.
  const int code =
      sqlite3_wal_checkpoint_v2(database_.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code != SQLITE_OK) Log("store").warn("{}", Message(SqliteError(code, "moving the log into the file")));
}

}  // namespace grantkeep
