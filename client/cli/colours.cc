// SPDX-License-Identifier: Apache-2.0
#include "client/cli/colours.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

namespace grantkeep::cli {
namespace {

std::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Colours::Colours(int fd)
    : on_(isatty(fd) == 1 && Environment("NO_COLOR").empty() && !Environment("TERM").empty() &&
          Environment("TERM") != "dumb") {}

std::string Colours::In(std::string_view code, std::string_view text) const {
  return on_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

}  // namespace grantkeep::cli
