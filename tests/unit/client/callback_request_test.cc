// SPDX-License-Identifier: Apache-2.0
#include "client/cli/callback_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/digest.h"

namespace grantkeep::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kHost[] = "127.0.0.1:4711";

ExpectedCallback Waiting() { return {.host = kHost, .state = "st4te", .arrived = false}; }

CallbackAnswer AnswerToGet(const std::string& target, const ExpectedCallback& expected = Waiting()) {
  return AnswerTo(CallbackRequest{.method = "GET", .target = target, .host = kHost}, expected);
}

void ExpectRefused(const CallbackAnswer& answer, const char* status) {
  EXPECT_THAT(answer.response, StartsWith(std::string("HTTP/1.1 ") + status + " "));
  EXPECT_FALSE(answer.callback_target.has_value());
  EXPECT_FALSE(answer.done_page);
}

TEST(ParseRequestHeadTest, ReadsABrowsersRequest) {
  const auto request = ParseRequestHead(
      "GET /callback?code=c&state=s HTTP/1.1\r\nhOsT: \t127.0.0.1:4711 \r\nAccept: */*\r\n\r\n");
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->method, "GET");
  EXPECT_EQ(request->target, "/callback?code=c&state=s");
  EXPECT_EQ(request->host, kHost);
}

TEST(ParseRequestHeadTest, RefusesWhatIsNotHttp) {
  for (const char* head :
       {"", "\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n",
        "GET http://127.0.0.1/callback HTTP/1.1\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n",
        "GET /\x80 HTTP/1.1\r\n\r\n", "GET /\x01 HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n c: d\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n", "\x16\x03\x01\x02\r\n\r\n"}) {
    EXPECT_FALSE(ParseRequestHead(head).has_value()) << head;
  }
}

TEST(AnswerToTest, TheCallbackIsAnsweredWithARedirectToAPageWithoutArtefacts) {
  const CallbackAnswer answer = AnswerToGet("/callback?code=c0de&state=st4te&iss=https%3A%2F%2Fa");
  EXPECT_EQ(answer.callback_target, "/callback?code=c0de&state=st4te&iss=https%3A%2F%2Fa");
  EXPECT_THAT(answer.response, StartsWith("HTTP/1.1 303 See Other\r\nLocation: /done\r\n"));
  EXPECT_THAT(answer.response, Not(HasSubstr("c0de")));
  EXPECT_THAT(answer.response, Not(HasSubstr("st4te")));
}

TEST(AnswerToTest, AnErrorFromTheProviderIsACallbackToo) {
  EXPECT_TRUE(AnswerToGet("/callback?error=access_denied&state=st4te").callback_target.has_value());
}

TEST(AnswerToTest, OnlyTheExactPathIsTheCallback) {
  for (const char* path : {"/", "/callback/", "/Callback", "//callback", "/callback%2f", "/x/../callback",
                           "/callback;a", "/favicon.ico", "/done"}) {
    ExpectRefused(AnswerToGet(std::string(path) + "?code=c&state=st4te"), "404");
  }
}

TEST(AnswerToTest, ExactlyOneRightStateIsNeeded) {
  for (const char* query :
       {"", "?", "?code=c", "?code=c&state=", "?code=c&state=st4t", "?code=c&state=st4tee",
        "?code=c&state=ST4TE", "?code=c&state=st4te&state=st4te", "?code=c&state=st4te&state=x",
        "?state=x&st%61te=st4te&code=c", "?xstate=st4te"}) {
    ExpectRefused(AnswerToGet(std::string("/callback") + query), "400");
  }
  EXPECT_TRUE(AnswerToGet("/callback?code=c&state=st%34te").callback_target.has_value()) << "encoded";
}

TEST(AnswerToTest, OnlyGetIsAllowed) {
  for (const char* method : {"POST", "HEAD", "OPTIONS", "get", "PUT"}) {
    const CallbackAnswer answer = AnswerTo(
        CallbackRequest{.method = method, .target = "/callback?state=st4te", .host = kHost}, Waiting());
    ExpectRefused(answer, "405");
    EXPECT_THAT(answer.response, HasSubstr("\r\nAllow: GET\r\n"));
  }
}

TEST(AnswerToTest, AnotherHostIsRefusedAgainstDnsRebinding) {
  for (const char* host : {"", "127.0.0.1", "localhost:4711", "evil.example:4711", "127.0.0.1:4712"}) {
    ExpectRefused(AnswerTo(CallbackRequest{.method = "GET", .target = "/callback?state=st4te", .host = host},
                           Waiting()),
                  "400");
  }
}

TEST(AnswerToTest, AfterTheCallbackThereIsTheDonePageAndNoSecondCallback) {
  ExpectedCallback arrived = Waiting();
  arrived.arrived = true;
  const CallbackAnswer done = AnswerToGet("/done", arrived);
  EXPECT_TRUE(done.done_page);
  EXPECT_THAT(done.response, StartsWith("HTTP/1.1 200 OK\r\n"));
  ExpectRefused(AnswerToGet("/callback?code=c&state=st4te", arrived), "400");
}

TEST(AnswerToTest, EveryAnswerForbidsScriptsFramesCachesAndReferrers) {
  ExpectedCallback arrived = Waiting();
  arrived.arrived = true;
  for (const std::string& response :
       {AnswerToGet("/callback?state=st4te").response, AnswerToGet("/done", arrived).response,
        AnswerToGet("/x").response, AnswerTo(std::nullopt, Waiting()).response, TooLargeAnswer()}) {
    EXPECT_THAT(response, HasSubstr("\r\nContent-Security-Policy: default-src 'none'; style-src 'sha256-"));
    EXPECT_THAT(response, HasSubstr("frame-ancestors 'none'"));
    EXPECT_THAT(response, HasSubstr("\r\nX-Frame-Options: DENY\r\n"));
    EXPECT_THAT(response, HasSubstr("\r\nCache-Control: no-store\r\n"));
    EXPECT_THAT(response, HasSubstr("\r\nReferrer-Policy: no-referrer\r\n"));
    EXPECT_THAT(response, HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"));
    EXPECT_THAT(response, Not(HasSubstr("http://")));
    EXPECT_THAT(response, Not(HasSubstr("https://"))) << "third-party content";
    EXPECT_THAT(response, Not(HasSubstr("<script")));
  }
}

TEST(AnswerToTest, TheContentSecurityPolicyNamesTheStyleInUse) {
  const std::string response = TooLargeAnswer();
  const size_t begin = response.find("<style>") + 7;
  const std::string style = response.substr(begin, response.find("</style>") - begin);
  EXPECT_THAT(response, HasSubstr("'sha256-" + Base64Encode(Sha256(style)) + "'"));
}

TEST(AnswerToTest, NothingOfTheRequestComesBack) {
  const std::string script = "/<script>alert(1)</script>";
  EXPECT_THAT(AnswerToGet(script).response, Not(HasSubstr("alert")));
  EXPECT_THAT(AnswerToGet("/callback?state=<alert>").response, Not(HasSubstr("alert")));
}

}  // namespace
}  // namespace grantkeep::cli
