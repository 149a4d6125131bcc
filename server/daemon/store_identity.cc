// SPDX-License-Identifier: Apache-2.0
#include "daemon/store_identity.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/reason.h"
#include "base/status_macros.h"
#include "config/yaml.h"
#include "grantkeep/config/v1/config.pb.h"

namespace grantkeep {
namespace {

constexpr char kField[] = "store.identity.file";

absl::Status FileError(const std::string& path, std::string_view what) {
  return FieldError(kField, fmt::format("{}: {}", path, what));
}

absl::Status FileErrno(const std::string& path, std::string_view what) {
  return FileError(path, fmt::format("{}: {}", what, std::strerror(errno)));
}

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

absl::Status WriteDurably(const std::string& path, std::string_view text) {
  // What an earlier, interrupted write has left must not lend its mode.
  unlink(path.c_str());
  const File file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.fd() < 0) return FileErrno(path, "cannot be created");
  while (!text.empty()) {
    const ssize_t written = write(file.fd(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileErrno(path, "cannot be written");
    text.remove_prefix(static_cast<size_t>(written));
  }
  return fsync(file.fd()) == 0 ? absl::OkStatus() : FileErrno(path, "cannot be synced");
}

}  // namespace

IdentityMatch CompareIdentity(const StoreIdentity& store, const RememberedStore& remembered) {
  if (store.id != remembered.id) return IdentityMatch::kUnknownId;
  if (store.epoch < remembered.epoch) return IdentityMatch::kOlderEpoch;
  return store.epoch == remembered.epoch ? IdentityMatch::kSame : IdentityMatch::kNewer;
}

bool WasAdoptedSince(const StoreIdentity& before, const StoreIdentity& now) {
  if (now.id == before.id) return now.restored_in > before.epoch;
  return now.cloned_from == before.id && now.cloned_in > before.epoch;
}

bool IsStoreId(std::string_view text) {
  return text.size() == 32 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

absl::StatusOr<std::optional<RememberedStore>> ReadIdentityFile(const std::string& path) {
  struct stat info{};
  if (stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return FileErrno(path, "cannot be read");
  }
  config::v1::Store::Identity read;
  // Its errors begin with the path.
  if (const absl::Status form = ReadYamlFile(path, read); !form.ok()) return Annotate(form, kField);
  constexpr std::string_view kWayOut =
      "put the file back as it was; or remove it, to trust the store that there is";
  if (!read.file().empty()) return FileError(path, fmt::format("file: does not belong here; {}", kWayOut));
  if (!IsStoreId(read.id())) {
    return FileError(path, fmt::format("id: must be 32 hexadecimal digits in lower case; {}", kWayOut));
  }
  if (read.epoch() == 0) return FileError(path, fmt::format("epoch: must be 1 or more; {}", kWayOut));
  return RememberedStore{read.id(), read.epoch()};
}

absl::Status WriteIdentityFile(const std::string& path, const RememberedStore& store) {
  const std::string next = path + ".new";
  RETURN_IF_ERROR(WriteDurably(next, fmt::format("id: {}\nepoch: {}\n", store.id, store.epoch)));
  if (std::rename(next.c_str(), path.c_str()) != 0) return FileErrno(path, "cannot be replaced");
  const std::string parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent;
  const File directory(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.fd() < 0 || fsync(directory.fd()) != 0) return FileErrno(folder, "cannot be synced");
  return absl::OkStatus();
}

}  // namespace grantkeep
