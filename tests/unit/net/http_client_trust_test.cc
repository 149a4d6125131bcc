// SPDX-License-Identifier: Apache-2.0
// Whom the client talks to: certificates, addresses, connection pools, proxies.
#include <openssl/ssl.h>

#include "tests/unit/net/http_client_fixture.h"

namespace grantkeep::testing {
namespace {

using boost::asio::awaitable;

CidrBlock Block(std::string_view text) { return *CidrBlock::Parse(text); }

TEST_F(HttpClientTest, CertificateOfAnotherCaIsRefusedBeforeAnythingIsSent) {
  const TestCa other;
  HttpFixture::Options options;
  options.ca = &other;
  HttpFixture server(loop_.context(), options);
  auto client = NewClient();
  EXPECT_THAT(Run(*client, Post(server.Url(), "x")), NotSent("certificate is refused"));
  EXPECT_EQ(server.requests().size(), 0u);
}

TEST_F(HttpClientTest, SystemBundleDoesNotStandInForTheCaFile) {
  auto server = NewServer();
  HttpClientOptions options = Development();
  options.ca_file = "";
  auto client = NewClient(options);
  EXPECT_THAT(Run(*client, Get(server->Url())), NotSent("certificate is refused"));
}

TEST_F(HttpClientTest, CertificateForAnotherHostIsRefused) {
  HttpFixture::Options options;
  options.ca = &ca_;
  options.names = {"other.example", "127.0.0.2"};
  HttpFixture server(loop_.context(), options);
  auto client = NewClient();
  EXPECT_THAT(Run(*client, Post(server.Url("localhost", "/"), "x")), NotSent("for another host"));
  EXPECT_THAT(Run(*client, Post(server.Url("127.0.0.1", "/"), "x")), NotSent("for another host"));
}

TEST_F(HttpClientTest, TlsBefore12IsRefused) {
  HttpFixture::Options options;
  options.ca = &ca_;
  options.max_tls_version = TLS1_1_VERSION;
  HttpFixture old(loop_.context(), options);
  options.max_tls_version = TLS1_2_VERSION;
  HttpFixture good(loop_.context(), options);
  auto client = NewClient();
  EXPECT_THAT(Run(*client, Post(old.Url(), "x")), NotSent("SSL"));
  EXPECT_THAT(Run(*client, Post(good.Url(), "x")), Answered(200));
}

TEST_F(HttpClientTest, SpecialUseAddressesNeedToBeAllowedPerRequest) {
  auto server = NewServer();
  HttpClientOptions options = Development();
  options.allow_plaintext_loopback = false;
  auto client = NewClient(options);
  // By name: found at the socket. By address: also before.
  EXPECT_THAT(Run(*client, Post(server->Url("localhost", "/"), "x")), NotSent("not allowed"));
  EXPECT_THAT(Run(*client, Post(server->Url("127.0.0.1", "/"), "x")), NotSent("not allowed"));
  EXPECT_THAT(Run(*client, Post(server->Url("0x7f.1", "/"), "x")), NotSent("not allowed"));

  HttpRequest allowed = Post(server->Url("localhost", "/"), "x");
  allowed.allow_private = {Block("10.0.0.0/8"), Block("127.0.0.0/8")};
  EXPECT_THAT(Run(*client, std::move(allowed)), Answered(200));
  HttpRequest other_range = Post(server->Url("localhost", "/"), "x");
  other_range.allow_private = {Block("10.0.0.0/8")};
  EXPECT_THAT(Run(*client, std::move(other_range)), NotSent("not allowed"));
  EXPECT_EQ(server->accepted(), 1);
}

TEST_F(HttpClientTest, UntrustedUrlsNeverReachSpecialUseAddresses) {
  auto server = NewServer();
  HttpClientOptions options = Development();
  options.allow_plaintext_loopback = false;
  auto client = NewClient(options);
  for (const char* host : {"localhost", "127.0.0.1"}) {
    HttpRequest request = Post(server->Url(host, "/"), "x");
    request.untrusted_url = true;
    request.allow_private = {Block("127.0.0.0/8")};
    EXPECT_THAT(Run(*client, std::move(request)), NotSent("not allowed"));
  }
  auto development = NewClient();
  HttpRequest request = Post(server->Url(), "x");
  request.untrusted_url = true;
  EXPECT_THAT(Run(*development, std::move(request)), Answered(200))
      << "loopback, with the development switch";
}

TEST_F(HttpClientTest, ReusedConnectionDoesNotBypassStricterRules) {
  auto server = NewServer();
  HttpClientOptions options = Development();
  options.allow_plaintext_loopback = false;
  auto client = NewClient(options);
  const auto with = [&](std::vector<CidrBlock> allowed) {
    HttpRequest request = Post(server->Url("localhost", "/"), "x");
    request.allow_private = std::move(allowed);
    return request;
  };
  ASSERT_THAT(Run(*client, with({Block("127.0.0.0/8"), Block("fd00::/8")})), Answered(200));
  EXPECT_THAT(Run(*client, with({})), NotSent("not allowed")) << "although a connection stands";
  EXPECT_THAT(Run(*client, with({Block("127.0.0.0/8"), Block("fd00::/8")})), Answered(200));
  EXPECT_THAT(Run(*client, with({Block("fd00::/8"), Block("127.0.0.0/8"), Block("fd00::/8")})),
              Answered(200));
  EXPECT_EQ(server->accepted(), 1) << "the same rules in another order share it";
}

TEST_F(HttpClientTest, ConfiguredAndUntrustedUrlsNeverShareAConnection) {
  auto server = NewServer();
  auto client = NewClient();
  for (int round = 0; round < 2; ++round) {
    for (const bool untrusted : {false, true}) {
      HttpRequest request = Get(server->Url());
      request.untrusted_url = untrusted;
      ASSERT_THAT(Run(*client, std::move(request)), Answered(200));
    }
  }
  EXPECT_EQ(server->accepted(), 2);
}

// A CONNECT proxy that plays the target itself, with certificates for any name of the test.
class ProxyTest : public HttpClientTest {
 protected:
  ProxyTest() {
    HttpFixture::Options options;
    options.ca = &ca_;
    options.names = {"api.example", "8.8.8.8"};
    target_ = std::make_unique<HttpFixture>(loop_.context(), options);
    proxy_ = std::make_unique<HttpFixture>(loop_.context(), HttpFixture::Options());
    proxy_->OnConnection([this](ServerConnection& connection) -> awaitable<void> {
      std::optional<ReceivedRequest> connect = co_await connection.ReadRequest();
      if (!connect) co_return;
      connects_.push_back(*connect);
      co_await connection.Write(connect_answer_);
      if (!connect_answer_.starts_with("HTTP/1.1 200")) co_return;
      co_await connection.StartTls(target_->tls_context());
      while (std::optional<ReceivedRequest> request = co_await connection.ReadRequest()) {
        requests_.push_back(*request);
        co_await connection.Write(HttpFixture::Answer(200, "through the proxy"));
      }
    });
    HttpClientOptions client_options = Development();
    client_options.allow_plaintext_loopback = false;
    client_options.proxy = proxy_->Url("");
    client_ = NewClient(client_options);
  }

