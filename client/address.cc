// SPDX-License-Identifier: Apache-2.0
#include "client/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/un.h>

#include <charconv>
#include <cstdint>
#include <cstdlib>

#include "grantkeep/client.h"

namespace grantkeep {
namespace {

std::string EnvironmentOr(const char* name, std::string otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? std::string(value) : std::move(otherwise);
}

}  // namespace

std::string DefaultAddress() {
  std::string address = EnvironmentOr("GRANTKEEP_ADDRESS", "");
  if (!address.empty()) return address;
  return "unix:" + client::DevelopmentFolder() + "/grantkeep.sock";
}

namespace client {

std::string DevelopmentFolder() {
  std::string state = EnvironmentOr("XDG_STATE_HOME", "");
  // The XDG base directory specification wants relative paths ignored.
  if (!state.starts_with('/')) state = EnvironmentOr("HOME", "") + "/.local/state";
  return state + "/grantkeep";
}

namespace {

bool IsPort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

bool IsLoopback(std::string_view host) {
  if (host == "[::1]") return true;
  in_addr v4{};
  return inet_pton(AF_INET, std::string(host).c_str(), &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

// "localhost" may be more than loopback, if somebody says so in /etc/hosts: it is not looked up.
std::string_view NumberOf(std::string_view host) { return host == "localhost" ? "127.0.0.1" : host; }

// What is wrong with an address that is none, and what may have been meant.
absl::Status Refused(std::string_view address) {
  if (address.starts_with('/')) {
    return absl::InvalidArgumentError("address: a socket's path stands behind unix:, as in unix:/path");
  }
  const size_t colon = address.starts_with('[') ? address.find(':', address.find(']')) : address.rfind(':');
  const std::string_view host = address.substr(0, colon);
  if (!IsLoopback(NumberOf(host))) {
    return absl::InvalidArgumentError(
        "address: must be unix:/path/to/socket, 127.0.0.1:PORT or [::1]:PORT; other hosts are refused "
        "because the connection is not encrypted");
  }
  if (colon == std::string_view::npos) {
    return absl::InvalidArgumentError(fmt::format("address: the port is missing, as in {}:7450", host));
  }
  return absl::InvalidArgumentError("address: the port must be a number from 1 to 65535");
}

}  // namespace

absl::StatusOr<std::string> TargetOf(std::string_view address) {
  if (address.starts_with("unix:")) {
    std::string_view path = address.substr(5);
    if (path.starts_with("//")) path.remove_prefix(2);
    constexpr size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;
    if (path.empty()) return absl::InvalidArgumentError("address: the socket's path is missing after unix:");
    if (path.size() > kMaxPath) {
      return absl::InvalidArgumentError(fmt::format(
          "address: the socket's path has {} bytes, the system allows {}", path.size(), kMaxPath));
    }
    return fmt::format("unix:{}", path);
  }
  const size_t colon = address.rfind(':');
  if (colon != std::string_view::npos) {
    const std::string_view host = NumberOf(address.substr(0, colon));
    const std::string_view port = address.substr(colon + 1);
    if (IsLoopback(host) && IsPort(port)) {
      // "ipv4:" and "ipv6:" keep gRPC from resolving anything.
      return fmt::format("{}:{}:{}", host.starts_with('[') ? "ipv6" : "ipv4", host, port);
    }
  }
  return Refused(address);
}

}  // namespace client
}  // namespace grantkeep
