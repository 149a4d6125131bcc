// SPDX-License-Identifier: Apache-2.0
// What goes over the wire, what comes back, and what is refused.
#include "net/http_client.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>

#include "net/loop.h"
#include "tests/unit/net/http_client_fixture.h"

namespace grantkeep::testing {
namespace {

using ::testing::IsSupersetOf;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST_F(HttpClientTest, PostCarriesHeadersAndBodyAndBringsTheAnswer) {
  auto server = NewServer();
  server->OnRequest(
      [](const ReceivedRequest&) { return HttpFixture::Answer(201, "{}", "X-Trace: Abc\r\n"); });
  auto client = NewClient();
  HttpRequest request = Post(server->Url("/token?a=b"), "grant_type=x&bytes=\x01\xff");
  request.headers.push_back({"Authorization", Secret("Basic abc=")});
  request.headers.push_back({"X-Empty", Secret()});
  const HttpOutcome outcome = Run(*client, std::move(request));
  ASSERT_THAT(outcome, Answered(201));
  EXPECT_EQ(outcome.response->Header("x-trace"), "Abc");
  EXPECT_EQ(outcome.response->body.Expose(), "{}");

  ASSERT_EQ(server->requests().size(), 1u);
  const ReceivedRequest& seen = server->requests()[0];
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/token?a=b");
  EXPECT_EQ(seen.body, "grant_type=x&bytes=\x01\xff");
  EXPECT_THAT(seen.headers, IsSupersetOf({Pair("authorization", "Basic abc="), Pair("x-empty", ""),
                                          Pair("user-agent", "grantkeep/1"), Pair("content-length", "21")}));
}

TEST_F(HttpClientTest, NothingIsAddedToARequestButWhatHttpNeeds) {
  auto server = NewServer();
  auto client = NewClient();
  HttpRequest post = Post(server->Url(), std::string(1'100'000, 'x'));
  post.headers.clear();
  ASSERT_THAT(Run(*client, std::move(post)), Answered(200));
  ASSERT_THAT(Run(*client, Get(server->Url("/a/../b/./c"))), Answered(200));
  ASSERT_EQ(server->requests().size(), 2u);
  EXPECT_THAT(server->requests()[0].headers,
              UnorderedElementsAre(Key("host"), Key("user-agent"), Key("accept"), Key("content-length")))
      << "no Expect, Accept-Encoding, Content-Type or Cookie of libcurl's own";
  EXPECT_EQ(server->requests()[0].body.size(), 1'100'000u);
  EXPECT_THAT(server->requests()[1].headers,
              UnorderedElementsAre(Key("host"), Key("user-agent"), Key("accept")));
  EXPECT_EQ(server->requests()[1].target, "/a/../b/./c");
}

TEST_F(HttpClientTest, CookiesAreNotKept) {
  auto server = NewServer();
  server->OnRequest(
      [](const ReceivedRequest&) { return HttpFixture::Answer(200, "", "Set-Cookie: a=b; Path=/\r\n"); });
  auto client = NewClient();
  ASSERT_THAT(Run(*client, Get(server->Url())), Answered(200));
  ASSERT_THAT(Run(*client, Get(server->Url())), Answered(200));
  EXPECT_THAT(server->requests()[1].headers, Not(::testing::Contains(Key("cookie"))));
}

TEST_F(HttpClientTest, RedirectsAreAnswersAndAreNotFollowed) {
  auto server = NewServer();
  server->OnRequest(
      [&](const ReceivedRequest&) { return HttpFixture::Answer(307, "", "Location: /elsewhere\r\n"); });
  auto client = NewClient();
  const HttpOutcome outcome = Run(*client, Post(server->Url(), "body"));
  ASSERT_THAT(outcome, Answered(307));
  EXPECT_EQ(outcome.response->Header("location"), "/elsewhere");
  EXPECT_EQ(server->requests().size(), 1u);
}

TEST_F(HttpClientTest, ErrorStatusesAreAnswers) {
  auto server = NewServer();
  int status = 0;
  server->OnRequest([&](const ReceivedRequest&) {
    return HttpFixture::Answer(status, "why", "WWW-Authenticate: Basic realm=\"x\"\r\n");
  });
  auto client = NewClient();
  for (const int each : {400, 401, 407, 417, 429, 500, 503}) {
    status = each;
    EXPECT_THAT(Run(*client, Post(server->Url(), "body")), Answered(each));
  }
  EXPECT_EQ(server->requests().size(), 7u) << "no status makes libcurl send again";
}

TEST_F(HttpClientTest, InterimResponsesAreSkipped) {
  auto server = NewServer();
  server->OnRequest([](const ReceivedRequest&) {
    return "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + HttpFixture::Answer(200, "final");
  });
  auto client = NewClient();
  const HttpOutcome outcome = Run(*client, Get(server->Url()));
  ASSERT_THAT(outcome, Answered(200));
  EXPECT_EQ(outcome.response->body.Expose(), "final");
  EXPECT_EQ(outcome.response->Header("link"), std::nullopt);
}

TEST_F(HttpClientTest, CompressedAnswersAreNotUnpacked) {
  auto server = NewServer();
  server->OnRequest([](const ReceivedRequest&) {
    return HttpFixture::Answer(200, "not gzip", "Content-Encoding: gzip\r\n");
  });
  auto client = NewClient();
  const HttpOutcome outcome = Run(*client, Get(server->Url()));
  ASSERT_THAT(outcome, Answered(200));
  EXPECT_EQ(outcome.response->body.Expose(), "not gzip");
}

TEST_F(HttpClientTest, ConnectionsAreKeptAndReused) {
  auto server = NewServer();
  auto client = NewClient();
  for (int i = 0; i < 5; ++i) ASSERT_THAT(Run(*client, Post(server->Url(), "x")), Answered(200));
  EXPECT_EQ(server->accepted(), 1);
}

TEST_F(HttpClientTest, ConnectionsAreReusedHoweverManyAreInUse) {
  constexpr int kCallers = 300;
  constexpr int kRequests = 4;
  auto server = NewServer();
  auto client = NewClient();
  int answered = 0;
  const auto call = [&]() -> boost::asio::awaitable<void> {
    for (int i = 0; i < kRequests; ++i) {
      const HttpOutcome outcome = co_await client->Send(Post(server->Url(), "x"));
      if (outcome.response.has_value()) ++answered;
    }
  };
  for (int i = 0; i < kCallers; ++i) Spawn(loop_.context(), call());
  loop_.RunUntil([&] { return answered == kCallers * kRequests; });
  EXPECT_EQ(server->accepted(), kCallers);
}

TEST_F(HttpClientTest, ConnectionThatEndedWhileIdleIsReplaced) {
  auto server = NewServer();
  bool idle = false;
  server->OnConnection([&](ServerConnection& connection) -> boost::asio::awaitable<void> {
    co_await connection.ReadRequest();
    co_await connection.Write(HttpFixture::Answer(200, "ok"));
    while (!idle) co_await boost::asio::post(loop_.context(), boost::asio::use_awaitable);
    co_await connection.Close();
  });
  auto client = NewClient();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Run(*client, Post(server->Url(), "x")), Answered(200));
    idle = true;
    loop_.RunUntil([&] { return server->open() == 0; });
    idle = false;
  }
  EXPECT_EQ(server->accepted(), 3);
}

