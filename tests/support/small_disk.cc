// SPDX-License-Identifier: Apache-2.0
#include "tests/support/small_disk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace grantkeep::testing {
namespace {

constexpr char kFiller[] = "filler";

void Must(bool done, const char* what) {
  if (!done) throw std::runtime_error(fmt::format("a small disk: {}: {}", what, std::strerror(errno)));
}

void LeaveTheMountsOfOthersAlone(const std::filesystem::path& folder) {
  const uid_t user = geteuid();
  const gid_t group = getegid();
  // Root of a container may not mount either: then, as for everybody else, in a namespace of its own.
  if (user != 0 || unshare(CLONE_NEWNS) != 0) {
    Must(unshare(CLONE_NEWNS | CLONE_NEWUSER) == 0, "unshare");
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << fmt::format("0 {} 1", user);
    std::ofstream("/proc/self/gid_map") << fmt::format("0 {} 1", group);
  }
  // The mount that has the folder; below a chroot that need not be "/".
  std::filesystem::path mounted = folder;
  while (mount("none", mounted.c_str(), nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    Must(errno == EINVAL && mounted.has_relative_path(), "private mounts");
    mounted = mounted.parent_path();
  }
}

}  // namespace

SmallDisk::SmallDisk(size_t megabytes) {
  LeaveTheMountsOfOthersAlone(dir_.path());
  const std::string options = fmt::format("size={}m,mode=0700", megabytes);
  Must(mount("tmpfs", dir_.path().c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) == 0, "mount");
}

SmallDisk::~SmallDisk() { umount2(dir_.path().c_str(), MNT_DETACH); }

void SmallDisk::Fill() {
  const int fd = open((dir_ / kFiller).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  Must(fd >= 0, kFiller);
  const std::string block(4096, 'f');
  ssize_t written = 0;
  do written = write(fd, block.data(), block.size());
  while (written > 0);
  const int error = errno;
  close(fd);
  errno = error;
  Must(written < 0 && error == ENOSPC, "filling it");
}

void SmallDisk::Free() { std::filesystem::remove(dir_ / kFiller); }

void SmallDisk::MakeReadOnly() {
  Must(mount(nullptr, dir_.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0, "remount");
}

void SmallDisk::MakeWritable() {
  Must(mount(nullptr, dir_.path().c_str(), nullptr, MS_REMOUNT, nullptr) == 0, "remount");
}

}  // namespace grantkeep::testing
