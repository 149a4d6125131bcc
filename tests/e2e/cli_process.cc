// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/cli_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

namespace grantkeep::testing {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
    read_end = ends[0];
    write_end = ends[1];
  }
  int read_end;
  int write_end;
};

// What would lead the command elsewhere.
std::vector<std::string> LeadingElsewhere() {
  std::vector<std::string> names = {"BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (text.starts_with("GRANTKEEP_")) names.emplace_back(text.substr(0, text.find('=')));
  }
  return names;
}

void ReadToEnd(int fd, std::string& all) {
  char buffer[4096];
  for (ssize_t got = 0; fd >= 0 && (got = read(fd, buffer, sizeof buffer)) > 0;) {
    all.append(buffer, static_cast<size_t>(got));
  }
}

void CloseOnce(int& fd) {
  if (fd >= 0) close(std::exchange(fd, -1));
}

}  // namespace

CliProcess::CliProcess(const std::vector<std::string>& arguments, const Environment& environment,
                       int terminal) {
  std::vector<std::string> words = {GRANTKEEP};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const Pipe in;
  const Pipe out;
  const Pipe err;
  auto process = ChildProcess::Start({.command = std::move(words),
                                      .environment = environment,
                                      .without = LeadingElsewhere(),
                                      .streams = {terminal >= 0 ? terminal : in.read_end, out.write_end,
                                                  terminal >= 0 ? terminal : err.write_end}});
  if (!process.ok()) std::abort();
  process_ = *std::move(process);
  close(in.read_end);
  close(out.write_end);
  close(err.write_end);
  in_ = in.write_end;
  out_ = out.read_end;
  err_ = err.read_end;
}

CliProcess::~CliProcess() {
  for (int* fd : {&in_, &out_, &err_}) CloseOnce(*fd);
}

void CliProcess::Type(const std::string& bytes) {
  // Less than a pipe holds, so that nobody waits; nobody may be reading any more.
  signal(SIGPIPE, SIG_IGN);
  [[maybe_unused]] const ssize_t written = write(in_, bytes.data(), bytes.size());
}

void CliProcess::Input(const std::string& bytes) {
  Type(bytes);
  CloseOnce(in_);
}

const std::string& CliProcess::ErrUntil(const std::string& end) {
  char c = 0;
  while (!result_.err.ends_with(end) && read(err_, &c, 1) == 1) result_.err += c;
  return result_.err;
}

std::string CliProcess::CommandLine() const {
  return ReadFile("/proc/" + std::to_string(pid()) + "/cmdline");
}

CliResult CliProcess::Finish() {
  CloseOnce(in_);
  ReadToEnd(out_, result_.out);
  ReadToEnd(err_, result_.err);
  // Without a status it did not end in time.
  if (const std::optional<int> status = process_->Wait(); status.has_value()) {
    result_.code = WIFEXITED(*status) ? WEXITSTATUS(*status) : -WTERMSIG(*status);
  }
  return result_;
}

}  // namespace grantkeep::testing
