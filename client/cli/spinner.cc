// SPDX-License-Identifier: Apache-2.0
#include "client/cli/spinner.h"

#include <fmt/format.h>

#include <cstdlib>
#include <iterator>
#include <string_view>
#include <utility>

namespace grantkeep::cli {
namespace {

constexpr std::string_view kUnicodeFrames[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
constexpr std::string_view kAsciiFrames[] = {"|", "/", "-", "\\"};
constexpr char kClearLine[] = "\r\x1b[K";

std::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// By the rules of setlocale: LC_ALL, then LC_CTYPE, then LANG.
bool LocaleIsUtf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string_view locale = Environment(name);
    if (locale.empty()) continue;
    return locale.find("UTF-8") != std::string_view::npos || locale.find("utf8") != std::string_view::npos;
  }
  return false;
}

}  // namespace

Spinner::Spinner(const Console& console, std::string text)
    : console_(console),
      text_(std::move(text)),
      enabled_(console.ErrIsTerminal() && Environment("TERM") != "dumb"),
      unicode_(LocaleIsUtf8()) {}

Spinner::~Spinner() {
  if (enabled_) console_.Err(kClearLine);
}

void Spinner::Tick(std::chrono::seconds left) {
  if (!enabled_) return;
  const std::string_view frame = unicode_ ? kUnicodeFrames[frame_ % std::size(kUnicodeFrames)]
                                          : kAsciiFrames[frame_ % std::size(kAsciiFrames)];
  ++frame_;
  console_.Err(
      fmt::format("{}{} {} ({}:{:02} left)", kClearLine, frame, text_, left.count() / 60, left.count() % 60));
}

}  // namespace grantkeep::cli
