// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/lock_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "base/reason.h"

namespace grantkeep {
namespace {

std::string Owner(int fd) {
  std::array<char, 24> buffer{};
  const ssize_t size = pread(fd, buffer.data(), buffer.size(), 0);
  const std::string_view text(buffer.data(), size > 0 ? static_cast<size_t>(size) : 0);
  const std::string_view digits = text.substr(0, text.find('\n'));
  const bool is_pid = !digits.empty() && std::all_of(digits.begin(), digits.end(),
                                                     [](unsigned char c) { return std::isdigit(c) != 0; });
  return is_pid ? fmt::format("process {}", digits) : "another process";
}

}  // namespace

absl::StatusOr<LockFile> LockFile::Acquire(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return Error(Reason::kStoreUnavailable, fmt::format("store: the lock file {} cannot be opened: {}", path,
                                                        std::generic_category().message(errno)));
  }
  LockFile lock(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return Error(
          Reason::kStoreUnavailable,
          fmt::format("store: {} holds the lock file {}; only one process may own the store: stop it, or "
                      "give store.sqlite.path another file (with --dev: --data-dir another folder)",
                      Owner(fd), path));
    }
    return Error(Reason::kStoreUnavailable, fmt::format("store: the lock file {} cannot be locked: {}", path,
                                                        std::generic_category().message(errno)));
  }
  // The process id only serves the message above: the lock holds without it, on a full disk too.
  const std::string pid = fmt::format("{}\n", getpid());
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0) return lock;
  return lock;
}

LockFile::~LockFile() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace grantkeep
