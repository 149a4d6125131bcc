// SPDX-License-Identifier: Apache-2.0
// A provider that misbehaves on the wire, the real HTTP client before it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/loop.h"
#include "tests/support/http_fixture.h"
#include "tests/unit/provider/provider_fixture.h"

namespace grantkeep::testing {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Kind = TokenOutcome::Kind;

constexpr char kTokens[] = R"({"access_token":"AT","token_type":"bearer","refresh_token":"hunter2"})";

class HostileTransport : public ::testing::Test {
 protected:
  HostileTransport() {
    HttpClientOptions options;
    options.allow_plaintext_loopback = true;
    http_ = *CreateHttpClient(loop_.context(), options);
    auto resolve = [](config::v1::SecretReference, Tick) -> awaitable<absl::StatusOr<Secret>> {
      co_return Secret("secret");
    };
    auto provider = Provider::Create(Record(kExampleYaml), {*http_, clock_, std::move(resolve), true});
    EXPECT_TRUE(provider.ok()) << provider.status();
    provider_ = *std::move(provider);
  }

  TokenOutcome Refresh(Duration limit = seconds(15)) {
    return loop_.Run(provider_->Refresh(server_->Url("127.0.0.1", "/token"), false, Secret("RT"), "", {},
                                        clock_.Steady() + limit));
  }
  // What the server writes after each request, before it closes the connection.
  void Write(std::string bytes) {
    server_->OnConnection([this, bytes = std::move(bytes)](ServerConnection& connection) -> awaitable<void> {
      co_await connection.ReadRequest();
      ++received_;
      co_await connection.Write(bytes);
      co_await connection.Close();
    });
  }
  // The server writes `begin`, and then `again` for as long as somebody reads.
  void WriteForEver(std::string begin, std::string again) {
    server_->OnConnection([this, begin = std::move(begin),
                           again = std::move(again)](ServerConnection& connection) -> awaitable<void> {
      co_await connection.ReadRequest();
      ++received_;
      co_await connection.Write(begin);
      for (;;) co_await connection.Write(again);
    });
  }
  void ExpectInDoubt(const TokenOutcome& outcome, const std::string& says) {
    EXPECT_EQ(outcome.kind, Kind::kInDoubt);
    EXPECT_THAT(MessageOf(outcome.status), StartsWith("provider 'example': token endpoint: "));
    EXPECT_THAT(MessageOf(outcome.status), HasSubstr(says));
    EXPECT_THAT(MessageOf(outcome.status), Not(HasSubstr("hunter2")));
    EXPECT_TRUE(HasReason(outcome.status, Reason::kProviderError));
    EXPECT_TRUE(outcome.tokens.access_token.empty());
    EXPECT_FALSE(outcome.tokens.refresh_token.has_value());
  }

