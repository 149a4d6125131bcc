// SPDX-License-Identifier: Apache-2.0
#include "client/cli/console.h"

#include <fmt/format.h>
#include <termios.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <iterator>

namespace grantkeep::cli {
namespace {

// The kernel's limit for a line that is typed or pasted (N_TTY in canonical mode).
constexpr size_t kMaxTyped = 4095;

absl::Status Errno(std::string_view what) {
  return absl::UnknownError(fmt::format("{}: {}", what, std::strerror(errno)));
}

absl::Status WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Errno("writing the output");
    text.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// Reads once; 0 at the end of the input.
absl::StatusOr<size_t> ReadSome(int fd, char* buffer, size_t size) {
  for (;;) {
    const ssize_t got = read(fd, buffer, size);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno != EINTR) return Errno("reading the input");
  }
}

// What a signal handler needs to put the terminal back. One prompt at a time.
int silent_fd = -1;
termios state_before;

extern "C" void RestoreAndDie(int signal_number) {
  tcsetattr(silent_fd, TCSANOW, &state_before);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

// Turns the terminal's echo off while it lives. A signal that ends the process turns it on again
// first, whichever thread takes it; stopping (Ctrl-Z) is off, because the echo would be back with
// the prompt still open.
class SilentTerminal {
 public:
  explicit SilentTerminal(int fd) {
    if (tcgetattr(fd, &state_before) != 0) return;
    silent_fd = fd;
    for (size_t i = 0; i < std::size(kSignals); ++i) {
      struct sigaction action{};
      action.sa_handler = kSignals[i] == SIGTSTP ? SIG_IGN : RestoreAndDie;
      sigaction(kSignals[i], nullptr, &before_[i]);
      if (before_[i].sa_handler != SIG_IGN) sigaction(kSignals[i], &action, nullptr);
    }
    termios silent = state_before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    silent.c_lflag |= ECHONL;
    usable_ = tcsetattr(fd, TCSAFLUSH, &silent) == 0;
  }
  ~SilentTerminal() {
    if (silent_fd < 0) return;
    tcsetattr(silent_fd, TCSANOW, &state_before);
    for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &before_[i], nullptr);
    silent_fd = -1;
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;

  bool usable() const { return usable_; }

 private:
  static constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
  bool usable_ = false;
  struct sigaction before_[std::size(kSignals)] = {};
};

}  // namespace

absl::Status Console::Out(std::string_view text) const { return WriteAll(out, text); }

void Console::Err(std::string_view text) const { WriteAll(err, text).IgnoreError(); }

absl::StatusOr<std::string> Console::ReadAll(size_t limit) const {
  // Reserved whole, so that growing leaves no copies behind; one more byte shows "too long".
  std::string all(limit + 1, '\0');
  size_t size = 0;
  while (size < all.size()) {
    const absl::StatusOr<size_t> got = ReadSome(in, all.data() + size, all.size() - size);
    if (!got.ok()) return got.status();
    if (*got == 0) break;
    size += *got;
  }
  if (size > limit) {
    Wipe(all);
    return absl::InvalidArgumentError(fmt::format("the input is longer than {} bytes", limit));
  }
  all.resize(size);
  return all;
}

absl::StatusOr<std::string> Console::Prompt(std::string_view question) const {
  std::string line(kMaxTyped + 1, '\0');
  const SilentTerminal terminal(in);
  if (!terminal.usable()) return Errno("turning off the terminal's echo");
  // Asked when nothing can be echoed any more.
  Err(question);
  const absl::StatusOr<size_t> got = ReadSome(in, line.data(), line.size());
  if (!got.ok()) return got.status();
  if (*got == 0) return absl::CancelledError("nothing was entered");
  line.resize(*got);
  if (line.back() == '\n') {
    line.pop_back();
  } else if (line.size() >= kMaxTyped) {
    Wipe(line);
    return absl::InvalidArgumentError("the line is too long for a terminal; use a file: ... < FILE");
  }
  return line;
}

bool Console::Confirm(std::string_view question) const {
  Err(fmt::format("{} [yes/no] ", question));
  std::string line(kMaxTyped + 1, '\0');
  const absl::StatusOr<size_t> got = ReadSome(in, line.data(), line.size());
  return got.ok() && std::string_view(line).substr(0, *got) == "yes\n";
}

void Wipe(std::string& value) {
  explicit_bzero(value.data(), value.size());
  value.clear();
}

}  // namespace grantkeep::cli
