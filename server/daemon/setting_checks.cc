// SPDX-License-Identifier: Apache-2.0
#include "daemon/setting_checks.h"

#include <fmt/format.h>

namespace grantkeep {

void TakeDuration(bool present, const google::protobuf::Duration& value, std::string_view field, Duration low,
                  Duration high, Duration& out, Problems& problems) {
  if (!present) return;
  const Duration given =
      std::chrono::seconds(value.seconds()) + std::chrono::microseconds(value.nanos() / 1000);
  if (given < low || given > high) {
    const auto in_seconds = [](Duration duration) { return static_cast<double>(duration.count()) / 1e6; };
    problems.push_back(fmt::format("{}: must be from {}s to {}s, is {}s", field, in_seconds(low),
                                   in_seconds(high), in_seconds(given)));
    return;
  }
  out = given;
}

void RefuseTilde(std::string_view field, std::string_view path, Problems& problems) {
  if (path == "~" || path.starts_with("~/"))
    problems.push_back(fmt::format("{}: ~ is not expanded here: write the whole path", field));
}

}  // namespace grantkeep
