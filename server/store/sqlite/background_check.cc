// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/background_check.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "telemetry/log.h"

namespace grantkeep {

BackgroundCheck::BackgroundCheck(std::string path) : path_(std::move(path)), thread_([this] { Run(); }) {}

BackgroundCheck::~BackgroundCheck() { Stop(); }

bool BackgroundCheck::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

absl::Status BackgroundCheck::result() const {
  const std::lock_guard lock(mutex_);
  return result_;
}

bool BackgroundCheck::Stop() {
  std::unique_lock lock(mutex_);
  const bool ended = !running_;
  stopping_ = true;
  while (running_) {
    // Repeated, because an interrupt that comes before the statement begins is lost.
    if (connection_ != nullptr) sqlite3_interrupt(connection_);
    changed_.wait_for(lock, std::chrono::milliseconds(5));
  }
  const bool found_nothing = result_.ok();
  lock.unlock();
  if (thread_.joinable()) thread_.join();
  return ended && found_nothing;
}

void BackgroundCheck::Run() {
  absl::Status result = Check();
  const std::string_view message(result.message().data(), result.message().size());
  const std::lock_guard lock(mutex_);
  if (stopping_) {
    result = absl::OkStatus();
  } else if (result.ok()) {
    Log("store").info("{}: checked after an unclean stop, no damage found", path_);
  } else {
    Log("store").error("{}: checked after an unclean stop: {}", path_, message);
  }
  result_ = std::move(result);
  running_ = false;
  changed_.notify_all();
}

absl::Status BackgroundCheck::Check() {
  ASSIGN_OR_RETURN(Database database, Database::Open(path_, Database::Access::kReadOnly));
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return absl::OkStatus();
    connection_ = database.handle();
  }
  const auto finding = database.QueryText("PRAGMA quick_check(1)");
  const std::lock_guard lock(mutex_);
  connection_ = nullptr;
  if (!finding.ok()) return Annotate(finding.status(), "store");
  if (*finding == "ok") return absl::OkStatus();
  // The first line only says which database it is.
  return Error(Reason::kStoreCorrupt,
               fmt::format("store: the file is damaged: {}", finding->substr(finding->rfind('\n') + 1)));
}

}  // namespace grantkeep
