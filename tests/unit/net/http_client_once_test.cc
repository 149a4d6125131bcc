// SPDX-License-Identifier: Apache-2.0
// Each request is sent at most once, and `not_sent` is true only when it is certain.
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tests/unit/net/http2_session.h"
#include "tests/unit/net/http_client_fixture.h"

namespace grantkeep::testing {
namespace {

using boost::asio::awaitable;

enum class End { kClose, kReset, kDrop };

struct LostAnswer {
  const char* name;
  End end;
  bool reused;  // whether the connection has served a request before
  bool post;
  std::string body;
};

class LostAnswerTest : public HttpClientTest, public ::testing::WithParamInterface<LostAnswer> {};

TEST_P(LostAnswerTest, RequestIsSeenOnceAndItsOutcomeIsInDoubt) {
  const LostAnswer& lost = GetParam();
  auto server = NewServer();
  std::vector<ReceivedRequest> seen;
  server->OnConnection([&](ServerConnection& connection) -> awaitable<void> {
    if (lost.reused) {
      co_await connection.ReadRequest();
      co_await connection.Write(HttpFixture::Answer(200, "ok"));
    }
    while (std::optional<ReceivedRequest> request = co_await connection.ReadRequest()) {
      seen.push_back(*request);
      if (lost.end == End::kClose) co_await connection.Close();
      if (lost.end == End::kReset) connection.Reset();
      if (lost.end == End::kDrop) co_return;
    }
  });
  auto client = NewClient();
  if (lost.reused) ASSERT_THAT(Run(*client, Post(server->Url("/first"), "first")), Answered(200));

  const std::string url = server->Url("/second");
  EXPECT_THAT(Run(*client, lost.post ? Post(url, lost.body) : Get(url)), InDoubt(""));
  loop_.RunUntil([&] { return server->open() == 0; });
  EXPECT_EQ(seen.size(), 1u);
  EXPECT_EQ(server->accepted(), 1) << "not even a connection for a second try";
}

INSTANTIATE_TEST_SUITE_P(
    All, LostAnswerTest,
    ::testing::Values(LostAnswer{"ReusedClosed", End::kClose, true, true, "refresh_token=r"},
                      LostAnswer{"ReusedReset", End::kReset, true, true, "refresh_token=r"},
                      LostAnswer{"ReusedDropped", End::kDrop, true, true, "refresh_token=r"},
                      LostAnswer{"ReusedClosedLargeBody", End::kClose, true, true, std::string(60'000, 'x')},
                      LostAnswer{"ReusedClosedEmptyPost", End::kClose, true, true, ""},
                      LostAnswer{"ReusedClosedGet", End::kClose, true, false, ""},
                      LostAnswer{"ReusedResetGet", End::kReset, true, false, ""},
                      LostAnswer{"FreshClosed", End::kClose, false, true, "refresh_token=r"},
                      LostAnswer{"FreshReset", End::kReset, false, true, "refresh_token=r"},
                      LostAnswer{"FreshClosedGet", End::kClose, false, false, ""}),
    [](const auto& info) { return info.param.name; });

TEST_F(HttpClientTest, AnotherIdleConnectionIsNotUsedForASecondTryEither) {
  auto server = NewServer();
  int first = 0;
  int second = 0;
  server->OnConnection([&](ServerConnection& connection) -> awaitable<void> {
    while (std::optional<ReceivedRequest> request = co_await connection.ReadRequest()) {
      if (request->target == "/second") {
        ++second;
        co_await connection.Close();
        co_return;
      }
      // Two connections must stand before one is answered, and could take the other request too.
      ++first;
      while (first < 2) co_await boost::asio::post(loop_.context(), boost::asio::use_awaitable);
      co_await connection.Write(HttpFixture::Answer(200, "ok"));
    }
  });
  auto client = NewClient();
  auto one = loop_.Start(client->Send(Get(server->Url("/first"))));
  auto two = loop_.Start(client->Send(Get(server->Url("/first"))));
  loop_.RunUntil([&] { return one->has_value() && two->has_value(); });
  ASSERT_EQ(server->accepted(), 2);
  EXPECT_THAT(Run(*client, Get(server->Url("/second"))), InDoubt(""));
  loop_.RunUntil([&] { return server->open() == 1; });
  EXPECT_EQ(second, 1);
}

TEST_F(HttpClientTest, AnswerThatIsLostHalfwayIsInDoubtAndNotAskedForAgain) {
  auto server = NewServer();
  server->OnRequest([](const ReceivedRequest&) {
    return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\no";
  });
  auto client = NewClient();
  EXPECT_THAT(Run(*client, Post(server->Url(), "x", kShort)), InDoubt(""));
  EXPECT_EQ(server->requests().size(), 1u);
}

class Http2ClientTest : public HttpClientTest {
 protected:
  using Script = std::function<awaitable<void>(Http2Session&, ServerConnection&)>;

  void Serve(Script script) {
    server_->OnConnection([script = std::move(script)](ServerConnection& connection) -> awaitable<void> {
      EXPECT_EQ(connection.Protocol(), "h2");
      Http2Session session(connection);
      co_await script(session, connection);
    });
  }

  std::unique_ptr<HttpFixture> server_ = NewServer(/*http2=*/true);
  std::unique_ptr<HttpClient> client_ = NewClient();
};

TEST_F(Http2ClientTest, Http2IsChosenByAlpnAndItsConnectionIsShared) {
  Serve([](Http2Session& session, ServerConnection&) -> awaitable<void> {
    // Answers two requests in reverse order: both are open at once.
    const uint32_t first = co_await session.ReadRequest();
    co_await session.Answer(first, "0");
    const uint32_t second = co_await session.ReadRequest();
    const uint32_t third = co_await session.ReadRequest();
    co_await session.Answer(third, "2");
    co_await session.Answer(second, "1");
    EXPECT_EQ(session.body(), "abc");
    co_await session.ReadRequest();
  });
  ASSERT_THAT(Run(*client_, Post(server_->Url(), "a")), Answered(200));
  auto second = loop_.Start(client_->Send(Post(server_->Url(), "b")));
  auto third = loop_.Start(client_->Send(Post(server_->Url(), "c")));
  loop_.RunUntil([&] { return second->has_value() && third->has_value(); });
  ASSERT_THAT(**second, Answered(200));
  EXPECT_EQ((**second).response->body.Expose(), "1");
  EXPECT_EQ((**third).response->body.Expose(), "2");
  EXPECT_EQ(server_->accepted(), 1);
}

struct Refusal {
  const char* name;
  bool reused;
  bool post;
};

class RefusedStreamTest : public Http2ClientTest, public ::testing::WithParamInterface<Refusal> {};

TEST_P(RefusedStreamTest, RefusedStreamIsCertainlyNotSentAndNotRetried) {
  const Refusal& refusal = GetParam();
  int requests = 0;
  Serve([&](Http2Session& session, ServerConnection&) -> awaitable<void> {
    if (refusal.reused) co_await session.Answer(co_await session.ReadRequest(), "ok");
    for (;;) {
      const uint32_t stream = co_await session.ReadRequest();
      ++requests;
      co_await session.ResetStream(stream, Http2Session::kRefusedStream);
    }
  });
  if (refusal.reused) ASSERT_THAT(Run(*client_, Post(server_->Url(), "x")), Answered(200));
  EXPECT_THAT(Run(*client_, refusal.post ? Post(server_->Url(), "x") : Get(server_->Url())),
              NotSent("the server refused the stream"));
  EXPECT_EQ(requests, 1);
  EXPECT_EQ(server_->accepted(), 1);
}

INSTANTIATE_TEST_SUITE_P(All, RefusedStreamTest,
                         ::testing::Values(Refusal{"FreshPost", false, true},
                                           Refusal{"FreshGet", false, false},
                                           Refusal{"ReusedPost", true, true},
                                           Refusal{"ReusedGet", true, false}),
                         [](const auto& info) { return info.param.name; });

TEST_F(Http2ClientTest, RefusedStreamIsNotTriedOnAnotherIdleConnectionEither) {
  int served = 0;
  int refused = 0;
  Serve([&](Http2Session& session, ServerConnection&) -> awaitable<void> {
    const uint32_t first = co_await session.ReadRequest();
    ++served;
    // Two connections must stand before one is answered, and could take the other request too.
    while (served < 2) co_await boost::asio::post(loop_.context(), boost::asio::use_awaitable);
    co_await session.Answer(first, "ok");
    for (;;) {
      const uint32_t stream = co_await session.ReadRequest();
      ++refused;
      co_await session.ResetStream(stream, Http2Session::kRefusedStream);
    }
  });
  auto one = loop_.Start(client_->Send(Get(server_->Url())));
  auto two = loop_.Start(client_->Send(Get(server_->Url())));
  loop_.RunUntil([&] { return one->has_value() && two->has_value(); });
  ASSERT_EQ(server_->accepted(), 2);
  ASSERT_EQ(served, 2);
  EXPECT_THAT(Run(*client_, Get(server_->Url())), NotSent("the server refused the stream"));
  loop_.RunReady();
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(server_->accepted(), 2);
}

TEST_F(Http2ClientTest, StreamBehindAGoAwayIsRefusedWhileTheOthersGoOn) {
  Serve([](Http2Session& session, ServerConnection&) -> awaitable<void> {
    co_await session.Answer(co_await session.ReadRequest(), "ok");
    const uint32_t processed = co_await session.ReadRequest();
    co_await session.ReadRequest();
    co_await session.GoAway(processed);
    co_await session.Answer(processed, "ok");
    co_await session.ReadRequest();
  });
  ASSERT_THAT(Run(*client_, Post(server_->Url(), "a")), Answered(200));
  auto second = loop_.Start(client_->Send(Post(server_->Url(), "b")));
  auto third = loop_.Start(client_->Send(Post(server_->Url(), "c")));
  loop_.RunUntil([&] { return second->has_value() && third->has_value(); });
  EXPECT_THAT(**second, Answered(200));
  EXPECT_THAT(**third, NotSent("the server refused the stream"));
  EXPECT_EQ(server_->accepted(), 1);
}

class LostStreamTest : public Http2ClientTest, public ::testing::WithParamInterface<bool> {};

TEST_P(LostStreamTest, OtherEndsOfAStreamAreInDoubtAndNotRetried) {
  const bool reused = GetParam();
  for (const std::string how : {"close", "goaway", "early goaway", "http/1.1", "reset", "no body"}) {
    SCOPED_TRACE(how);
    int requests = 0;
    Serve([&](Http2Session& session, ServerConnection& connection) -> awaitable<void> {
      if (reused) co_await session.Answer(co_await session.ReadRequest(), "ok");
      for (;;) {
        const uint32_t stream = co_await session.ReadRequest();
        ++requests;
        if (how == "goaway") co_await session.GoAway(stream);
        // Not our stream, and no other: certain by the protocol, but only newer libcurls tell.
        if (how == "early goaway") co_await session.GoAway(reused ? stream - 2 : 0);
        if (how == "close" || how.ends_with("goaway")) co_return co_await connection.Close();
        if (how == "reset") co_return connection.Reset();
        co_await session.ResetStream(
            stream, how == "http/1.1" ? Http2Session::kHttp11Required : Http2Session::kNoError);
      }
    });
    client_ = NewClient();
    const int accepted = server_->accepted();
    if (reused) ASSERT_THAT(Run(*client_, Post(server_->Url(), "x")), Answered(200));
    const HttpOutcome outcome = Run(*client_, Post(server_->Url(), "x"));
    if (how != "early goaway" || !outcome.not_sent) EXPECT_THAT(outcome, InDoubt(""));
    EXPECT_EQ(requests, 1);
    EXPECT_EQ(server_->accepted(), accepted + 1);
  }
}

INSTANTIATE_TEST_SUITE_P(All, LostStreamTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Reused" : "Fresh"; });

class IdleHttp2Test : public Http2ClientTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(IdleHttp2Test, ConnectionThatEndedWhileIdleIsReplaced) {
  const std::string how = GetParam();
  bool idle = false;
  int ended = 0;
  Serve([&](Http2Session& session, ServerConnection& connection) -> awaitable<void> {
    const uint32_t stream = co_await session.ReadRequest();
    co_await session.Answer(stream, "ok");
    while (!idle) co_await boost::asio::post(loop_.context(), boost::asio::use_awaitable);
    if (how != "Close") co_await session.GoAway(stream);
    if (how != "GoAway") co_await connection.Close();
    ++ended;
    if (how == "GoAway") co_await session.ReadRequest();
  });
  for (int i = 1; i <= 3; ++i) {
    EXPECT_THAT(Run(*client_, Post(server_->Url(), "x")), Answered(200));
    idle = true;
    loop_.RunUntil([&] { return ended == i; });
    idle = false;
  }
  EXPECT_EQ(server_->accepted(), 3);
}

INSTANTIATE_TEST_SUITE_P(All, IdleHttp2Test, ::testing::Values("Close", "GoAway", "GoAwayAndClose"),
                         [](const auto& info) { return info.param; });

TEST_F(Http2ClientTest, FramesOnAnIdleConnectionDoNotEndIt) {
  bool idle = false;
  bool pinged = false;
  Serve([&](Http2Session& session, ServerConnection&) -> awaitable<void> {
    co_await session.Answer(co_await session.ReadRequest(), "ok");
    while (!idle) co_await boost::asio::post(loop_.context(), boost::asio::use_awaitable);
    co_await session.Ping();
    pinged = true;
    co_await session.Answer(co_await session.ReadRequest(), "ok");
    co_await session.ReadRequest();
  });
  ASSERT_THAT(Run(*client_, Post(server_->Url(), "x")), Answered(200));
  idle = true;
  loop_.RunUntil([&] { return pinged; });
  EXPECT_THAT(Run(*client_, Post(server_->Url(), "x")), Answered(200));
  EXPECT_EQ(server_->accepted(), 1);
}

}  // namespace
}  // namespace grantkeep::testing
