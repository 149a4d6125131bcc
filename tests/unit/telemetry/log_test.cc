// SPDX-License-Identifier: Apache-2.0
#include "telemetry/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "base/reason.h"
#include "telemetry/line_writer.h"
#include "telemetry/log_sink.h"

namespace grantkeep {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class Pipe {
 public:
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    read_ = ends[0];
    write_ = ends[1];
  }
  ~Pipe() {
    CloseWriteEnd();
    ::close(read_);
  }
  int write_end() const { return write_; }
  void CloseWriteEnd() {
    if (write_ >= 0) ::close(write_);
    write_ = -1;
  }
  std::string ReadToEnd() {
    std::string text;
    char buffer[4096];
    for (ssize_t got; (got = ::read(read_, buffer, sizeof(buffer))) > 0;)
      text.append(buffer, static_cast<size_t>(got));
    return text;
  }

 private:
  int read_;
  int write_;
};

// What `log` writes through a sink, with a writer thread or without.
template <typename F>
std::string Logged(bool writer, F log) {
  Pipe pipe;
  {
    auto sink = std::make_shared<LogSink>(pipe.write_end());
    if (writer) sink->StartWriter();
    spdlog::logger logger("store", sink);
    log(logger);
    sink->StopWriter();
  }
  pipe.CloseWriteEnd();
  return pipe.ReadToEnd();
}

TEST(LogSink, WritesTimeLevelRoomAndMessage) {
  for (const bool writer : {false, true}) {
    EXPECT_THAT(
        Logged(writer, [](spdlog::logger& logger) { logger.warn("opened {} in {} ms", "a.db", 3); }),
        MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z warning store: "
                     "opened a.db in 3 ms\n"));
  }
}

TEST(LogSink, EscapesWhatCouldForgeALineOrDriveATerminal) {
  const std::string text = Logged(
      false, [](spdlog::logger& logger) { logger.info("{}", std::string_view("a\nb\x1b[2J\x7f\0z", 10)); });
  EXPECT_THAT(text, EndsWith("store: a\\x0ab\\x1b[2J\\x7f\\x00z\n"));
}

TEST(LogSink, CutsLongMessages) {
  const std::string text =
      Logged(false, [](spdlog::logger& logger) { logger.info("{}", std::string(100'000, 'x')); });
  EXPECT_LT(text.size(), LogSink::kMaxMessage + 100);
  EXPECT_THAT(text, EndsWith("x [cut]\n"));
}

TEST(LogSink, KeepsTheOrderOfAThreadsLines) {
  const std::string text = Logged(true, [](spdlog::logger& logger) {
    for (int i = 0; i < 1000; ++i) logger.info("line {}.", i);
  });
  size_t at = 0;
  for (int i = 0; i < 1000; ++i) {
    at = text.find(fmt::format("line {}.", i), at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST(LineWriter, DropsTheOldestAndSaysSoWithoutBlockingTheCaller) {
  Pipe pipe;
  constexpr size_t kBound = 4096;
  const std::string line = std::string(99, 'x') + "\n";
  auto writer = std::make_unique<LineWriter>(pipe.write_end(), kBound);
  // Far more than the pipe and the queue hold, and nobody reads: it must come back all the same.
  for (int i = 0; i < 20'000; ++i) writer->Write(line);
  writer->Write("the newest line\n");
  std::thread ending([&] {
    writer.reset();
    pipe.CloseWriteEnd();
  });
  const std::string text = pipe.ReadToEnd();
  ending.join();
  EXPECT_LT(text.size(), 20'000 * line.size() / 2);
  EXPECT_THAT(text, HasSubstr(" log lines dropped here: the reader is too slow\n"));
  EXPECT_THAT(text, EndsWith("the newest line\n"));
}

TEST(LineWriter, SurvivesAReaderThatHasGone) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ::close(ends[0]);
  {
    LineWriter writer(ends[1], 4096);
    for (int i = 0; i < 10; ++i) writer.Write("nobody reads this\n");
  }
  ::close(ends[1]);
}

TEST(Logging, RefusesAnUnknownLevelAndNamesTheKnownOnes) {
  const absl::Status refused = InitLogging("verbose");
  EXPECT_TRUE(HasReason(refused, Reason::kInvalidField));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("trace, debug, info, warn, error"));
}

TEST(Logging, GivesEachRoomOneLogger) {
  EXPECT_EQ(&Log("refresh"), &Log("refresh"));
  EXPECT_NE(&Log("refresh"), &Log("store"));
  EXPECT_EQ(Log("refresh").name(), "refresh");
}

// One test, because logging is set up once in a process: before, during and after.
TEST(Logging, IsQuietUntilInitializedAndWorksAfterShutdown) {
  ::testing::internal::CaptureStderr();
  spdlog::logger& log = Log("before");
  log.warn("nobody asked");
  log.error("an error");
  std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, Not(HasSubstr("nobody asked")));
  EXPECT_THAT(text, HasSubstr("error before: an error"));

  ::testing::internal::CaptureStderr();
  ASSERT_TRUE(InitLogging("info").ok());
  log.info("an old logger has the new level");
  Log("during").info("a new one too");
  Log("during").debug("too detailed");
  ShutdownLogging();
  log.info("after the end");
  text = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, HasSubstr("info before: an old logger has the new level\n"));
  EXPECT_THAT(text, HasSubstr("info during: a new one too\n"));
  EXPECT_THAT(text, Not(HasSubstr("too detailed")));
  EXPECT_THAT(text, HasSubstr("info before: after the end\n"));
}

}  // namespace
}  // namespace grantkeep
