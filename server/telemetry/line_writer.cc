// SPDX-License-Identifier: Apache-2.0
#include "telemetry/line_writer.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace grantkeep {

LineWriter::LineWriter(int fd, size_t max_queued_bytes) : fd_(fd), max_queued_bytes_(max_queued_bytes) {
  // The thread inherits this mask: signals are for main, and a reader that has gone is an error
  // of write(), not a SIGPIPE.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { Run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LineWriter::~LineWriter() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void LineWriter::Write(std::string line) {
  {
    std::lock_guard lock(mutex_);
    queued_bytes_ += line.size();
    lines_.push_back(std::move(line));
    while (queued_bytes_ > max_queued_bytes_ && lines_.size() > 1) {
      queued_bytes_ -= lines_.front().size();
      lines_.pop_front();
      ++dropped_;
    }
  }
  wake_.notify_one();
}

void LineWriter::Run() {
  pthread_setname_np(pthread_self(), "log");
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !lines_.empty(); });
    if (lines_.empty()) return;
    const std::string text = TakeQueued();
    lock.unlock();
    WriteFully(fd_, text);
    lock.lock();
  }
}

std::string LineWriter::TakeQueued() {
  std::string text;
  text.reserve(queued_bytes_ + 64);
  if (dropped_ > 0) text = fmt::format("{} log lines dropped here: the reader is too slow\n", dropped_);
  for (const std::string& line : lines_) text += line;
  lines_.clear();
  queued_bytes_ = 0;
  dropped_ = 0;
  return text;
}

void WriteFully(int fd, const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t written = ::write(fd, text.data() + done, text.size() - done);
    if (written >= 0) {
      done += static_cast<size_t>(written);
    } else if (errno == EAGAIN) {
      pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return;
    }
  }
}

}  // namespace grantkeep
