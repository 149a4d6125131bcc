// SPDX-License-Identifier: Apache-2.0
#include "net/http_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grantkeep {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

bool Add(HttpAnswer& answer, std::initializer_list<std::string_view> lines) {
  for (const std::string_view line : lines) {
    if (!answer.AddHeaderLine(line)) return false;
  }
  return true;
}

TEST(HttpAnswerTest, CollectsStatusHeadersAndBody) {
  HttpAnswer answer;
  ASSERT_TRUE(Add(answer, {"HTTP/1.1 201 Created\r\n", "Content-Type:  text/plain \r\n", "X-Empty:\r\n",
                           "content-type: second\r\n", "\r\n"}));
  ASSERT_TRUE(answer.AddBody("hel"));
  ASSERT_TRUE(answer.AddBody("lo"));
  const HttpResponse response = answer.Take();
  EXPECT_EQ(response.status, 201);
  EXPECT_THAT(response.headers, ElementsAre(Pair("content-type", "text/plain"), Pair("x-empty", ""),
                                            Pair("content-type", "second")));
  EXPECT_EQ(response.Header("content-type"), "text/plain");
  EXPECT_EQ(response.Header("x-other"), std::nullopt);
  EXPECT_EQ(response.body.Expose(), "hello");
}

TEST(HttpAnswerTest, Http2StatusLinesHaveNoReason) {
  HttpAnswer answer;
  ASSERT_TRUE(Add(answer, {"HTTP/2 404 \r\n", "\r\n"}));
  EXPECT_TRUE(answer.complete_header());
  EXPECT_EQ(answer.Take().status, 404);
}

TEST(HttpAnswerTest, InterimResponsesAreNotTheAnswer) {
  HttpAnswer answer;
  ASSERT_TRUE(Add(answer, {"HTTP/1.1 103 Early Hints\r\n", "Link: </x>\r\n", "\r\n"}));
  EXPECT_FALSE(answer.complete_header());
  ASSERT_TRUE(Add(answer, {"HTTP/1.1 200 OK\r\n", "A: b\r\n", "\r\n"}));
  EXPECT_TRUE(answer.complete_header());
  EXPECT_THAT(answer.Take().headers, ElementsAre(Pair("a", "b")));
}

TEST(HttpAnswerTest, TrailersAreIgnored) {
  HttpAnswer answer;
  ASSERT_TRUE(Add(answer, {"HTTP/1.1 200 OK\r\n", "\r\n", "Location: /evil\r\n", "\r\n"}));
  EXPECT_THAT(answer.Take().headers, ::testing::IsEmpty());
}

TEST(HttpAnswerTest, FoldedHeadersBecomeOneLine) {
  HttpAnswer answer;
  ASSERT_TRUE(Add(answer, {"HTTP/1.1 200 OK\r\n", "A: b\r\n", "\t c\r\n", "\r\n"}));
  EXPECT_EQ(answer.Take().Header("a"), "b c");
}

TEST(HttpAnswerTest, MalformedHeadersAreRefused) {
  for (const std::string_view status :
       {"HTTP/1.1\r\n", "HTTP/1.1 2\r\n", "HTTP/1.1 20x\r\n", "HTTP/1.1 -20\r\n", "HTTP/1.1 099\r\n"}) {
    HttpAnswer answer;
    EXPECT_FALSE(answer.AddHeaderLine(status)) << status;
    EXPECT_EQ(answer.problem(), "malformed status line");
  }
  for (const std::string_view field : {"no colon\r\n", ": no name\r\n", " folded first\r\n"}) {
    HttpAnswer answer;
    ASSERT_TRUE(answer.AddHeaderLine("HTTP/1.1 200 OK\r\n"));
    EXPECT_FALSE(answer.AddHeaderLine(field)) << field;
    EXPECT_EQ(answer.problem(), "malformed header");
  }
}

TEST(HttpAnswerTest, BodyHasItsLimit) {
  HttpAnswer answer;
  const std::string half(HttpClient::kMaxBody / 2, 'x');
  EXPECT_TRUE(answer.AddBody(half));
  EXPECT_TRUE(answer.AddBody(half));
  EXPECT_EQ(answer.problem(), "");
  EXPECT_FALSE(answer.AddBody("x"));
  EXPECT_EQ(answer.problem(), "oversized body");
}

TEST(HttpAnswerTest, HeaderCountAndSizeHaveTheirLimits) {
  HttpAnswer many;
  size_t lines = 0;
  while (many.AddHeaderLine("HTTP/1.1 100 Continue\r\n")) ++lines;
  EXPECT_EQ(lines, HttpAnswer::kMaxHeaderLines)
      << "interim responses count, or there could be endlessly many";
  EXPECT_EQ(many.problem(), "oversized header");

  HttpAnswer large;
  ASSERT_TRUE(large.AddHeaderLine("HTTP/1.1 200 OK\r\n"));
  EXPECT_FALSE(large.AddHeaderLine("A: " + std::string(HttpAnswer::kMaxHeaderBytes, 'x')));
  EXPECT_EQ(large.problem(), "oversized header");
}

}  // namespace
}  // namespace grantkeep
