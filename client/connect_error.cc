// SPDX-License-Identifier: Apache-2.0
#include "client/connect_error.h"

#include <fmt/format.h>

#include <string>

namespace grantkeep::client {
namespace {

// As gRPC begins when no connection came about.
constexpr std::string_view kNoConnection[] = {"failed to connect to all addresses",
                                              "connections to all backends failing"};
// How far its text has to be read to get to the system's reason.
constexpr std::string_view kLayers[] = {"last error: ", "UNKNOWN: "};
constexpr std::string_view kNoise[] = {"ipv4:", "ipv6:", "Failed to connect to remote host: "};

std::string WithoutNoise(std::string_view text) {
  std::string clean(text);
  for (const std::string_view noise : kNoise) {
    if (const size_t at = clean.find(noise); at != std::string::npos) clean.erase(at, noise.size());
  }
  return clean;
}

}  // namespace

absl::Status ConnectError(std::string_view message) {
  bool connected = true;
  for (const std::string_view begin : kNoConnection) connected = connected && !message.starts_with(begin);
  for (const std::string_view layer : kLayers) {
    if (const size_t at = message.find(layer); at != std::string_view::npos) {
      message.remove_prefix(at + layer.size());
    }
  }
  if (connected) return absl::UnavailableError(std::string(message));
  const std::string text = fmt::format("cannot connect to {}", WithoutNoise(message));
  return text.ends_with("Permission denied") ? absl::PermissionDeniedError(text)
                                             : absl::UnavailableError(text);
}

}  // namespace grantkeep::client
