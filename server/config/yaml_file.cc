// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/reason.h"
#include "base/status_macros.h"
#include "config/yaml.h"
#include "config/yaml_tree.h"

namespace grantkeep {
namespace {

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

// What is wrong with the file; empty when it may be read.
std::string WrongWith(int fd) {
  struct stat info{};
  if (fd < 0 || fstat(fd, &info) != 0) return std::strerror(errno);
  if (S_ISDIR(info.st_mode)) return std::strerror(EISDIR);
  return S_ISREG(info.st_mode) ? "" : "it is not a regular file";
}

}  // namespace

absl::StatusOr<std::string> ReadYamlText(const std::string& path) {
  // Without O_NONBLOCK a FIFO in the place of the file would be waited for.
  const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  const auto unreadable = [&](std::string_view why) {
    return Error(Reason::kInvalidField, fmt::format("{}: cannot be read: {}", path, why));
  };
  if (const std::string wrong = WrongWith(file.fd()); !wrong.empty()) return unreadable(wrong);
  // One byte more than is accepted, so that the reader sees that there is more.
  std::string text(kMaxYamlBytes + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(file.fd(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(std::strerror(errno));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  text.resize(size);
  return text;
}

absl::Status ReadYamlFile(const std::string& path, google::protobuf::Message& message, YamlLines* lines) {
  message.Clear();
  ASSIGN_OR_RETURN(const std::string text, ReadYamlText(path));
  return ReadYaml(text, path, message, lines);
}

}  // namespace grantkeep
