// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_UNIT_CLIENT_COMMAND_RUN_H_
#define GRANTKEEP_TESTS_UNIT_CLIENT_COMMAND_RUN_H_

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "client/cli/run.h"

namespace grantkeep::testing {

// A file in memory, in place of a stream that is redirected.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& content = "") : fd_(memfd_create("stream", MFD_CLOEXEC)) {
    if (write(fd_, content.data(), content.size()) == static_cast<ssize_t>(content.size())) {
      lseek(fd_, 0, SEEK_SET);
    }
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  int fd() const { return fd_; }
  std::string Content() const {
    std::string content(static_cast<size_t>(lseek(fd_, 0, SEEK_END)), '\0');
    const ssize_t got = pread(fd_, content.data(), content.size(), 0);
    content.resize(got < 0 ? 0 : static_cast<size_t>(got));
    return content;
  }

 private:
  int fd_;
};

struct CommandResult {
  int code = -1;
  std::string out;
  std::string err;
};

// Runs the command in this process with redirected streams.
inline CommandResult RunCommand(const std::vector<std::string>& arguments, const std::string& in = "") {
  const MemoryFile input(in);
  const MemoryFile out;
  const MemoryFile err;
  CommandResult result;
  result.code = cli::RunCommandLine(arguments, {.in = input.fd(), .out = out.fd(), .err = err.fd()});
  result.out = out.Content();
  result.err = err.Content();
  return result;
}

// The two ends of a terminal: what a person sees and types, and what the command has.
class Terminal {
 public:
  Terminal() : person_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    if (grantpt(person_) == 0 && unlockpt(person_) == 0) {
      command_ = open(ptsname(person_), O_RDWR | O_NOCTTY | O_CLOEXEC);
    }
  }
  ~Terminal() {
    HangUp();
    close(person_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  int fd() const { return command_; }
  void Type(const std::string& keys) const {
    if (write(person_, keys.data(), keys.size()) < 0) std::abort();
  }
  // What is on the screen when it ends in `end`; reads until then.
  std::string ScreenUntil(const std::string& end) const {
    std::string screen;
    char c = 0;
    while (!screen.ends_with(end) && read(person_, &c, 1) == 1) screen += c;
    return screen;
  }
  // Closes the command's end and gives the rest of the screen.
  std::string Rest() {
    HangUp();
    return ScreenUntil("\xff");
  }

 private:
  void HangUp() {
    if (command_ >= 0) close(std::exchange(command_, -1));
  }
  int person_;
  int command_ = -1;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_UNIT_CLIENT_COMMAND_RUN_H_
