// SPDX-License-Identifier: Apache-2.0
#include "client/cli/text.h"

#include <gtest/gtest.h>

namespace grantkeep::cli {
namespace {

using std::chrono::milliseconds;

TEST(PrintableTest, KeepsOrdinaryText) {
  for (const char* text : {"", "plain", "grüße", "日本語", "🙂", "a\\b"}) {
    EXPECT_EQ(Printable(text), text);
    EXPECT_TRUE(IsPrintable(text));
  }
}

TEST(PrintableTest, EscapesWhatATerminalObeys) {
  EXPECT_EQ(Printable("\x1b[31mred"), "\\x1b[31mred");
  EXPECT_EQ(Printable("a\nb\rc\td\x7f"), "a\\x0ab\\x0dc\\x09d\\x7f");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "31m"),
            "\\u{9b}31m")
      << "C1 CSI";
  EXPECT_EQ(Printable(std::string_view("\0", 1)), "\\x00");
}

TEST(PrintableTest, EscapesWhatDeceivesAReader) {
  EXPECT_EQ(Printable("\u202egnp.exe"), "\\u{202e}gnp.exe");
  EXPECT_EQ(Printable("a\u2066b\u2069"), "a\\u{2066}b\\u{2069}");
  EXPECT_EQ(Printable("a\u200bb"), "a\\u{200b}b");
}

TEST(PrintableTest, EscapesBytesThatAreNotUtf8) {
  EXPECT_EQ(Printable("\xff"), "\\xff");
  EXPECT_EQ(Printable("\xc3"), "\\xc3") << "cut off";
  EXPECT_EQ(Printable("\xc0\x9b"), "\\xc0\\x9b") << "overlong";
  EXPECT_EQ(Printable("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "surrogate";
  EXPECT_EQ(Printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond U+10FFFF";
}

TEST(PrintableTest, NoByteStringComesOutUnprintable) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second)};
      EXPECT_TRUE(IsPrintable(Printable(text))) << first << " " << second;
    }
  }
}

TEST(TerminalSafeJsonTest, EscapesInsideStringsAndKeepsTheLayout) {
  EXPECT_EQ(TerminalSafeJson("{\"a\":\"\u202e\x7f\"}\n"), "{\"a\":\"\\u202e\\u007f\"}\n");
  EXPECT_EQ(TerminalSafeJson("\"\U000e0041\""), "\"\\udb40\\udc41\"") << "a surrogate pair";
  EXPECT_EQ(TerminalSafeJson("\"\xff\""), "\"\\ufffd\"");
}

TEST(DurationTest, ReadsUnits) {
  EXPECT_EQ(ParseDuration("10"), milliseconds(10'000));
  EXPECT_EQ(ParseDuration("10s"), milliseconds(10'000));
  EXPECT_EQ(ParseDuration("500ms"), milliseconds(500));
  EXPECT_EQ(ParseDuration("2m"), milliseconds(120'000));
  EXPECT_EQ(ParseDuration("24h"), milliseconds(86'400'000));
  for (const char* text : {"", "s", "-1s", "1.5s", "10 s", "25h", "1d", "99999999999s", "10sx"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
}

TEST(TimeTest, SaysTheTimeAndHowFarAwayItIs) {
  google::protobuf::Timestamp time;
  time.set_seconds(1'000'000'000);
  const auto now = std::chrono::system_clock::from_time_t(1'000'000'000 - 600);
  EXPECT_EQ(TimeAndDistance(time, now), "2001-09-09T01:46:40Z (in 10 min)");
  EXPECT_EQ(TimeAndDistance(time, now + std::chrono::hours(72)), "2001-09-09T01:46:40Z (2 days ago)");
  time.set_seconds(std::numeric_limits<int64_t>::max());
  EXPECT_TRUE(TimeAndDistance(time, now).starts_with("9999-12-31T23:59:59Z"));
}

TEST(TableTest, PadsByCharactersAndEscapesCells) {
  EXPECT_EQ(Table({{"NAME", "V"}, {"größe", "1"}, {"x\n", "2"}}), "NAME   V\ngröße  1\nx\\x0a  2\n");
}

}  // namespace
}  // namespace grantkeep::cli
