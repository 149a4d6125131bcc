// SPDX-License-Identifier: Apache-2.0
#include "rpc/listen_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>

#include "base/reason.h"
#include "base/status_macros.h"

namespace grantkeep::rpc {
namespace {

// sockaddr_un.sun_path with its terminating zero.
constexpr size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;

absl::StatusOr<ListenAddress> ParseUnix(std::string_view path, std::string_view field) {
  if (path.starts_with("//")) path.remove_prefix(2);
  if (path.empty()) return FieldError(field, "a path must follow \"unix:\"");
  if (path.size() > kMaxPath) {
    return FieldError(field, fmt::format("the path of a unix socket must have at most {} bytes, has {}",
                                         kMaxPath, path.size()));
  }
  if (path.find('\0') != std::string_view::npos)
    return FieldError(field, "the path must not contain a zero byte");
  ListenAddress address;
  address.transport = Transport::kUnixSocket;
  address.path = std::string(path);
  return address;
}

std::optional<int> ParsePort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

bool IsLoopback(const std::string& host) {
  if (host == "[::1]") return true;
  in_addr v4{};
  return inet_pton(AF_INET, host.c_str(), &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

// Whether a process accepts connections on the socket; errno tells otherwise why not.
bool Answers(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const int result = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int error = errno;
  close(fd);
  errno = error;
  // EAGAIN: somebody listens, with a full backlog.
  return result == 0 || error == EAGAIN;
}

}  // namespace

std::string ListenAddress::ToString() const {
  return transport == Transport::kUnixSocket ? "unix:" + path : fmt::format("{}:{}", host, port);
}

absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text, std::string_view field) {
  if (text.starts_with("unix:")) return ParseUnix(text.substr(5), field);
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return FieldError(field, fmt::format("must be unix:PATH or 127.0.0.1:PORT, is \"{}\"", text));
  }
  std::string host(text.substr(0, colon));
  const std::optional<int> port = ParsePort(text.substr(colon + 1));
  if (!port.has_value()) return FieldError(field, fmt::format("the port in \"{}\" must be 0 to 65535", text));
  if (host == "localhost") {
    return FieldError(field, fmt::format("a name may stand for more than one address: write 127.0.0.1:{0} or "
                                         "[::1]:{0} instead of localhost, here and at the client",
                                         *port));
  }
  if (!IsLoopback(host)) {
    return FieldError(field,
                      fmt::format("\"{}\" is refused: callers cannot be authenticated over the network "
                                  "yet, so only unix:PATH and loopback addresses (127.0.0.1:PORT, "
                                  "[::1]:PORT) are accepted",
                                  text));
  }
  ListenAddress address;
  address.transport = Transport::kLoopback;
  address.host = std::move(host);
  address.port = *port;
  return address;
}

absl::Status CheckPortIsFree(const ListenAddress& address, std::string_view field) {
  if (address.transport != Transport::kLoopback || address.port == 0) return absl::OkStatus();
  sockaddr_in6 v6{};
  sockaddr_in v4{};
  const bool is_v6 = address.host == "[::1]";
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = in6addr_loopback;
  v6.sin6_port = htons(static_cast<uint16_t>(address.port));
  v4.sin_family = AF_INET;
  inet_pton(AF_INET, address.host.c_str(), &v4.sin_addr);
  v4.sin_port = v6.sin6_port;
  const int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // As gRPC does: connections of a process that has ended do not count.
  const int on = 1;
  const bool is_free = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
                       (is_v6 ? bind(fd, reinterpret_cast<const sockaddr*>(&v6), sizeof(v6))
                              : bind(fd, reinterpret_cast<const sockaddr*>(&v4), sizeof(v4))) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  if (is_free) return absl::OkStatus();
  return FieldError(
      field,
      fmt::format("cannot listen on {}: {}{}", address.ToString(), std::strerror(error),
                  error == EADDRINUSE ? "; stop the process that has it, or choose another port" : ""));
}

absl::Status CheckSocketFolder(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash == 0 ? 1 : slash);
  // With the dot a file is "not a directory", whatever its mode.
  if (access((folder + "/.").c_str(), W_OK | X_OK) == 0) return absl::OkStatus();
  return FieldError("server.listen",
                    fmt::format("the folder {} of the socket: {}", folder, std::strerror(errno)));
}

absl::Status ClearStaleSocket(const std::string& path) {
  RETURN_IF_ERROR(CheckSocketFolder(path));
  struct stat info{};
  if (lstat(path.c_str(), &info) != 0) return absl::OkStatus();
  if (!S_ISSOCK(info.st_mode)) {
    return FieldError("server.listen", fmt::format("{} exists and is not a socket", path));
  }
  if (Answers(path)) {
    return FieldError(
        "server.listen",
        fmt::format("another process is listening on {}; stop it, or choose another path", path));
  }
  if (errno != ECONNREFUSED) {
    return FieldError("server.listen", fmt::format("the socket {}: {}", path, std::strerror(errno)));
  }
  if (unlink(path.c_str()) != 0) {
    return FieldError("server.listen",
                      fmt::format("removing the stale socket {}: {}", path, std::strerror(errno)));
  }
  return absl::OkStatus();
}

}  // namespace grantkeep::rpc