TEST_F(HttpClientTest, UnaskedAnswerOnAnIdleConnectionIsNotTheNextRequests) {
  auto server = NewServer();
  int said = 0;
  bool idle = false;
  server->OnConnection([&](ServerConnection& connection) -> boost::asio::awaitable<void> {
    while (co_await connection.ReadRequest()) {
      co_await connection.Write(HttpFixture::Answer(200, "ok"));
      while (!idle) co_await boost::asio::post(loop_.context(), boost::asio::use_awaitable);
      co_await connection.Write(HttpFixture::Answer(408, "too slow"));
      ++said;
    }
  });
  auto client = NewClient();
  for (int i = 1; i <= 3; ++i) {
    EXPECT_THAT(Run(*client, Post(server->Url(), "x")), Answered(200));
    idle = true;
    loop_.RunUntil([&] { return said == i; });
    idle = false;
  }
  EXPECT_EQ(server->accepted(), 3);
}

TEST_F(HttpClientTest, ManyRequestsRunAtOnce) {
  auto server = NewServer();
  auto client = NewClient();
  std::vector<std::shared_ptr<std::optional<HttpOutcome>>> outcomes;
  outcomes.reserve(40);
  for (int i = 0; i < 40; ++i)
    outcomes.push_back(loop_.Start(client->Send(Post(server->Url(), std::to_string(i)))));
  for (const auto& outcome : outcomes) {
    loop_.RunUntil([&] { return outcome->has_value(); });
    EXPECT_THAT(**outcome, Answered(200));
  }
  EXPECT_EQ(server->requests().size(), 40u);
}

