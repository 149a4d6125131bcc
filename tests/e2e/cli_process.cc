// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/cli_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <utility>

#include "tests/support/child_process.h"

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

// The test's own environment without what would lead the command elsewhere.
std::vector<std::string> Merged(const CliProcess::Environment& extra) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::string name(text.substr(0, text.find('=')));
    const bool leads_elsewhere =
        name.starts_with("GRANTKEEP_") || name == "BROWSER" || name == "DISPLAY" || name == "WAYLAND_DISPLAY";
    if (!leads_elsewhere && !extra.contains(name)) merged.emplace_back(text);
  }
  for (const auto& [name, value] : extra) merged.push_back(fmt::format("{}={}", name, value));
  return merged;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
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
  std::vector<std::string> variables = Merged(environment);
  const std::vector<char*> argv = Pointers(words);
  const std::vector<char*> envp = Pointers(variables);
  const Pipe in;
  const Pipe out;
  const Pipe err;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, terminal >= 0 ? terminal : in.read_end, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, out.write_end, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, terminal >= 0 ? terminal : err.write_end, STDERR_FILENO);
  if (posix_spawn(&pid_, argv[0], &files, nullptr, argv.data(), envp.data()) != 0) std::abort();
  posix_spawn_file_actions_destroy(&files);
  close(in.read_end);
  close(out.write_end);
  close(err.write_end);
  in_ = in.write_end;
  out_ = out.read_end;
  err_ = err.read_end;
}

CliProcess::~CliProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    Finish();
  }
  for (int* fd : {&in_, &out_, &err_}) CloseOnce(*fd);
}

void CliProcess::Input(const std::string& bytes) {
  // Less than a pipe holds, so that nobody waits; nobody may be reading any more.
  signal(SIGPIPE, SIG_IGN);
  [[maybe_unused]] const ssize_t written = write(in_, bytes.data(), bytes.size());
  CloseOnce(in_);
}

const std::string& CliProcess::ErrUntil(const std::string& end) {
  char c = 0;
  while (!result_.err.ends_with(end) && read(err_, &c, 1) == 1) result_.err += c;
  return result_.err;
}

std::string CliProcess::CommandLine() const { return ReadFile("/proc/" + std::to_string(pid_) + "/cmdline"); }

CliResult CliProcess::Finish() {
  CloseOnce(in_);
  ReadToEnd(out_, result_.out);
  ReadToEnd(err_, result_.err);
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  result_.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return result_;
}

}  // namespace grantkeep::testing
