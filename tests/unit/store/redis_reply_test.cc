// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/reason.h"
#include "store/redis/reply.h"

namespace grantkeep {
namespace {

using namespace std::string_literals;
using Type = RedisReply::Type;

// All replies in `bytes`, fed `step` bytes at a time; nothing after an error.
std::vector<RedisReply> Read(const std::string& bytes, size_t step) {
  RedisReplyReader reader;
  std::vector<RedisReply> replies;
  for (size_t at = 0; at < bytes.size(); at += step) {
    reader.Feed(std::string_view(bytes).substr(at, step));
    for (;;) {
      auto next = reader.Next();
      if (!next.ok()) return {};
      if (!next->has_value()) break;
      replies.push_back(std::move(**next));
    }
  }
  return replies;
}

TEST(RedisReplyReader, ReadsEveryTypeHoweverTheBytesArrive) {
  const std::string bytes =
      "+OK\r\n-ERR no\r\n:-7\r\n$3\r\na\0b\r\n$-1\r\n*3\r\n:1\r\n*1\r\n$0\r\n\r\n$-1\r\n*0\r\n"s;
  for (size_t step = 1; step <= bytes.size(); ++step) {
    const std::vector<RedisReply> replies = Read(bytes, step);
    ASSERT_EQ(replies.size(), 7u) << step;
    EXPECT_TRUE(replies[0].is(Type::kStatus) && replies[0].text == "OK");
    EXPECT_TRUE(replies[1].is(Type::kError) && replies[1].text == "ERR no");
    EXPECT_TRUE(replies[2].is(Type::kInteger) && replies[2].integer == -7);
    EXPECT_TRUE(replies[3].is(Type::kString) && replies[3].text == std::string("a\0b", 3));
    EXPECT_TRUE(replies[4].is(Type::kNil));
    ASSERT_EQ(replies[5].elements.size(), 3u);
    EXPECT_EQ(replies[5].elements[0].integer, 1);
    EXPECT_EQ(replies[5].elements[1].elements.size(), 1u);
    EXPECT_TRUE(replies[5].elements[2].is(Type::kNil));
    EXPECT_TRUE(replies[6].is(Type::kArray) && replies[6].elements.empty());
  }
}

TEST(RedisReplyReader, WhatIsNotTheProtocolIsAnErrorAndStaysOne) {
  for (const std::string bytes : {"HTTP/1.1 400 Bad Request\r\n", "$x\r\n", "*-5\r\n", ":12a\r\n", "$-7\r\n",
                                  "\r\n", "%1\r\n+a\r\n+b\r\n"}) {
    RedisReplyReader reader;
    reader.Feed(bytes);
    const auto first = reader.Next();
    ASSERT_FALSE(first.ok()) << bytes;
    EXPECT_TRUE(HasReason(first.status(), Reason::kStoreUnavailable));
    reader.Feed("+OK\r\n");
    EXPECT_FALSE(reader.Next().ok()) << bytes;
  }
}

TEST(RedisReplyReader, AnArrayThatClaimsToBeHugeIsRefusedBeforeAnythingIsAllocated) {
  for (const std::string bytes : {"*100001\r\n", "*2000000000\r\n", "*2\r\n*60000\r\n"}) {
    RedisReplyReader reader;
    reader.Feed(bytes);
    if (bytes.starts_with("*2\r\n")) {
      // Depths count together.
      for (int i = 0; i < 60'000; ++i) reader.Feed(":1\r\n");
      reader.Feed("*60000\r\n");
    }
    EXPECT_FALSE(reader.Next().ok()) << bytes;
  }
}

TEST(RedisReplyReader, AReplyThatNeverEndsIsRefusedAtItsLimit) {
  RedisReplyReader reader;
  reader.Feed("$500000000\r\n");
  const std::string piece(size_t{1024} * 1024, 'x');
  for (size_t fed = 0; fed < RedisReplyReader::kMaxBytes; fed += piece.size()) {
    ASSERT_TRUE(reader.Next().ok());
    reader.Feed(piece);
  }
  EXPECT_FALSE(reader.Next().ok());
}

TEST(RedisReplyReader, NestingThatIsTooDeepIsRefused) {
  RedisReplyReader reader;
  for (int depth = 0; depth < 100; ++depth) reader.Feed("*1\r\n");
  EXPECT_FALSE(reader.Next().ok());
}

TEST(FormatRedisCommand, WordsAreAnyBytes) {
  EXPECT_EQ(FormatRedisCommand({"SET", std::string_view("a\0\r\n", 4), {}}),
            "*3\r\n$3\r\nSET\r\n$4\r\na\0\r\n\r\n$0\r\n\r\n"s);
}

TEST(RedisError, SaysWhichErrorItIsAndNothingElseThatTheServerWrote) {
  const absl::Status oom = RedisError("OOM command not allowed, secret-value");
  EXPECT_TRUE(HasReason(oom, Reason::kStoreUnavailable));
  EXPECT_TRUE(RetryAfterOf(oom).has_value());
  EXPECT_THAT(std::string(oom.message()), ::testing::HasSubstr("OOM: it is out of memory (maxmemory)"));
  EXPECT_THAT(std::string(oom.message()), ::testing::Not(::testing::HasSubstr("secret-value")));
  EXPECT_THAT(std::string(RedisError("secret-value\x01").message()),
              ::testing::Not(::testing::HasSubstr("secret")));
  EXPECT_THAT(std::string(RedisError("").message()), ::testing::HasSubstr("an error that it does not name"));
}

}  // namespace
}  // namespace grantkeep
