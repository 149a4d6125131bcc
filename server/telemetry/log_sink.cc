// SPDX-License-Identifier: Apache-2.0
#include "telemetry/log_sink.h"

#include <fmt/format.h>
#include <spdlog/details/log_msg.h>

#include <iterator>
#include <string_view>
#include <utility>

namespace grantkeep {
namespace {

constexpr char kPattern[] = "%Y-%m-%dT%H:%M:%S.%eZ %l %n: %v";

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string Printable(std::string_view text) {
  const bool cut = text.size() > LogSink::kMaxMessage;
  std::string out;
  out.reserve(text.size());
  for (const char c : text.substr(0, LogSink::kMaxMessage)) {
    if (IsControl(c)) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out.push_back(c);
    }
  }
  if (cut) out += " [cut]";
  return out;
}

}  // namespace

LogSink::LogSink(int fd) : fd_(fd) { set_pattern(kPattern); }

void LogSink::StartWriter() {
  std::lock_guard lock(mutex_);
  if (writer_ == nullptr) writer_ = std::make_unique<LineWriter>(fd_, kMaxQueuedBytes);
}

void LogSink::StopWriter() {
  std::unique_ptr<LineWriter> ending;  // joins its thread outside the lock
  std::lock_guard lock(mutex_);
  ending.swap(writer_);
}

void LogSink::log(const spdlog::details::log_msg& message) {
  const std::string payload = Printable({message.payload.data(), message.payload.size()});
  spdlog::details::log_msg printable = message;
  printable.payload = payload;
  spdlog::memory_buf_t line;
  std::lock_guard lock(mutex_);
  formatter_->format(printable, line);
  if (writer_ != nullptr) {
    writer_->Write(std::string(line.data(), line.size()));
  } else {
    WriteFully(fd_, std::string(line.data(), line.size()));
  }
}

void LogSink::set_pattern(const std::string& pattern) {
  set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
}

void LogSink::set_formatter(std::unique_ptr<spdlog::formatter> formatter) {
  std::lock_guard lock(mutex_);
  formatter_ = std::move(formatter);
}

}  // namespace grantkeep
