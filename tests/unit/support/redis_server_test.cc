// SPDX-License-Identifier: Apache-2.0
#include "tests/support/redis_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include "tests/support/eventually.h"

namespace grantkeep::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(RedisServer, AnswersOnItsPortAndOnItsSocket) {
  RedisServer server;
  server.Start();

  RedisClient by_port(server.port());
  EXPECT_EQ(by_port.Command({"SET", "key", "a value\r\nof two lines"}).text, "OK");
  EXPECT_EQ(server.Command({"GET", "key"}).text, "a value\r\nof two lines");
  EXPECT_EQ(server.url(), "redis://127.0.0.1:" + std::to_string(server.port()) + "/0");
  EXPECT_EQ(server.unix_url(), "unix://" + server.unix_socket().string() + "?db=0");
}

TEST(RedisServer, RepliesKeepTheirShape) {
  RedisServer server;
  server.Start();

  EXPECT_EQ(server.Command({"INCRBY", "count", "7"}).text, "7");
  EXPECT_TRUE(server.Command({"GET", "nothing"}).nil);
  const RedisReply values = server.Command({"MGET", "count", "nothing"});
  ASSERT_EQ(values.elements.size(), 2U);
  EXPECT_EQ(values.elements[0].text, "7");
  EXPECT_TRUE(values.elements[1].nil);
  EXPECT_THAT([&] { server.Command({"LPUSH", "count", "x"}); },
              ThrowsMessage<std::runtime_error>(HasSubstr("WRONGTYPE")));
  EXPECT_EQ(server.Info("role"), "master");
  EXPECT_EQ(server.Info("no_such_field"), "");
}

TEST(RedisServer, MessagesOfASubscriptionAreRead) {
  RedisServer server;
  server.Start();
  const auto subscriber = server.Connect();
  subscriber->Command({"SUBSCRIBE", "news"});

  server.Command({"PUBLISH", "news", "hello"});

  EXPECT_EQ(subscriber->Read().elements.at(2).text, "hello");
}

TEST(RedisServer, KeepsPortAndFilesAcrossRestartsButNotItsMemory) {
  RedisServer server;
  server.Start();
  const uint16_t port = server.port();
  server.Command({"SET", "key", "value"});
  server.Command({"CONFIG", "SET", "maxmemory", "104857600"});
  server.Command({"CONFIG", "REWRITE"});

  server.Restart();

  EXPECT_EQ(server.port(), port);
  EXPECT_TRUE(RedisClient(port).Command({"GET", "key"}).nil);
  EXPECT_EQ(server.Command({"CONFIG", "GET", "maxmemory"}).elements.at(1).text, "104857600");
}

TEST(RedisServer, KeepsItsDataIfConfiguredToAndKilled) {
  RedisServer server({.configuration = {"appendonly yes", "appendfsync always"}});
  server.Start();
  server.Command({"SET", "key", "value"});

  server.Kill();
  EXPECT_FALSE(server.running());
  EXPECT_THROW(server.Command({"PING"}), std::runtime_error);
  EXPECT_THROW(RedisClient{server.port()}, std::runtime_error);
  server.Start();

  EXPECT_EQ(server.Command({"GET", "key"}).text, "value");
}

TEST(RedisServer, DoesNothingWhilePaused) {
  RedisServer server;
  server.Start();

  server.Pause();
  EXPECT_FALSE(server.running());
  EXPECT_THAT([&] { server.Command({"SET", "key", "value"}, std::chrono::milliseconds(50)); },
              ThrowsMessage<std::runtime_error>(HasSubstr("no answer in time")));
  server.Continue();
  EXPECT_EQ(server.Command({"PING"}).text, "PONG");

  server.Pause();
  server.Stop();
  EXPECT_THAT(server.Output(), HasSubstr("bye bye"));
}

TEST(RedisServer, SaysWhyItDoesNotStart) {
  RedisServer server({.configuration = {"maxmemory a-lot"}});

  EXPECT_THAT([&] { server.Start(); }, ThrowsMessage<std::runtime_error>(HasSubstr("maxmemory a-lot")));
}

TEST(RedisServer, HasTheUsersItIsGivenAndOneOfTheTests) {
  RedisServer server({.users = {"default off", "keeper on >secret ~keeper:* &* +@all"}});
  server.Start();

  RedisClient client(server.port());
  EXPECT_THAT([&] { client.Command({"PING"}); }, ThrowsMessage<std::runtime_error>(HasSubstr("NOAUTH")));
  EXPECT_THROW(client.Command({"AUTH", "keeper", "wrong"}), std::runtime_error);
  EXPECT_EQ(client.Command({"AUTH", "keeper", "secret"}).text, "OK");
  EXPECT_EQ(client.Command({"SET", "keeper:key", "value"}).text, "OK");
  EXPECT_THAT([&] { client.Command({"GET", "other"}); },
              ThrowsMessage<std::runtime_error>(HasSubstr("NOPERM")));
  EXPECT_EQ(server.Command({"GET", "keeper:key"}).text, "value");
}

