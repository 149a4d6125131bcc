// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_lines.h"

#include <fmt/format.h>

namespace grantkeep {

int YamlLines::LineOf(std::string_view path) const {
  while (!path.empty()) {
    if (const auto found = lines_.find(path); found != lines_.end()) return found->second;
    const size_t end = path.find_last_of(".[");
    path = path.substr(0, end == std::string_view::npos ? 0 : end);
  }
  return 0;
}

std::string YamlLines::PlaceOf(std::string_view path) const {
  const int line = LineOf(path);
  return line == 0 ? source_ : fmt::format("{}:{}", source_, line);
}

std::string YamlLines::Located(std::string_view problem) const {
  // A flag is not in the file.
  if (source_.empty() || problem.starts_with("--")) return std::string(problem);
  return fmt::format("{}: {}", PlaceOf(problem.substr(0, problem.find(": "))), problem);
}

}  // namespace grantkeep