  TestLoop loop_;
  SystemClock clock_;
  std::unique_ptr<HttpFixture> server_ =
      std::make_unique<HttpFixture>(loop_.context(), HttpFixture::Options());
  std::unique_ptr<HttpClient> http_;
  std::unique_ptr<Provider> provider_;
  int received_ = 0;
};

struct WireCase {
  std::string name;
  std::string bytes;
  Kind kind;
  std::string says;
};

TEST_F(HostileTransport, WhatComesOverTheWireHasOneOutcomeAndIsAskedForOnce) {
  const std::string tokens = kTokens;
  const auto answer = [](int status, std::string_view body, std::string_view headers = "") {
    return HttpFixture::Answer(status, body, headers);
  };
  const auto padded = [&](size_t size) { return tokens + std::string(size - tokens.size(), ' '); };
  const auto chunked = [](std::string_view chunks) {
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(chunks);
  };
  const std::string chunk = fmt::format("{:x}\r\n{}\r\n", tokens.size(), tokens);
  const WireCase kCases[] = {
      {"whole", answer(200, tokens), Kind::kGranted, ""},
      {"whole in a chunk", chunked(chunk + "0\r\n\r\n"), Kind::kGranted, ""},
      {"without a length", "HTTP/1.1 200 OK\r\n\r\n" + tokens, Kind::kGranted, ""},
      {"after 103", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer(200, tokens), Kind::kGranted, ""},
      {"64 KiB", answer(200, padded(HttpClient::kMaxBody)), Kind::kGranted, ""},
      {"64 KiB and a byte", answer(200, padded(HttpClient::kMaxBody + 1)), Kind::kInDoubt, "oversized body"},
      {"a byte less than promised",
       fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", tokens.size() + 1, tokens),
       Kind::kInDoubt, ""},
      {"a byte more than promised",
       fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", tokens.size() - 1, tokens),
       Kind::kInDoubt, "the answer is not valid JSON"},
      {"no last chunk", chunked(chunk), Kind::kInDoubt, ""},
      {"a chunk of nonsense", chunked("xyz\r\n"), Kind::kInDoubt, ""},
      {"two lengths",
       fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nContent-Length: 5\r\n\r\n{}", tokens.size(),
                   tokens),
       Kind::kInDoubt, ""},
      {"nothing", "", Kind::kInDoubt, ""},
      {"half a status line", "HTTP/1.1 2", Kind::kInDoubt, ""},
      {"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", Kind::kInDoubt, ""},
      {"100 and no more", "HTTP/1.1 100 Continue\r\n\r\n", Kind::kInDoubt, ""},
      {"204", "HTTP/1.1 204 No Content\r\n\r\n", Kind::kInDoubt, "the answer is not valid JSON"},
      {"304", "HTTP/1.1 304 Not Modified\r\n\r\n", Kind::kInDoubt, "answered 304"},
      {"307 to itself", answer(307, tokens, "Location: /token\r\n"), Kind::kInDoubt, "answered 307"},
      {"303 elsewhere", answer(303, "", "Location: https://hunter2.example/\r\n"), Kind::kInDoubt,
       "answered 303"},
      {"HTML", answer(200, "<html>hunter2</html>", "Content-Type: text/html\r\n"), Kind::kInDoubt,
       "the answer is not valid JSON"},
      // Nobody asked for gzip: it is not unpacked, however little there is to unpack.
      {"gzip", answer(200, std::string("\x1F\x8B\x08\0\0\0\0\0\0\xFF\x03", 11), "Content-Encoding: gzip\r\n"),
       Kind::kInDoubt, "the answer is not valid JSON"},
      {"tokens said to be gzip", answer(200, tokens, "Content-Encoding: gzip\r\n"), Kind::kGranted, ""},
      {"130 header lines",
       answer(200, tokens,
              [] {
                std::string lines;
                for (int i = 0; i < 130; ++i) lines += "A: hunter2\r\n";
                return lines;
              }()),
       Kind::kInDoubt, "oversized header"},
      {"a long header line", answer(200, tokens, "A: " + std::string(40'000, 'x') + "\r\n"), Kind::kInDoubt,
       "oversized header"},
      {"refusal", answer(400, R"({"error":"invalid_grant"})"), Kind::kRefused, "refused: invalid_grant"},
      {"401 with a challenge",
       answer(401, R"({"error":"invalid_client"})", "WWW-Authenticate: Basic realm=\"hunter2\"\r\n"),
       Kind::kRefused, "refused: invalid_client"},
      {"429", answer(429, "hunter2", "Retry-After: 7\r\n"), Kind::kRefused, "answered 429"},
      {"half a refusal",
       "HTTP/1.1 400 Bad Request\r\nContent-Length: 99\r\n\r\n{\"error\":\"invalid_grant\"}", Kind::kInDoubt,
       ""},
  };
  for (const WireCase& each : kCases) {
    SCOPED_TRACE(each.name);
    Write(each.bytes);
    received_ = 0;
    const TokenOutcome outcome = Refresh();
    EXPECT_EQ(received_, 1);
    if (each.kind == Kind::kInDoubt) {
      ExpectInDoubt(outcome, each.says);
      continue;
    }
    EXPECT_EQ(outcome.kind, each.kind) << outcome.status;
    EXPECT_THAT(MessageOf(outcome.status), HasSubstr(each.says));
    EXPECT_EQ(outcome.tokens.access_token.Expose(), each.kind == Kind::kGranted ? "AT" : "");
  }
}

TEST_F(HostileTransport, AnAnswerWithoutAnEndEndsAtALimit) {
  const std::string chunk = "1000\r\n" + std::string(0x1000, ' ') + "\r\n";
  const WireCase kCases[] = {
      {"body", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", {}, "oversized body"},
      {"header", "HTTP/1.1 200 OK\r\n", {}, "oversized header"},
      {"interim answers", "", {}, "oversized header"},
  };
  for (const WireCase& each : kCases) {
    SCOPED_TRACE(each.name);
    const bool body = each.name == "body";
    const std::string more = each.name == "header" ? "A: b\r\n" : "HTTP/1.1 103 Early Hints\r\n\r\n";
    WriteForEver(each.bytes, body ? chunk : more);
    received_ = 0;
    ExpectInDoubt(Refresh(), each.says);
    EXPECT_EQ(received_, 1);
  }
}

// The body is in time with every byte and never done.
TEST_F(HostileTransport, ASlowDripEndsAtTheDeadline) {
  server_->OnConnection([this](ServerConnection& connection) -> awaitable<void> {
    co_await connection.ReadRequest();
    ++received_;
    co_await connection.Write("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n");
    for (;;) {
      co_await connection.Write(" ");
      co_await clock_.SleepUntil(clock_.Steady() + milliseconds(2));
    }
  });
  ExpectInDoubt(Refresh(milliseconds(60)), "no answer by the deadline");
  EXPECT_EQ(received_, 1);
}

TEST_F(HostileTransport, AResetAfterTheRequestIsInDoubt) {
  server_->OnConnection([this](ServerConnection& connection) -> awaitable<void> {
    co_await connection.ReadRequest();
    ++received_;
    connection.Reset();
  });
  ExpectInDoubt(Refresh(), "");
  EXPECT_EQ(received_, 1);
}

TEST_F(HostileTransport, NobodyThereIsNotSent) {
  const std::string url = server_->Url("127.0.0.1", "/token");
  server_.reset();
  loop_.RunReady();
  const TokenOutcome outcome =
      loop_.Run(provider_->Refresh(url, false, Secret("RT"), "", {}, clock_.Steady() + seconds(15)));
  EXPECT_EQ(outcome.kind, Kind::kNotSent);
  EXPECT_TRUE(HasReason(outcome.status, Reason::kProviderUnreachable));
  EXPECT_THAT(MessageOf(outcome.status), StartsWith("provider 'example': token endpoint: "));
}

}  // namespace
}  // namespace grantkeep::testing