TEST(RedisServer, AReplicaFollowsItsMaster) {
  RedisServer master({.users = {"default off"}});
  RedisServer replica(RedisServer::ReplicaOf(master));
  master.Start();
  replica.Start();
  ASSERT_TRUE(Eventually([&] { return replica.Info("master_link_status") == "up"; }));

  const auto client = master.Connect();
  client->Command({"SET", "key", "value"});

  EXPECT_EQ(client->Command({"WAIT", "1", "20000"}).text, "1");
  EXPECT_EQ(replica.Command({"GET", "key"}).text, "value");
  EXPECT_THAT([&] { replica.Command({"SET", "key", "other"}); },
              ThrowsMessage<std::runtime_error>(HasSubstr("READONLY")));
}

// What a TLS client that trusts `ca` gets for a PING; throws when there is no such connection.
std::string PingOverTls(const RedisServer& server, const TestCa& ca, bool with_certificate) {
  namespace ssl = boost::asio::ssl;
  boost::asio::io_context context;
  ssl::context tls(ssl::context::tls_client);
  tls.load_verify_file(ca.file());
  tls.set_verify_mode(ssl::verify_peer);
  if (with_certificate) {
    tls.use_certificate_file(server.certificate_file(), ssl::context::pem);
    tls.use_private_key_file(server.key_file(), ssl::context::pem);
  }
  ssl::stream<boost::asio::ip::tcp::socket> stream(context, tls);
  stream.set_verify_callback(ssl::host_name_verification("127.0.0.1"));
  stream.next_layer().connect({boost::asio::ip::address_v4::loopback(), server.port()});
  stream.handshake(ssl::stream_base::client);
  boost::asio::write(stream, boost::asio::buffer("PING\r\n", 6));
  std::string answer;
  boost::asio::read_until(stream, boost::asio::dynamic_buffer(answer), "\r\n");
  return answer;
}

TEST(RedisServer, SpeaksTlsAndAsksForClientCertificatesIfToldTo) {
  const TestCa ca;
  const TestCa other_ca;
  RedisServer open({.tls = RedisServer::Tls::kOn, .ca = &ca});
  RedisServer strict({.tls = RedisServer::Tls::kClientCertificates, .ca = &ca});
  open.Start();
  strict.Start();

  EXPECT_EQ(open.url(), "rediss://127.0.0.1:" + std::to_string(open.port()) + "/0");
  EXPECT_EQ(PingOverTls(open, ca, false), "+PONG\r\n");
  EXPECT_THROW(PingOverTls(open, other_ca, false), boost::system::system_error);
  EXPECT_EQ(PingOverTls(strict, ca, true), "+PONG\r\n");
  EXPECT_THROW(PingOverTls(strict, ca, false), boost::system::system_error);
  EXPECT_EQ(strict.Command({"PING"}).text, "PONG");
}

TEST(RedisServer, ReplicatesOverTls) {
  const TestCa ca;
  const RedisServer::Options tls = {.tls = RedisServer::Tls::kClientCertificates, .ca = &ca};
  RedisServer master(tls);
  RedisServer replica(RedisServer::ReplicaOf(master, tls));
  master.Start();
  replica.Start();

  EXPECT_TRUE(Eventually([&] { return replica.Info("master_link_status") == "up"; }));
}

// Whoever asks for any port gets none that a test's server is going to come back to.
TEST(ReservedPort, IsRefusedWhileNobodyListensAndGivenToNobodyElse) {
  const ReservedPort port;
  boost::asio::io_context context;
  const boost::asio::ip::tcp::endpoint endpoint(boost::asio::ip::address_v4::loopback(), port.number());

  boost::asio::ip::tcp::socket client(context);
  EXPECT_THROW(client.connect(endpoint), boost::system::system_error);
  const bool reuse_address = true;
  EXPECT_NO_THROW(boost::asio::ip::tcp::acceptor(context, endpoint, reuse_address));
  EXPECT_THROW(boost::asio::ip::tcp::acceptor(context, endpoint, false), boost::system::system_error);
}

}  // namespace
}  // namespace grantkeep::testing
