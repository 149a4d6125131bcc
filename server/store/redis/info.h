// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_REDIS_INFO_H_
#define GRANTKEEP_STORE_REDIS_INFO_H_

#include <algorithm>
#include <string>
#include <string_view>

namespace grantkeep {

// The value of "name:value" in what INFO answers; empty when it is not there.
inline std::string InfoField(std::string_view info, std::string_view name) {
  while (!info.empty()) {
    const std::string_view line = info.substr(0, info.find_first_of("\r\n"));
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':')) {
      return std::string(line.substr(name.size() + 1));
    }
    info.remove_prefix(std::min(line.size() + 1, info.size()));
  }
  return {};
}

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_REDIS_INFO_H_
