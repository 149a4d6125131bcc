// SPDX-License-Identifier: Apache-2.0
#include "telemetry/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/reason.h"
#include "telemetry/log_sink.h"

namespace grantkeep {
namespace {

using Level = spdlog::level::level_enum;

std::optional<Level> ParseLevel(std::string_view name) {
  if (name == "trace") return Level::trace;
  if (name == "debug") return Level::debug;
  if (name == "info") return Level::info;
  if (name == "warn") return Level::warn;
  if (name == "error") return Level::err;
  return std::nullopt;
}

// Never destroyed, so that objects which are destroyed late can still log.
struct Logging {
  std::mutex mutex;
  std::shared_ptr<LogSink> sink = std::make_shared<LogSink>(STDERR_FILENO);
  // Without InitLogging (a unit test, a program that uses the client library): errors only.
  Level level = Level::err;
  std::map<std::string, std::unique_ptr<spdlog::logger>, std::less<>> rooms;
};

Logging& TheLogging() {
  static auto& logging = *new Logging;
  return logging;
}

}  // namespace

absl::Status InitLogging(std::string_view level) {
  const auto parsed = ParseLevel(level);
  if (!parsed.has_value()) {
    return FieldError("log_level", fmt::format("\"{}\" is none of trace, debug, info, warn, error", level));
  }
  Logging& logging = TheLogging();
  std::lock_guard lock(logging.mutex);
  logging.level = *parsed;
  for (auto& [name, logger] : logging.rooms) logger->set_level(*parsed);
  logging.sink->StartWriter();
  return absl::OkStatus();
}

void ShutdownLogging() { TheLogging().sink->StopWriter(); }

spdlog::logger& Log(std::string_view room) {
  Logging& logging = TheLogging();
  std::lock_guard lock(logging.mutex);
  auto found = logging.rooms.find(room);
  if (found == logging.rooms.end()) {
    auto logger = std::make_unique<spdlog::logger>(std::string(room), logging.sink);
    logger->set_level(logging.level);
    found = logging.rooms.emplace(std::string(room), std::move(logger)).first;
  }
  return *found->second;
}

}  // namespace grantkeep
