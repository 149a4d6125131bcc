// SPDX-License-Identifier: Apache-2.0
#include "client/cli/callback_listener.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace grantkeep::cli {
namespace {

constexpr std::chrono::milliseconds kTick{100};

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

absl::Status Errno(std::string_view what) {
  return absl::UnknownError(fmt::format("{}: {}", what, std::strerror(errno)));
}

sockaddr* AsSockaddr(sockaddr_in* address) { return reinterpret_cast<sockaddr*>(address); }

}  // namespace

struct CallbackListener::Connection {
  Connection(int socket, Deadline until) : fd(socket), deadline(until) {}
  FileDescriptor fd;
  Deadline deadline;
  std::string head;
  // Answered: what still comes is read and dropped, because closing a socket with unread bytes
  // would take the answer back.
  bool answered = false;
  bool closed = false;
};

CallbackListener::CallbackListener(int fd, uint16_t port, Limits limits)
    : fd_(fd), port_(port), limits_(limits) {
  expected_.host = fmt::format("127.0.0.1:{}", port);
}

CallbackListener::~CallbackListener() { close(fd_); }

absl::StatusOr<std::unique_ptr<CallbackListener>> CallbackListener::Open(uint16_t port, Limits limits) {
  FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) return Errno("opening a socket for the redirect");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t size = sizeof address;
  if (bind(fd.get(), AsSockaddr(&address), size) != 0) {
    if (errno == EADDRINUSE) {
      return absl::UnknownError(fmt::format(
          "port {} of 127.0.0.1 is taken: give another with --port, or leave it out for any free one", port));
    }
    return Errno(fmt::format("listening on 127.0.0.1:{} for the redirect", port));
  }
  if (listen(fd.get(), 64) != 0 || getsockname(fd.get(), AsSockaddr(&address), &size) != 0) {
    return Errno("listening for the redirect");
  }
  return std::unique_ptr<CallbackListener>(
      new CallbackListener(fd.Release(), ntohs(address.sin_port), limits));
}

std::string CallbackListener::redirect_uri() const {
  return fmt::format("http://{}{}", expected_.host, kCallbackPath);
}

absl::StatusOr<std::string> CallbackListener::Wait(std::string_view state, Deadline deadline,
                                                   const std::function<bool()>& tick) {
  expected_.state = state;
  if (!Serve(deadline, [this] { return expected_.arrived; }, tick)) {
    if (std::chrono::steady_clock::now() < deadline) return absl::CancelledError("no longer waited for");
    return absl::DeadlineExceededError(kNobodyCame);
  }
  return fmt::format("http://{}{}", expected_.host, callback_target_);
}

void CallbackListener::ServeDonePage(Deadline deadline) {
  Serve(deadline, [this] { return done_page_served_; }, [] { return false; });
}

bool CallbackListener::Serve(Deadline deadline, const std::function<bool()>& finished,
                             const std::function<bool()>& tick) {
  while (!finished()) {
    const Deadline now = std::chrono::steady_clock::now();
    if (now >= deadline) return false;
    if (tick()) return false;
    CloseExpired(now);
    std::vector<pollfd> fds = {{fd_, POLLIN, 0}};
    for (const Connection& connection : connections_) fds.push_back({connection.fd.get(), POLLIN, 0});
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now);
    if (poll(fds.data(), fds.size(), static_cast<int>(std::min(left, kTick).count())) > 0) HandleReady(fds);
  }
  return true;
}

void CallbackListener::HandleReady(const std::vector<pollfd>& ready) {
  // Same order as in Serve; connections are accepted last, so that the order still holds.
  size_t i = 1;
  for (Connection& connection : connections_) {
    if (ready[i++].revents != 0) Read(connection);
  }
  std::erase_if(connections_, [](const Connection& connection) { return connection.closed; });
  if (ready[0].revents != 0) Accept();
}

void CallbackListener::Accept() {
  const int socket = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (socket < 0) {
    // Out of descriptors: an old connection makes room. Other errors are the peer's.
    if ((errno == EMFILE || errno == ENFILE) && !connections_.empty()) connections_.pop_front();
    return;
  }
  if (connections_.size() >= limits_.max_connections) connections_.pop_front();
  connections_.emplace_back(socket, std::chrono::steady_clock::now() + limits_.connection_time);
}

void CallbackListener::Read(Connection& connection) {
  char buffer[8192];
  const ssize_t got = recv(connection.fd.get(), buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    connection.closed = true;
    return;
  }
  if (connection.answered) return;
  connection.head.append(buffer, static_cast<size_t>(got));
  if (connection.head.find("\r\n\r\n") != std::string::npos || connection.head.size() > limits_.max_head) {
    Answer(connection);
  }
}

void CallbackListener::Answer(Connection& connection) {
  const size_t end = connection.head.find("\r\n\r\n");
  std::string response;
  if (end == std::string::npos || end + 4 > limits_.max_head) {
    response = TooLargeAnswer();
  } else {
    const auto request = ParseRequestHead(std::string_view(connection.head).substr(0, end + 4));
    CallbackAnswer answer = AnswerTo(request, expected_);
    response = std::move(answer.response);
    if (answer.callback_target.has_value()) {
      callback_target_ = std::move(*answer.callback_target);
      expected_.arrived = true;
    }
    done_page_served_ = done_page_served_ || answer.done_page;
  }
  connection.head.clear();
  connection.answered = true;
  // Two kilobytes into an empty send buffer: all of it or a dead connection.
  if (send(connection.fd.get(), response.data(), response.size(), MSG_NOSIGNAL) < 0) connection.closed = true;
  shutdown(connection.fd.get(), SHUT_WR);
}

void CallbackListener::CloseExpired(Deadline now) {
  std::erase_if(connections_, [now](const Connection& connection) { return connection.deadline <= now; });
}

}  // namespace grantkeep::cli
