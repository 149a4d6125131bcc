// SPDX-License-Identifier: Apache-2.0
#include "vault/root_key.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "crypto/aead.h"
#include "crypto/digest.h"

namespace grantkeep {
namespace {

constexpr size_t kRawSize = AesGcm::kKeySize;
constexpr size_t kHexSize = 2 * kRawSize;
// One byte more than is accepted: with the newline.
constexpr size_t kReadSize = kHexSize + 2;

// Wraps under a root key that is in memory.
class FileKeyWrapper final : public KeyWrapper {
 public:
  FileKeyWrapper(std::string key_id, AesGcm key, Random& random)
      : key_id_(std::move(key_id)), key_(std::move(key)), random_(random) {}

  const std::string& key_id() const override { return key_id_; }

  boost::asio::awaitable<absl::StatusOr<std::string>> Wrap(std::string_view kek, std::string_view aad,
                                                           Tick) override {
    co_return key_.Seal(random_, kek, aad);
  }

  boost::asio::awaitable<absl::StatusOr<Secret>> Unwrap(std::string_view wrapped, std::string_view aad,
                                                        Tick) override {
    co_return key_.Open(wrapped, aad);
  }

 private:
  const std::string key_id_;
  const AesGcm key_;
  Random& random_;
};

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  const int fd_;
};

absl::Status KeyFileError(const std::string& path, std::string_view what) {
  return Error(Reason::kKeyUnavailable, fmt::format("root key file {}: {}", path, what));
}

absl::Status KeyFileErrno(const std::string& path, std::string_view what) {
  return KeyFileError(path, fmt::format("{}: {}", what, std::strerror(errno)));
}

absl::Status CheckFile(const std::string& path, const struct stat& info, bool mounted_secret) {
  if (!S_ISREG(info.st_mode)) return KeyFileError(path, "not a regular file");
  const mode_t mode = info.st_mode & 07777;
  if ((mode & ~static_cast<mode_t>(0600)) != 0 && !mounted_secret) {
    return KeyFileError(path,
                        fmt::format("mode {:04o} is wider than 0600: run chmod 600 {}, or set "
                                    "vault.root_key_file_is_mounted_secret if the platform mounts it so",
                                    mode, path));
  }
  return absl::OkStatus();
}

// Up to `limit` bytes of the file.
absl::StatusOr<Secret> ReadUpTo(const std::string& path, int fd, size_t limit) {
  Secret content = Secret::OfSize(limit);
  size_t size = 0;
  while (size < limit) {
    const ssize_t got = ::read(fd, content.Mutable().data() + size, limit - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return KeyFileErrno(path, "cannot be read");
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  content.Truncate(size);
  return content;
}

absl::StatusOr<Secret> DecodeHex(const std::string& path, std::string_view digits) {
  auto raw = HexDecode(digits);
  if (!raw.has_value()) return KeyFileError(path, "64 characters, but not all are hexadecimal digits");
  return Secret::Take(std::move(*raw));
}

// Not for a database that there is: only its own key opens it.
std::string HowToMakeOne(const std::string& path) {
  return fmt::format("for a new database make one: (umask 077; head -c 32 /dev/urandom > {})", path);
}

std::string SizeOf(std::string_view content) {
  return content.size() < kReadSize ? fmt::format("{} bytes", content.size())
                                    : fmt::format("more than {} bytes", kReadSize - 1);
}

absl::StatusOr<Secret> DecodeKey(const std::string& path, std::string_view content) {
  Secret key;
  if (content.size() == kRawSize) {
    if (HexDecode(content).has_value()) {
      return KeyFileError(path, "32 hexadecimal digits are only 16 bytes: 64 digits are needed");
    }
    key = Secret(content);
  } else if (content.size() == kHexSize || (content.size() == kHexSize + 1 && content.back() == '\n')) {
    ASSIGN_OR_RETURN(key, DecodeHex(path, content.substr(0, kHexSize)));
  } else {
    return KeyFileError(path,
                        fmt::format("has {}, neither 32 bytes nor 64 hexadecimal digits with an optional "
                                    "newline; {}",
                                    SizeOf(content), HowToMakeOne(path)));
  }
  if (std::ranges::all_of(key.Mutable(), [](uint8_t byte) { return byte == 0; })) {
    return KeyFileError(path, "the key is all zeros: make a random one (openssl rand -hex 32)");
  }
  return key;
}

// Short, and of no use for guessing the key.
std::string KeyIdOf(const Secret& key) {
  return HexEncode(HkdfSha256(key.Expose(), "", "grantkeep/root-key-id", 8).Expose());
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

// Makes a new name in the directory of `path` durable.
bool SyncDirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const File opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return opened.ok() && ::fsync(opened.fd()) == 0;
}

absl::Status WriteKeyFile(const std::string& path, std::string_view content) {
  const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.ok()) return KeyFileErrno(path, "cannot be created");
  if (!WriteAll(file.fd(), content) || ::fsync(file.fd()) != 0)
    return KeyFileErrno(path, "cannot be written");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<KeyWrapper>> OpenRootKeyFile(const std::string& path, bool mounted_secret,
                                                            Random& random) {
  // Without O_NONBLOCK a FIFO in the place of the file would stop the start.
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.ok() && errno == ENOENT) {
    return KeyFileError(path,
                        fmt::format("cannot be opened: {}; {}", std::strerror(ENOENT), HowToMakeOne(path)));
  }
  if (!file.ok()) return KeyFileErrno(path, "cannot be opened");
  struct stat info{};
  if (::fstat(file.fd(), &info) != 0) return KeyFileErrno(path, "cannot be examined");
  RETURN_IF_ERROR(CheckFile(path, info, mounted_secret));
  ASSIGN_OR_RETURN(const Secret content, ReadUpTo(path, file.fd(), kReadSize));
  ASSIGN_OR_RETURN(Secret key, DecodeKey(path, content.Expose()));
  std::string key_id = KeyIdOf(key);
  ASSIGN_OR_RETURN(AesGcm cipher, AesGcm::Create(std::move(key)));
  return std::make_unique<FileKeyWrapper>(std::move(key_id), std::move(cipher), random);
}

absl::Status CreateRootKeyFile(const std::string& path, Random& random) {
  Secret key = Secret::OfSize(kRawSize);
  random.Fill(key.Mutable());
  std::string digits = HexEncode(key.Expose());
  Secret content = Secret::OfSize(kHexSize + 1);
  std::ranges::copy(digits, content.Mutable().begin());
  content.Mutable().back() = '\n';
  WipeString(digits);
  // Written aside and linked into place: the name appears with the whole key or not at all, and
  // link() refuses a name that exists.
  const std::string aside = fmt::format("{}.new.{}", path, ::getpid());
  if (absl::Status written = WriteKeyFile(aside, content.Expose()); !written.ok()) {
    ::unlink(aside.c_str());
    return written;
  }
  const bool linked = ::link(aside.c_str(), path.c_str()) == 0;
  const absl::Status refused = linked ? absl::OkStatus() : KeyFileErrno(path, "cannot be created");
  ::unlink(aside.c_str());
  RETURN_IF_ERROR(refused);
  if (!SyncDirectoryOf(path)) return KeyFileErrno(path, "cannot be made durable");
  return absl::OkStatus();
}

}  // namespace grantkeep
