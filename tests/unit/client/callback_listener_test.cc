// SPDX-License-Identifier: Apache-2.0
#include "client/cli/callback_listener.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

namespace grantkeep::cli {
namespace {

using std::chrono::steady_clock;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kState[] = "st4te";

// A local process that connects to the listener.
class Peer {
 public:
  explicit Peer(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Peer() { close(fd_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  bool connected() const { return connected_; }
  void Send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }
  std::string ReadToEnd() const {
    std::string all;
    char buffer[4096];
    for (ssize_t got = 0; (got = recv(fd_, buffer, sizeof buffer, 0)) > 0;) {
      all.append(buffer, static_cast<size_t>(got));
    }
    return all;
  }

 private:
  int fd_;
  bool connected_ = false;
};

class CallbackListenerTest : public ::testing::Test {
 protected:
  // Listens, and waits for the callback in a thread.
  void Start(CallbackListener::Limits limits = {}) {
    auto opened = CallbackListener::Open(0, limits);
    ASSERT_TRUE(opened.ok()) << opened.status();
    listener_ = std::move(*opened);
    const auto deadline = steady_clock::now() + std::chrono::seconds(30);
    result_ = std::async(std::launch::async, [this, deadline] {
      return listener_->Wait(kState, deadline, [] { return false; });
    });
  }
  std::string Get(const std::string& target) const {
    const Peer peer(listener_->port());
    peer.Send("GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(listener_->port()) +
              "\r\n\r\n");
    return peer.ReadToEnd();
  }
  // The right callback still gets through.
  void ExpectCallbackArrives() {
    EXPECT_THAT(Get("/callback?code=c0de&state=st4te"), StartsWith("HTTP/1.1 303 "));
    const auto url = result_.get();
    ASSERT_TRUE(url.ok()) << url.status();
    EXPECT_EQ(*url, listener_->redirect_uri() + "?code=c0de&state=st4te");
  }

  std::unique_ptr<CallbackListener> listener_;
  std::future<absl::StatusOr<std::string>> result_;
};

TEST_F(CallbackListenerTest, ReturnsTheWholeCallbackUrlAndThenServesTheDonePage) {
  Start();
  EXPECT_EQ(listener_->redirect_uri(), "http://127.0.0.1:" + std::to_string(listener_->port()) + "/callback");
  ExpectCallbackArrives();
  std::thread last([this] { listener_->ServeDonePage(steady_clock::now() + std::chrono::seconds(30)); });
  EXPECT_THAT(Get("/favicon.ico"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Get("/done"), StartsWith("HTTP/1.1 200 "));
  last.join();
}

TEST_F(CallbackListenerTest, WrongRequestsDoNotEndTheWait) {
  Start();
  EXPECT_THAT(Get("/"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Get("/callback?code=x&state=wrong"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Get("/done"), StartsWith("HTTP/1.1 404 "));
  const Peer tls(listener_->port());
  tls.Send("\x16\x03\x01\x02 hello\r\n\r\n");
  EXPECT_THAT(tls.ReadToEnd(), StartsWith("HTTP/1.1 400 "));
  ExpectCallbackArrives();
}

TEST_F(CallbackListenerTest, AnEndlessRequestIsAnsweredAtTheLimit) {
  Start();
  const Peer peer(listener_->port());
  peer.Send("GET /callback?" + std::string(24 * 1024, 'a'));
  EXPECT_THAT(peer.ReadToEnd(), StartsWith("HTTP/1.1 431 "));
  const Peer headers(listener_->port());
  headers.Send("GET /callback?state=st4te HTTP/1.1\r\nA: " + std::string(1 << 20, 'a') + "\r\n\r\n");
  EXPECT_THAT(headers.ReadToEnd(), StartsWith("HTTP/1.1 431 "));
  ExpectCallbackArrives();
}

TEST_F(CallbackListenerTest, ACallbackAsLongAsTheServiceAcceptsGetsThrough) {
  Start();
  const std::string code(16'000, 'c');
  EXPECT_THAT(Get("/callback?state=st4te&code=" + code), StartsWith("HTTP/1.1 303 "));
  EXPECT_EQ(result_.get().value(), listener_->redirect_uri() + "?state=st4te&code=" + code);
}

TEST_F(CallbackListenerTest, ManySilentConnectionsDoNotKeepTheCallbackOut) {
  Start({.max_connections = 4});
  std::vector<std::unique_ptr<Peer>> silent;
  for (int i = 0; i < 60; ++i) {
    silent.push_back(std::make_unique<Peer>(listener_->port()));
    EXPECT_TRUE(silent.back()->connected());
    silent.back()->Send("GET /callb");
  }
  EXPECT_THAT(silent.front()->ReadToEnd(), IsEmpty()) << "the oldest is closed";
  ExpectCallbackArrives();
}

TEST_F(CallbackListenerTest, ASilentConnectionIsClosedInTime) {
  Start({.connection_time = std::chrono::milliseconds(20)});
  const Peer silent(listener_->port());
  EXPECT_THAT(silent.ReadToEnd(), IsEmpty());
  ExpectCallbackArrives();
}

TEST_F(CallbackListenerTest, ARequestInSinglePiecesIsPutTogether) {
  Start();
  const Peer peer(listener_->port());
  const std::string request =
      "GET /callback?state=st4te HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(listener_->port()) +
      "\r\n\r\n";
  for (const char c : request) peer.Send({&c, 1});
  EXPECT_THAT(peer.ReadToEnd(), StartsWith("HTTP/1.1 303 "));
  EXPECT_TRUE(result_.get().ok());
}

TEST(CallbackListenerDeadlineTest, NobodyComes) {
  const auto listener = CallbackListener::Open(0);
  ASSERT_TRUE(listener.ok());
  int ticks = 0;
  const auto result = (*listener)->Wait(kState, steady_clock::now() + std::chrono::milliseconds(10),
                                        [&ticks] { return ++ticks < 0; });
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_GE(ticks, 1);
}

TEST(CallbackListenerPortTest, ThePortIsSharedWithNobody) {
  const auto listener = CallbackListener::Open(0);
  ASSERT_TRUE(listener.ok());
  EXPECT_FALSE(CallbackListener::Open((*listener)->port()).ok());
  // A thief that asks for sharing does not get it either.
  const int thief = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(thief, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  setsockopt(thief, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons((*listener)->port());
  EXPECT_NE(bind(thief, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(thief);
}

TEST(CallbackListenerPortTest, OnlyLoopbackIsListenedOn) {
  const auto listener = CallbackListener::Open(0);
  ASSERT_TRUE(listener.ok());
  // 127.0.0.2 would answer if the socket were bound to every address.
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
  address.sin_port = htons((*listener)->port());
  EXPECT_NE(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(fd);
}

}  // namespace
}  // namespace grantkeep::cli
