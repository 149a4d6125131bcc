// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tcp_relay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/eventually.h"
#include "tests/support/redis_server.h"

namespace grantkeep::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Ending = TcpRelay::Ending;
using Way = TcpRelay::Way;

auto Fails(const char* why) { return ThrowsMessage<std::runtime_error>(HasSubstr(why)); }

// Whether nothing comes for a moment, after a command if there is one.
bool IsSilent(RedisClient& client, const std::vector<std::string>& command = {}) {
  client.SetTimeout(milliseconds(100));
  try {
    command.empty() ? client.Read() : client.Command(command);
    return false;
  } catch (const std::runtime_error& error) {
    return std::string(error.what()).find("no answer in time") != std::string::npos;
  }
}

class Relay : public ::testing::Test {
 protected:
  Relay() { server_.Start(); }

  RedisServer server_;
  TcpRelay relay_{server_.port()};
};

TEST_F(Relay, PassesOnWhatBothSidesSend) {
  const std::string large(1'000'000, 'x');
  RedisClient client(relay_.port());

  EXPECT_EQ(client.Command({"SET", "key", large}).text, "OK");
  EXPECT_EQ(client.Command({"GET", "key"}).text, large);

  EXPECT_EQ(relay_.connections(), 1U);
  EXPECT_GT(relay_.bytes(Way::kToServer), large.size());
  EXPECT_GT(relay_.bytes(Way::kToClient), large.size());
  EXPECT_EQ(relay_.bytes(Way::kBoth), relay_.bytes(Way::kToServer) + relay_.bytes(Way::kToClient));
}

TEST_F(Relay, StandsInFrontOfAUnixSocketToo) {
  TcpRelay relay(server_.unix_socket());

  EXPECT_EQ(RedisClient(relay.port()).Command({"PING"}).text, "PONG");
}

TEST_F(Relay, PassesOnTheEndOfEitherSide) {
  {
    RedisClient client(relay_.port());
    client.Command({"CLIENT", "SETNAME", "one"});
    ASSERT_EQ(relay_.open_connections(), 1U);
  }
  EXPECT_TRUE(Eventually([&] { return relay_.open_connections() == 0; }));
  EXPECT_TRUE(Eventually(
      [&] { return server_.Command({"CLIENT", "LIST"}).text.find("name=one") == std::string::npos; }));

  RedisClient client(relay_.port());
  client.Command({"PING"});
  server_.Kill();
  EXPECT_THAT([&] { client.Read(); },
              ThrowsMessage<std::runtime_error>(AnyOf(HasSubstr("ended"), HasSubstr("reset"))));
}

TEST_F(Relay, ResetsClientsWhileTheServerIsNotThere) {
  server_.Stop();
  EXPECT_THROW(RedisClient(relay_.port()).Command({"PING"}), std::runtime_error);

  server_.Start();
  EXPECT_EQ(RedisClient(relay_.port()).Command({"PING"}).text, "PONG");
}

TEST_F(Relay, DelaysEachWay) {
  const auto time_of_ping = [&](RedisClient& client) {
    const auto begin = std::chrono::steady_clock::now();
    client.Command({"PING"});
    return std::chrono::steady_clock::now() - begin;
  };
  RedisClient client(relay_.port());

  relay_.SetDelay(milliseconds(60));
  EXPECT_GE(time_of_ping(client), milliseconds(120));
  relay_.SetDelay(milliseconds(60), {}, Way::kToClient);
  EXPECT_GE(time_of_ping(client), milliseconds(60));
  EXPECT_EQ(client.Command({"ECHO", "in order"}).text, "in order");
}

TEST_F(Relay, ABlackHoleTakesBytesAndGivesNone) {
  RedisClient client(relay_.port());
  ASSERT_EQ(client.Command({"PING"}).text, "PONG");

  relay_.BlackHole(true);
  EXPECT_TRUE(IsSilent(client, {"SET", "key", "value"}));
  EXPECT_TRUE(server_.Command({"GET", "key"}).nil);

  relay_.BlackHole(false);
  EXPECT_TRUE(IsSilent(client, {"PING"}));
  EXPECT_EQ(RedisClient(relay_.port()).Command({"PING"}).text, "PONG");
}

TEST_F(Relay, ABlackHoleForAnswersLetsCommandsThrough) {
  RedisClient client(relay_.port());
  relay_.BlackHole(true, {}, Way::kToClient);

  EXPECT_TRUE(IsSilent(client, {"SET", "key", "value"}));
  EXPECT_TRUE(Eventually([&] { return server_.Command({"GET", "key"}).text == "value"; }));
}

TEST_F(Relay, ABlackHoleTakesTheEndOfAConnectionToo) {
  RedisClient client(relay_.port());
  client.Command({"PING"});
  relay_.BlackHole(true);

  server_.Kill();
  EXPECT_TRUE(IsSilent(client));
}