TEST_F(HttpClientTest, PlaintextNeedsTheDevelopmentSwitchAndALoopbackHost) {
  HttpFixture server(loop_.context(), {});
  auto development = NewClient();
  EXPECT_THAT(Run(*development, Get(server.Url("localhost", "/"))), Answered(200));
  EXPECT_THAT(Run(*development, Get(server.Url("127.0.0.1", "/"))), Answered(200));
  EXPECT_THAT(Run(*development, Get("http://example.com/")), NotSent("the scheme is not https"));

  HttpClientOptions options = Development();
  options.allow_plaintext_loopback = false;
  auto production = NewClient(options);
  EXPECT_THAT(Run(*production, Get(server.Url("127.0.0.1", "/"))), NotSent("the scheme is not https"));
  EXPECT_EQ(server.accepted(), 2);
}

TEST_F(HttpClientTest, UnusableRequestsAreRefusedBeforeAnythingIsSent) {
  auto server = NewServer();
  auto client = NewClient();
  EXPECT_THAT(Run(*client, Get("ftp://localhost/")), NotSent("scheme"));
  EXPECT_THAT(Run(*client, Get("https://u:p@localhost/")), NotSent("userinfo"));
  EXPECT_THAT(Run(*client, Get(server->Url("/#x"))), NotSent("fragment"));
  EXPECT_THAT(Run(*client, Get(server->Url("/\r\nHost: x"))), NotSent("printable"));
  HttpRequest get_with_body = Get(server->Url());
  get_with_body.body = Secret("x");
  EXPECT_THAT(Run(*client, std::move(get_with_body)), NotSent("GET with a body"));
  EXPECT_THAT(Run(*client, Get(server->Url(), Duration(-1))), NotSent("deadline has passed"));
  for (const char* name :
       {"", "a b", "a:b", "a\r\nb", "Host", "content-length", "Transfer-Encoding", "EXPECT"}) {
    HttpRequest request = Get(server->Url());
    request.headers.push_back({name, Secret("value")});
    EXPECT_THAT(Run(*client, std::move(request)), NotSent("header's name")) << name;
  }
  for (const std::string_view value :
       {std::string_view("a\r\nb"), std::string_view("a\nb"), std::string_view("a\0b", 3)}) {
    HttpRequest request = Get(server->Url());
    request.headers.push_back({"X", Secret(value)});
    EXPECT_THAT(Run(*client, std::move(request)), NotSent("control character"));
  }
  EXPECT_EQ(server->accepted(), 0);
}

TEST_F(HttpClientTest, AnswerOverTheLimitIsAnErrorNotATruncation) {
  auto server = NewServer();
  size_t size = HttpClient::kMaxBody;
  server->OnRequest([&](const ReceivedRequest&) { return HttpFixture::Answer(200, std::string(size, 'x')); });
  auto client = NewClient();
  const HttpOutcome largest = Run(*client, Get(server->Url()));
  ASSERT_THAT(largest, Answered(200));
  EXPECT_EQ(largest.response->body.size(), HttpClient::kMaxBody);
  ++size;
  const HttpOutcome oversized = Run(*client, Get(server->Url()));
  EXPECT_THAT(oversized, InDoubt("oversized body"));
  EXPECT_TRUE(oversized.answered) << "somebody is there";
}

