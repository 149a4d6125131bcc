// SPDX-License-Identifier: Apache-2.0
#include "refresh/same_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/reason.h"
#include "tests/support/rooms.h"

namespace grantkeep {
namespace {

using ::testing::HasSubstr;
using testing::Rooms;

// A provider in three configurations, as an operator may change it.
std::string Yaml(const std::string& server) {
  return R"(
providers:
  - id: p
    kind: oauth
    redirect_uris: [https://app.example/cb]
    client: {client_id: me}
    client_authentication: none
)" + server;
}
constexpr char kIssuer[] = "    issuer: https://as.example\n";
constexpr char kEndpoints[] = R"(
    authorization_endpoint: https://as.example/authorize
    token_endpoint: https://as.example/token
    revocation_endpoint: https://as.example/revoke
)";

class SameServer : public ::testing::Test {
 protected:
  static const Provider* Find(const Rooms& rooms) { return rooms.catalogue->Find(ProviderId("p")); }

  // What StartAuth keeps of a sign-in at the provider as it is configured there.
  storage::v1::Flow SignIn(const Rooms& at) const {
    ServerMetadata server;
    if (Find(at)->is_discovered()) {
      server.issuer = "https://as.example";
      server.token_endpoint = "https://as.example/found/token";
      server.revocation_endpoint = "https://as.example/found/revoke";
      server.discovered = true;
    } else {
      server = Find(at)->ConfiguredMetadata({});
    }
    storage::v1::Flow flow;
    flow.set_provider("p");
    KeepServer(server, {}, flow);
    return flow;
  }
  std::string WhyAnother(const storage::v1::Flow& sign_in, const Rooms& now) const {
    const auto server = ServerOf(Find(now), sign_in);
    EXPECT_TRUE(HasReason(server.status(), Reason::kClientMisconfigured)) << server.status();
    return std::string(server.status().message());
  }

  Rooms issuer_{Yaml(std::string(kIssuer) + kEndpoints)};
  Rooms no_issuer_{Yaml(kEndpoints)};
  Rooms discovered_{Yaml(kIssuer)};
};

TEST_F(SameServer, OfAConfiguredServerTheIssuerIsKept) {
  const storage::v1::Flow flow = SignIn(issuer_);
  EXPECT_EQ(flow.issuer(), "https://as.example");
  EXPECT_EQ(flow.token_endpoint(), "");
  EXPECT_EQ(flow.revocation_endpoint(), "");
  const auto server = ServerOf(Find(issuer_), flow);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(server->token_endpoint, "https://as.example/token");
  EXPECT_EQ(server->revocation_endpoint, "https://as.example/revoke");
  EXPECT_FALSE(server->discovered);
}

TEST_F(SameServer, OfOneWithoutAnIssuerTheTokenEndpointIsKept) {
  storage::v1::Flow flow = SignIn(no_issuer_);
  EXPECT_EQ(flow.token_endpoint(), "https://as.example/token");
  EXPECT_EQ(flow.revocation_endpoint(), "");
  const auto server = ServerOf(Find(no_issuer_), flow);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(server->revocation_endpoint, "https://as.example/revoke");
  // Its origin stands for the server.
  flow.set_token_endpoint("https://as.example/old/token");
  EXPECT_TRUE(ServerOf(Find(no_issuer_), flow).ok());
  for (const char* elsewhere : {"https://as.example:8443/token", "http://as.example/token", ""}) {
    flow.set_token_endpoint(elsewhere);
    EXPECT_THAT(WhyAnother(flow, no_issuer_), HasSubstr("another origin")) << elsewhere;
  }
}

TEST_F(SameServer, OfADiscoveredServerTheEndpointsAreKept) {
  const auto server = ServerOf(Find(discovered_), SignIn(discovered_));
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(server->token_endpoint, "https://as.example/found/token");
  EXPECT_EQ(server->revocation_endpoint, "https://as.example/found/revoke");
  EXPECT_TRUE(server->discovered);
}

TEST_F(SameServer, UrlPartsAreKept) {
  storage::v1::Flow flow;
  KeepServer({}, {{"domain", "acme.okta.com"}}, flow);
  EXPECT_EQ(flow.url_parts().at("domain"), "acme.okta.com");
}

TEST_F(SameServer, AServerThatWasConfiguredIsAnotherOnceItIsDiscovered) {
  EXPECT_THAT(WhyAnother(SignIn(issuer_), discovered_), HasSubstr("by discovery now"));
  EXPECT_THAT(WhyAnother(SignIn(no_issuer_), discovered_), HasSubstr("another issuer"));
}

// Its issuer is the same, and the operator says where that has its endpoints.
TEST_F(SameServer, AServerThatWasDiscoveredIsFoundWhereItIsConfiguredNow) {
  const auto server = ServerOf(Find(issuer_), SignIn(discovered_));
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(server->token_endpoint, "https://as.example/token");
  EXPECT_FALSE(server->discovered);
  EXPECT_THAT(WhyAnother(SignIn(discovered_), no_issuer_), HasSubstr("another issuer"));
}

TEST_F(SameServer, AnIssuerThatComesOrGoesMakesAnotherServer) {
  EXPECT_THAT(WhyAnother(SignIn(issuer_), no_issuer_), HasSubstr("another issuer"));
  EXPECT_THAT(WhyAnother(SignIn(no_issuer_), issuer_), HasSubstr("another issuer"));
}

TEST_F(SameServer, AGrantIsFoundAsItsFlowIs) {
  storage::v1::Grant grant;
  grant.set_provider("p");
  grant.set_issuer("https://as.example");
  EXPECT_TRUE(ServerOf(Find(issuer_), grant).ok());
  EXPECT_TRUE(HasReason(ServerOf(Find(discovered_), grant).status(), Reason::kClientMisconfigured));
}

}  // namespace
}  // namespace grantkeep
