// SPDX-License-Identifier: Apache-2.0
#include "tests/demo/daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "base/status_macros.h"

namespace grantkeep::demo {
namespace {

constexpr std::chrono::seconds kStartLimit{20};
// The daemon gives calls in flight ten seconds to finish.
constexpr std::chrono::seconds kStopLimit{15};

}  // namespace

std::filesystem::path ProgramFolder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

std::optional<std::string> OwnerOf(const std::filesystem::path& data) {
  const std::filesystem::path path = data / "grantkeep.db.lock";
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  const bool kept = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(fd);
  if (!kept) return std::nullopt;
  const std::string text = testing::ReadFile(path);
  return text.empty() ? "?" : text.substr(0, text.find('\n'));
}

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(const std::vector<std::string>& arguments,
                                                      const std::filesystem::path& ready_file,
                                                      const std::filesystem::path& output) {
  testing::ChildProcess::Options options{
      .command = {ProgramFolder() / "grantkeepd"}, .environment = {}, .output = output};
  options.command.insert(options.command.end(), arguments.begin(), arguments.end());
  ASSIGN_OR_RETURN(auto process, testing::ChildProcess::Start(options));
  const absl::Status ready = process->WaitForFile(ready_file, kStartLimit);
  if (absl::IsUnavailable(ready)) {
    return absl::UnavailableError("grantkeepd ended before it was ready; its own message says why");
  }
  RETURN_IF_ERROR(ready);
  return std::unique_ptr<Daemon>(new Daemon(std::move(process)));
}

bool Daemon::Stop() {
  const std::lock_guard lock(mutex_);
  process_->Signal(SIGTERM);
  return process_->Wait(kStopLimit) == 0;
}

bool Daemon::Ended() {
  const std::lock_guard lock(mutex_);
  return process_->Wait(std::chrono::seconds(0)).has_value();
}

}  // namespace grantkeep::demo
