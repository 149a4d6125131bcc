// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TELEMETRY_LOG_SINK_H_
#define GRANTKEEP_TELEMETRY_LOG_SINK_H_

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/sink.h>

#include <memory>
#include <mutex>
#include <string>

#include "telemetry/line_writer.h"

namespace grantkeep {

// Makes one line of each message ("2026-11-23T01:59:41.123Z warning store: ...", UTC) and gives it
// to a LineWriter, or writes it itself while there is none. Control characters of a message are
// escaped, so that hostile text can neither forge a line nor drive a terminal; long messages are
// cut.
class LogSink final : public spdlog::sinks::sink {
 public:
  static constexpr size_t kMaxMessage = 4096;
  static constexpr size_t kMaxQueuedBytes = 1 << 20;

  explicit LogSink(int fd);

  void StartWriter();
  // Writes what is queued; later lines are written by whoever logs them.
  void StopWriter();

  void log(const spdlog::details::log_msg& message) override;
  void flush() override {}
  void set_pattern(const std::string& pattern) override;
  void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override;

 private:
  const int fd_;
  std::mutex mutex_;
  std::unique_ptr<spdlog::formatter> formatter_;
  std::unique_ptr<LineWriter> writer_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_TELEMETRY_LOG_SINK_H_