  std::unique_ptr<HttpFixture> target_;
  std::unique_ptr<HttpFixture> proxy_;
  std::string connect_answer_ = "HTTP/1.1 200 Connected\r\nProxy-Header: x\r\n\r\n";
  std::vector<ReceivedRequest> connects_;
  std::vector<ReceivedRequest> requests_;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(ProxyTest, RequestsTravelInATunnelWhoseMakerSeesNoHeader) {
  HttpRequest request = Post("https://api.example/token", "secret body");
  request.headers.push_back({"Authorization", Secret("Basic abc=")});
  const HttpOutcome outcome = Run(*client_, std::move(request));
  ASSERT_THAT(outcome, Answered(200));
  EXPECT_EQ(outcome.response->body.Expose(), "through the proxy");
  EXPECT_EQ(outcome.response->Header("proxy-header"), std::nullopt);
  ASSERT_EQ(connects_.size(), 1u);
  EXPECT_EQ(connects_[0].method, "CONNECT");
  EXPECT_EQ(connects_[0].target, "api.example:443");
  EXPECT_FALSE(connects_[0].headers.contains("authorization"));
  ASSERT_EQ(requests_.size(), 1u);
  EXPECT_EQ(requests_[0].body, "secret body");
}

TEST_F(ProxyTest, RefusalOfTheTunnelIsNotSent) {
  connect_answer_ = "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n";
  EXPECT_THAT(Run(*client_, Post("https://api.example/", "x")), NotSent("https://api.example:443"));
  EXPECT_EQ(connects_.size(), 1u);
}

TEST_F(ProxyTest, AddressesWrittenInTheUrlAreChecked) {
  EXPECT_THAT(Run(*client_, Get("https://10.0.0.1/")), NotSent("not allowed"));
  EXPECT_THAT(Run(*client_, Get("https://[::ffff:10.0.0.1]/")), NotSent("not allowed"));
  EXPECT_THAT(Run(*client_, Get("https://8.8.8.8/")), Answered(200));
  EXPECT_EQ(connects_.size(), 1u);
}

TEST_F(ProxyTest, LoopbackDoesNotGoThroughTheProxy) {
  auto server = NewServer();
  HttpRequest request = Get(server->Url("localhost", "/"));
  request.allow_private = {Block("127.0.0.0/8")};
  EXPECT_THAT(Run(*client_, std::move(request)), Answered(200));
  EXPECT_EQ(proxy_->accepted(), 0);
  EXPECT_EQ(server->accepted(), 1);
}

}  // namespace
}  // namespace grantkeep::testing
