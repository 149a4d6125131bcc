// SPDX-License-Identifier: Apache-2.0
#include "tests/support/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace grantkeep::testing {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// Closed at the end of the scope.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

absl::Status SystemError(std::string_view what) {
  return absl::UnavailableError(fmt::format("{}: {}", what, std::strerror(errno)));
}

std::vector<std::string> Environment(const ChildProcess::Options& options) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::string name(text.substr(0, text.find('=')));
    const bool left_out = std::ranges::find(options.without, name) != options.without.end();
    if (!left_out && !options.environment.contains(name)) environment.emplace_back(text);
  }
  for (const auto& [name, value] : options.environment)
    environment.push_back(fmt::format("{}={}", name, value));
  return environment;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Milliseconds until `end`, for poll.
int Remaining(SteadyTime end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
  return static_cast<int>(std::max<int64_t>(left.count(), 0));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(const Options& options) {
  std::vector<std::string> command = options.command;
  std::vector<std::string> environment = Environment(options);
  const std::vector<char*> argv = Pointers(command);
  const std::vector<char*> envp = Pointers(environment);
  // Our own standard error is passed on, not opened by name: it may be a socket.
  const Descriptor output(
      options.output.empty() ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
                             : open(options.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (output.get() < 0) return SystemError(options.output.string());
  const Descriptor input(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const auto stream = [&](int number, int otherwise) {
    return options.streams[number] >= 0 ? options.streams[number] : otherwise;
  };
  const int in = stream(0, input.get());
  const int out = stream(1, output.get());
  const int err = stream(2, output.get());
  const pid_t parent = getpid();

  const pid_t pid = fork();
  if (pid < 0) return SystemError("fork");
  if (pid == 0) {  // Only system calls from here: other threads may have held locks.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    // The test's own sockets: a server that the test stops must not live on in here.
    close_range(3, ~0U, 0);
    execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  const int pid_fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  return std::unique_ptr<ChildProcess>(new ChildProcess(pid, pid_fd));
}

ChildProcess::~ChildProcess() {
  if (!status_.has_value()) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(pid_fd_);
}

absl::Status ChildProcess::WaitForFile(const std::filesystem::path& file, std::chrono::seconds limit) {
  const SteadyTime end = std::chrono::steady_clock::now() + limit;
  const Descriptor watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  inotify_add_watch(watch.get(), file.parent_path().c_str(), IN_CLOSE_WRITE | IN_MOVED_TO);
  // A file that is still empty is one that is being written.
  while (ReadFile(file).empty()) {
    std::array<pollfd, 2> events = {{{watch.get(), POLLIN, 0}, {pid_fd_, POLLIN, 0}}};
    if (poll(events.data(), events.size(), Remaining(end)) <= 0) {
      return absl::DeadlineExceededError(fmt::format("{} has not appeared", file.string()));
    }
    if (events[1].revents != 0) {
      return absl::UnavailableError(fmt::format("the program ended before {} appeared", file.string()));
    }
    std::array<char, 4096> ignored;
    while (read(watch.get(), ignored.data(), ignored.size()) > 0) {
    }
  }
  return absl::OkStatus();
}

void ChildProcess::Signal(int signal) {
  if (!status_.has_value()) kill(pid_, signal);
}

std::optional<int> ChildProcess::Wait(std::chrono::seconds limit) {
  if (status_.has_value()) return status_;
  pollfd ended = {pid_fd_, POLLIN, 0};
  if (poll(&ended, 1, Remaining(std::chrono::steady_clock::now() + limit)) <= 0) return std::nullopt;
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) return std::nullopt;
  status_ = status;
  return status_;
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

}  // namespace grantkeep::testing