TEST_F(HttpClientTest, HeaderLimitsHoldOnTheWire) {
  auto server = NewServer();
  std::string headers;
  server->OnRequest([&](const ReceivedRequest&) { return HttpFixture::Answer(200, "", headers); });
  auto client = NewClient();
  for (int i = 0; i < 200; ++i) headers += "A: b\r\n";
  EXPECT_THAT(Run(*client, Get(server->Url())), InDoubt("oversized header"));
  headers = "A: " + std::string(40'000, 'x') + "\r\n";
  EXPECT_THAT(Run(*client, Get(server->Url())), InDoubt("oversized header"));
}

TEST_F(HttpClientTest, TruncatedAnswersAreErrors) {
  auto server = NewServer();
  std::string answer;
  server->OnConnection([&](ServerConnection& connection) -> boost::asio::awaitable<void> {
    co_await connection.ReadRequest();
    co_await connection.Write(answer);
    co_await connection.Close();
  });
  auto client = NewClient();
  for (const char* cut :
       {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nonly", "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "nonsense\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n"}) {
    answer = cut;
    EXPECT_THAT(Run(*client, Post(server->Url(), "x")), InDoubt(server->Url("").c_str())) << cut;
  }
}

TEST_F(HttpClientTest, SilentServerEndsAtTheDeadlineInDoubt) {
  auto server = NewServer();
  server->OnConnection([](ServerConnection& connection) -> boost::asio::awaitable<void> {
    co_await connection.ReadRequest();
    co_await connection.ReadRequest();  // until the client leaves
  });
  auto client = NewClient();
  EXPECT_THAT(Run(*client, Post(server->Url(), "x", kShort)), InDoubt("no answer by the deadline"));
}

TEST_F(HttpClientTest, SlowDripEndsAtTheDeadline) {
  auto server = NewServer();
  server->OnConnection([&](ServerConnection& connection) -> boost::asio::awaitable<void> {
    co_await connection.ReadRequest();
    co_await connection.Write("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n");
    boost::asio::steady_timer pace(loop_.context());
    for (;;) {
      co_await connection.Write("x");
      pace.expires_after(std::chrono::milliseconds(2));
      co_await pace.async_wait(boost::asio::use_awaitable);
    }
  });
  auto client = NewClient();
  EXPECT_THAT(Run(*client, Post(server->Url(), "x", kShort)), InDoubt("no answer by the deadline"));
}

TEST_F(HttpClientTest, TimeoutBeforeTheConnectionStandsIsNotSent) {
  // A server that accepts and never says a word in the TLS handshake.
  HttpFixture mute(loop_.context(), {});
  mute.OnConnection([](ServerConnection& connection) -> boost::asio::awaitable<void> {
    co_await connection.Read(100'000);
  });
  auto client = NewClient();
  const std::string url = "https://localhost:" + std::to_string(mute.port()) + "/";
  EXPECT_THAT(Run(*client, Post(url, "x", kShort)), NotSent("no connection by the deadline"));
}

TEST_F(HttpClientTest, FailureToConnectIsNotSent) {
  std::string url;
  {
    auto server = NewServer();
    url = server->Url();
  }
  auto client = NewClient();
  EXPECT_THAT(Run(*client, Post(url, "x")), NotSent("connect"));
}

TEST_F(HttpClientTest, EnvironmentIsNotAskedForAProxy) {
  for (const char* name : {"https_proxy", "http_proxy", "all_proxy", "ALL_PROXY"})
    setenv(name, "http://127.0.0.1:1", 1);
  auto server = NewServer();
  auto client = NewClient();
  EXPECT_THAT(Run(*client, Get(server->Url())), Answered(200));
  for (const char* name : {"https_proxy", "http_proxy", "all_proxy", "ALL_PROXY"}) unsetenv(name);
}

TEST_F(HttpClientTest, MessagesNameTheOriginAndNeitherPathNorQuery) {
  auto server = NewServer();
  server->OnConnection([](ServerConnection& connection) -> boost::asio::awaitable<void> {
    co_await connection.ReadRequest();
  });
  auto client = NewClient();
  const HttpOutcome outcome = Run(*client, Post(server->Url("/p4th?code=s3cret"), "x"));
  EXPECT_THAT(outcome, InDoubt(server->Url("").c_str()));
  EXPECT_THAT(Message(outcome), Not(::testing::HasSubstr("s3cret")));
  EXPECT_THAT(Message(outcome), Not(::testing::HasSubstr("p4th")));
}

TEST_F(HttpClientTest, UnreadableCaFileOrUnusableProxyFailsTheStart) {
  HttpClientOptions options;
  options.ca_file = "/nonexistent.pem";
  EXPECT_THAT(std::string(CreateHttpClient(loop_.context(), options).status().message()),
              ::testing::HasSubstr("ca_file"));
  options.ca_file = "/dev/null";
  EXPECT_FALSE(CreateHttpClient(loop_.context(), options).ok()) << "a file without a certificate";
  options.ca_file = "";
  EXPECT_TRUE(CreateHttpClient(loop_.context(), options).ok());
  for (const char* proxy : {"socks5://localhost", "localhost:3128", "http://", "http://a b"}) {
    options.proxy = proxy;
    EXPECT_FALSE(CreateHttpClient(loop_.context(), options).ok()) << proxy;
  }
}

}  // namespace
}  // namespace grantkeep::testing
