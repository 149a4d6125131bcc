// SPDX-License-Identifier: Apache-2.0
#include "tests/demo/narrator.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace grantkeep::demo {
namespace {

constexpr std::string_view kBold = "1";
constexpr std::string_view kDim = "2";
constexpr std::string_view kRed = "31";
constexpr std::string_view kGreen = "32";
constexpr std::string_view kCyan = "36";

bool WantsColours() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0') && term != nullptr &&
         std::string_view(term) != "dumb";
}

void Print(std::string_view text) {
  fmt::print("{}\n", text);
  std::fflush(stdout);
}

}  // namespace

std::string Readable(std::chrono::nanoseconds duration) {
  const auto nanos = static_cast<double>(duration.count());
  if (nanos < 1e6) return fmt::format("{:.0f} us", nanos / 1e3);
  if (nanos < 1e7) return fmt::format("{:.1f} ms", nanos / 1e6);
  if (nanos < 1e9) return fmt::format("{:.0f} ms", nanos / 1e6);
  return fmt::format("{:.1f} s", nanos / 1e9);
}

Narrator::Narrator() : colours_(WantsColours()) {}

std::string Narrator::Coloured(std::string_view code, std::string_view text) const {
  return colours_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

void Narrator::Title(std::string_view text) const { Print(fmt::format("\n{}\n", Coloured(kBold, text))); }

void Narrator::Step(std::string_view name, std::string_view meaning, std::string_view time) const {
  Print(fmt::format("  {} {} {:<57} {}", Coloured(kGreen, "ok"), Coloured(kBold, fmt::format("{:<18}", name)),
                    meaning, Coloured(kCyan, fmt::format("{:>8}", time))));
}

void Narrator::Detail(std::string_view text) const {
  Print(Coloured(kDim, fmt::format("     {:<18} {}", "", text)));
}

void Narrator::Command(std::string_view command, std::string_view meaning) const {
  Print(fmt::format("  {} {}", Coloured(kBold, fmt::format("{:<52}", command)), Coloured(kDim, meaning)));
}

void Narrator::Line(std::string_view text) const { Print(text); }

void Narrator::Failure(std::string_view text) const {
  fmt::print(stderr, "\n{} {}\n", Coloured(kRed, "FAILED"), text);
}

}  // namespace grantkeep::demo
