// SPDX-License-Identifier: Apache-2.0
// GetServerStatus of the real daemon: providers' servers that are up, down, and hanging.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>

#include "tests/e2e/practice_fixture.h"

namespace grantkeep::testing {
namespace {

using boost::asio::ip::tcp;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

// A port that is bound, so that nobody else gets it. Without Listen() connections to it are refused;
// with it they are made, and nothing ever answers.
class Port {
 public:
  Port() { acceptor_.bind({boost::asio::ip::address_v4::loopback(), 0}); }
  void Listen() { acceptor_.listen(); }
  uint16_t number() const { return acceptor_.local_endpoint().port(); }

 private:
  boost::asio::io_context context_;
  tcp::acceptor acceptor_{context_, tcp::v4()};
};

class ServerStatusE2e : public PracticeTest {
 protected:
  static std::string ProviderAt(const std::string& id, uint16_t port) {
    return fmt::format(R"(
  - id: {0}
    authorization_endpoint: "http://127.0.0.1:{1}/authorize"
    token_endpoint: "http://127.0.0.1:{1}/token"
    client:
      client_id: me
      client_secrets:
        - env: NO_SUCH_VARIABLE_OF_THE_STATUS_TEST
    redirect_uris: ["http://127.0.0.1/{0}"]
)",
                       id, port);
  }
  Answer<v1::GetServerStatusResponse> Status(std::chrono::milliseconds timeout) {
    v1::GetServerStatusRequest request;
    request.set_check_providers(true);
    return world_->caller().GetServerStatus(request, timeout);
  }
};

TEST_F(ServerStatusE2e, ProvidersAreUpDownOrHanging) {
  Port down;
  Port hanging;
  hanging.Listen();
  Start(DefaultProviders() + ProviderAt("down", down.number()) + ProviderAt("hanging", hanging.number()));
  const auto begin = std::chrono::steady_clock::now();
  const auto status = Status(2s);
  ASSERT_TRUE(status.ok()) << status.status;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
  std::map<std::string, v1::ProviderStatus> by_id;
  for (const auto& provider : status->providers()) by_id[provider.provider()] = provider;

  EXPECT_EQ(by_id["practice"].reachability(), v1::REACHABILITY_REACHABLE) << by_id["practice"].problem();
  EXPECT_EQ(by_id["practice"].checked_host(), fmt::format("127.0.0.1:{}", practice_->port()));
  EXPECT_EQ(by_id["down"].reachability(), v1::REACHABILITY_UNREACHABLE);
  EXPECT_THAT(by_id["down"].problem(), Not(HasSubstr("in time")));
  EXPECT_EQ(by_id["hanging"].reachability(), v1::REACHABILITY_UNREACHABLE);
  EXPECT_THAT(by_id["hanging"].problem(), ::testing::AnyOf(HasSubstr("in time"), HasSubstr("deadline")));
  EXPECT_EQ(by_id["bot"].reachability(), v1::REACHABILITY_NOT_CHECKED);
  EXPECT_EQ(practice_->Stats().token_requests, 0u);

  ASSERT_EQ(by_id["practice"].client_secrets_size(), 1);
  EXPECT_TRUE(by_id["practice"].client_secrets(0).readable());
  ASSERT_EQ(by_id["down"].client_secrets_size(), 1);
  EXPECT_EQ(by_id["down"].client_secrets(0).reference(), "env NO_SUCH_VARIABLE_OF_THE_STATUS_TEST");
  EXPECT_FALSE(by_id["down"].client_secrets(0).readable());
  EXPECT_THAT(status->DebugString() + world_->daemon().Output(), Not(HasSubstr(kPracticeClientSecret)));
}

TEST_F(ServerStatusE2e, SaysWhoItIs) {
  Start();
  const auto status = Status(10s);
  ASSERT_TRUE(status.ok()) << status.status;
  EXPECT_THAT(status->version(), ::testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  EXPECT_TRUE(status->development());
  EXPECT_EQ(status->store().kind(), "sqlite");
  EXPECT_TRUE(status->store().available()) << status->store().problem();
  EXPECT_NEAR(static_cast<double>(status->store().time().seconds()),
              static_cast<double>(status->server_time().seconds()), 2);
  EXPECT_LE(status->start_time().seconds(), status->server_time().seconds());
}

}  // namespace
}  // namespace grantkeep::testing
