// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TELEMETRY_LINE_WRITER_H_
#define GRANTKEEP_TELEMETRY_LINE_WRITER_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace grantkeep {

// Writes lines to a file descriptor from a thread of its own. The queue is bounded in bytes: when
// the reader of the descriptor is slow, the oldest lines are dropped and counted in a line of
// their own, and nobody waits.
class LineWriter {
 public:
  LineWriter(int fd, size_t max_queued_bytes);
  // Writes what is queued and joins the thread.
  ~LineWriter();

  // `line` ends in a newline. Any thread; never blocks on the descriptor.
  void Write(std::string line);

 private:
  void Run();
  // Moves the queue into one buffer, the note about dropped lines first.
  std::string TakeQueued();

  const int fd_;
  const size_t max_queued_bytes_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::string> lines_;
  size_t queued_bytes_ = 0;
  uint64_t dropped_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

// Writes all of `text`, waiting as long as it takes; gives up when the descriptor fails.
void WriteFully(int fd, const std::string& text);

}  // namespace grantkeep

#endif  // GRANTKEEP_TELEMETRY_LINE_WRITER_H_
