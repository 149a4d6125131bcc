// SPDX-License-Identifier: Apache-2.0
// The loop is never blocked, and a client may go at any time.
#include <dlfcn.h>
#include <netdb.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <cstring>
#include <future>
#include <mutex>

#include "net/loop.h"
#include "tests/unit/net/http_client_fixture.h"

namespace grantkeep::testing {
namespace {

using boost::asio::awaitable;

constexpr char kHangingHost[] = "hang.test";

// While one lives, looking up kHangingHost does not return.
class HangingResolver {
 public:
  HangingResolver() { Instance() = this; }
  ~HangingResolver() {
    std::unique_lock lock(mutex_);
    released_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return hanging_ == 0; });
    Instance() = nullptr;
  }

  void Hang() {
    std::unique_lock lock(mutex_);
    ++hanging_;
    ++lookups_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return released_; });
    --hanging_;
    changed_.notify_all();
  }
  void AwaitLookups(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return lookups_ >= count; });
  }
  int hanging() {
    const std::lock_guard lock(mutex_);
    return hanging_;
  }

  static std::atomic<HangingResolver*>& Instance() {
    static std::atomic<HangingResolver*> instance = nullptr;
    return instance;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool released_ = false;
  int hanging_ = 0;
  int lookups_ = 0;
};

}  // namespace
}  // namespace grantkeep::testing

// Stands before the C library's for this whole program, libcurl's threads included.
extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** result) {
  using grantkeep::testing::HangingResolver;
  if (host != nullptr && std::strcmp(host, grantkeep::testing::kHangingHost) == 0) {
    if (HangingResolver* resolver = HangingResolver::Instance()) resolver->Hang();
    return EAI_FAIL;
  }
  static const auto real = reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return real(host, service, hints, result);
}

namespace grantkeep::testing {
namespace {

const std::string kHangingUrl = std::string("https://") + kHangingHost + "/";

TEST_F(HttpClientTest, FailedNameResolutionIsNotSent) {
  auto client = NewClient();
  EXPECT_THAT(Run(*client, Post(kHangingUrl, "x")), NotSent("resolve"));
}

TEST_F(HttpClientTest, HangingResolverIsNotSentAtTheDeadline) {
  HangingResolver resolver;
  auto client = NewClient();
  EXPECT_THAT(Run(*client, Post(kHangingUrl, "x", kShort)), NotSent("no connection by the deadline"));
  EXPECT_EQ(resolver.hanging(), 1) << "the answer did not wait for the resolver";
}

TEST_F(HttpClientTest, HangingResolverLeavesTheLoopLagUnder20Milliseconds) {
  constexpr auto kLimit = std::chrono::milliseconds(20);
  // Longer than the loop's 100 ms heartbeat.
  constexpr auto kDeadline = std::chrono::milliseconds(150);
  HangingResolver resolver;
  Duration lag = Duration::max();
  // A busy machine may disturb a round; a loop that waits for the resolver fails in all of them.
  for (int round = 0; round < 5 && lag >= kLimit; ++round) {
    Loop loop("test");
    std::promise<HttpOutcome> outcome;
    std::promise<void> destroyed;
    auto task = [&]() -> awaitable<void> {
      auto client = *CreateHttpClient(loop.context(), Development());
      loop.TakeMaxLag();  // reading the certificates is not the resolver's
      HttpRequest request = Post(kHangingUrl, "x", kDeadline);
      outcome.set_value(co_await client->Send(std::move(request)));
      client.reset();
      destroyed.set_value();
    };
    Spawn(loop.context(), task());
    EXPECT_THAT(outcome.get_future().get(), NotSent("no connection by the deadline"));
    destroyed.get_future().get();
    lag = loop.TakeMaxLag();
  }
  EXPECT_LT(lag, kLimit);
}

TEST_F(HttpClientTest, DestroyingTheClientDoesNotWaitForTheResolver) {
  HangingResolver resolver;
  auto client = NewClient();
  auto outcome = loop_.Start(client->Send(Post(kHangingUrl, "x")));
  loop_.RunUntil([&] { return resolver.hanging() == 1; });
  client.reset();
  EXPECT_EQ(resolver.hanging(), 1);
  loop_.RunReady();
  ASSERT_TRUE(outcome->has_value());
  EXPECT_THAT(**outcome, NotSent("client was closed"));
}

TEST_F(HttpClientTest, DestroyingTheClientEndsRequestsUnderWay) {
  auto server = NewServer();
  int arrived = 0;
  server->OnConnection([&](ServerConnection& connection) -> awaitable<void> {
    co_await connection.ReadRequest();
    ++arrived;
    co_await connection.ReadRequest();
  });
  auto client = NewClient();
  auto sent = loop_.Start(client->Send(Post(server->Url(), "x")));
  auto also_sent = loop_.Start(client->Send(Post(server->Url(), "x")));
  loop_.RunUntil([&] { return arrived == 2; });
  auto started = loop_.Start(client->Send(Post(server->Url(), "x")));
  loop_.RunReady();
  client.reset();
  loop_.RunUntil([&] { return sent->has_value() && also_sent->has_value() && started->has_value(); });
  EXPECT_THAT(**sent, InDoubt("client was closed"));
  EXPECT_THAT(**also_sent, InDoubt("client was closed"));
  EXPECT_FALSE((**started).response.has_value());
  loop_.RunUntil([&] { return server->open() == 0; });
}

TEST_F(HttpClientTest, CancelledRequestEndsAtOnce) {
  auto server = NewServer();
  bool arrived = false;
  server->OnConnection([&](ServerConnection& connection) -> awaitable<void> {
    co_await connection.ReadRequest();
    arrived = true;
    co_await connection.ReadRequest();
  });
  auto client = NewClient();
  boost::asio::cancellation_signal cancel;
  std::optional<HttpOutcome> outcome;
  boost::asio::co_spawn(
      loop_.context(), client->Send(Post(server->Url(), "x")),
      boost::asio::bind_cancellation_slot(
          cancel.slot(), [&](const std::exception_ptr&, HttpOutcome ended) { outcome = std::move(ended); }));
  loop_.RunUntil([&] { return arrived; });
  cancel.emit(boost::asio::cancellation_type::terminal);
  loop_.RunUntil([&] { return outcome.has_value(); });
  EXPECT_THAT(*outcome, InDoubt("cancelled"));
  loop_.RunUntil([&] { return server->open() == 0; });
}

TEST_F(HttpClientTest, LoopMayEndWithRequestsUnderWay) {
  std::promise<void> arrived;
  Loop loop("test");
  auto server =
      std::make_unique<HttpFixture>(loop.context(), HttpFixture::Options{.ca = &ca_, .names = {"localhost"}});
  server->OnConnection([&](ServerConnection& connection) -> awaitable<void> {
    co_await connection.ReadRequest();
    arrived.set_value();
    co_await connection.ReadRequest();
  });
  auto client = *CreateHttpClient(loop.context(), Development());
  auto task = [&]() -> awaitable<void> {
    HttpRequest request = Post(server->Url(), "x");
    co_await client->Send(std::move(request));
    ADD_FAILURE() << "the server does not answer";
  };
  Spawn(loop.context(), task());
  arrived.get_future().get();
  loop.Stop();
  client.reset();
}

}  // namespace
}  // namespace grantkeep::testing