TEST_F(Relay, HitsOnlyTheConnectionThatHasSentSomething) {
  RedisClient client(relay_.port());
  RedisClient subscriber(relay_.port());
  subscriber.Command({"SUBSCRIBE", "news"});

  relay_.BlackHole(true, {.sent = "SUBSCRIBE"});

  EXPECT_EQ(client.Command({"PUBLISH", "news", "hello"}).text, "1");
  EXPECT_TRUE(IsSilent(subscriber));
}

TEST_F(Relay, HitsOnlyTheConnectionOfANumber) {
  RedisClient first(relay_.port());
  RedisClient second(relay_.port());
  ASSERT_EQ(first.Command({"PING"}).text, "PONG");
  relay_.BlackHole(true, {.number = 1});

  EXPECT_TRUE(IsSilent(second, {"PING"}));
  EXPECT_EQ(first.Command({"PING"}).text, "PONG");
  EXPECT_EQ(RedisClient(relay_.port()).Command({"PING"}).text, "PONG");
}

TEST_F(Relay, ResetsOpenConnections) {
  RedisClient client(relay_.port());
  RedisClient subscriber(relay_.port());
  client.Command({"PING"});
  subscriber.Command({"SUBSCRIBE", "news"});

  relay_.ResetAll({.sent = "SUBSCRIBE"});
  EXPECT_THAT([&] { subscriber.Read(); }, Fails("reset"));
  EXPECT_EQ(client.Command({"PING"}).text, "PONG");

  relay_.ResetAll();
  EXPECT_THAT([&] { client.Read(); }, Fails("reset"));
  EXPECT_EQ(RedisClient(relay_.port()).Command({"PING"}).text, "PONG");
}

TEST_F(Relay, ResetsInTheMiddleOfAnAnswer) {
  server_.Command({"SET", "key", "0123456789"});
  boost::asio::io_context context;
  boost::asio::ip::tcp::socket client(context);
  client.connect({boost::asio::ip::address_v4::loopback(), relay_.port()});
  const auto get = [&] {
    std::string answer;
    boost::system::error_code error;
    boost::asio::write(client, boost::asio::buffer("GET key\r\n", 9));
    boost::asio::read(client, boost::asio::dynamic_buffer(answer), boost::asio::transfer_exactly(17), error);
    return std::pair(answer, error);
  };
  ASSERT_EQ(get().first, "$10\r\n0123456789\r\n");

  relay_.ResetAfterBytes(17 + 9, {.open_now = true});

  EXPECT_EQ(get().first, "$10\r\n0123456789\r\n");
  const auto [half, error] = get();
  EXPECT_EQ(half, "$10\r\n0123");
  EXPECT_EQ(error, boost::asio::error::connection_reset);
  // Not one that came later.
  EXPECT_EQ(RedisClient(relay_.port()).Command({"MGET", "key", "key", "key"}).elements.size(), 3U);
}

TEST_F(Relay, ACutIsCountedFromWhenAConnectionIsHit) {
  relay_.ResetAfterBytes(0, {.sent = "GET"});
  RedisClient client(relay_.port());

  EXPECT_EQ(client.Command({"SET", "key", "value"}).text, "OK");
  EXPECT_THAT([&] { client.Command({"GET", "key"}); }, Fails("reset"));
  EXPECT_EQ(RedisClient(relay_.port()).Command({"PING"}).text, "PONG");
  relay_.Heal();
  EXPECT_EQ(RedisClient(relay_.port()).Command({"GET", "key"}).text, "value");
}

TEST_F(Relay, AnswersMayAlsoEndInOrderOrInSilence) {
  relay_.CutAnswersAfter(7, Ending::kClose);
  RedisClient closed(relay_.port());
  EXPECT_EQ(closed.Command({"PING"}).text, "PONG");
  EXPECT_THAT([&] { closed.Read(); }, Fails("ended"));

  relay_.CutAnswersAfter(9, Ending::kSilence);
  RedisClient silent(relay_.port());
  EXPECT_EQ(silent.Command({"PING"}).text, "PONG");
  EXPECT_TRUE(IsSilent(silent, {"SET", "key", "value"}));
  EXPECT_TRUE(Eventually([&] { return server_.Command({"GET", "key"}).text == "value"; }));
}

TEST_F(Relay, RefusesNewConnectionsAndTakesThemAgain) {
  RedisClient client(relay_.port());
  client.Command({"PING"});

  relay_.Refuse(true);
  EXPECT_THAT([&] { RedisClient{relay_.port()}; }, Fails("refused"));
  EXPECT_EQ(client.Command({"PING"}).text, "PONG");

  relay_.Refuse(false);
  EXPECT_EQ(RedisClient(relay_.port()).Command({"PING"}).text, "PONG");
}

}  // namespace
}  // namespace grantkeep::testing
