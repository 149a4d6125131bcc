// SPDX-License-Identifier: Apache-2.0
// Providers whose address differs from customer to customer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "flow/flow.h"
#include "refresh/refresh.h"
#include "tests/support/rooms.h"

namespace grantkeep {
namespace {

using ::testing::HasSubstr;
using testing::Rooms;
using testing::ScriptedHttp;
using ::testing::StartsWith;

std::string Yaml(const std::string& allowed) {
  return fmt::format(R"(
providers:
  - id: p
    kind: oauth
    issuer: https://{{domain}}
    authorization_endpoint: https://{{domain}}/oauth2/v1/authorize
    token_endpoint: https://{{domain}}/oauth2/v1/token
    url_parts: {{domain: {{allowed: [{}]}}}}
    rotation: strict
    redirect_uris: [https://app.example/cb]
    client: {{client_id: me, client_secrets: [{{env: CLIENT_SECRET}}]}}
)",
                     allowed);
}

class FlowUrlParts : public ::testing::Test {
 protected:
  absl::StatusOr<StartedFlow> Start(std::map<std::string, std::string> parts) {
    StartAuthRequest request;
    request.tenant = TenantId("t");
    request.provider = ProviderId("p");
    request.subject = SubjectId("u");
    request.redirect_uri = "https://app.example/cb";
    request.session_binding = Secret("0123456789abcdef");
    request.url_parts = std::move(parts);
    return rooms_.loop.Run(flow_.Start(rooms_.NewCall(), std::move(request)));
  }
  absl::StatusOr<StoredGrant> Complete(const StartedFlow& started, const std::string& issuer) {
    CompleteAuthRequest request;
    request.tenant = TenantId("t");
    request.callback = "https://app.example/cb?code=c&iss=" + issuer + "&state=" + started.state;
    request.session_binding = Secret("0123456789abcdef");
    return rooms_.loop.Run(flow_.Complete(rooms_.NewCall(), std::move(request)));
  }
  absl::StatusOr<AccessToken> Refresh(Rooms& rooms, const StoredGrant& grant) {
    Refresher refresher(*rooms.grants, *rooms.store, *rooms.catalogue, rooms.clock, rooms.random,
                        rooms.loop.context());
    RefreshRequest request;
    request.tenant = TenantId("t");
    request.subject = SubjectId("u");
    request.grant = GrantId(grant.grant->grant_id());
    return rooms.loop.Run(refresher.Refresh(rooms.NewCall(), std::move(request)));
  }

  Rooms rooms_{Yaml("'*.okta.com'")};
  AuthFlow flow_{*rooms_.flows, *rooms_.grants, *rooms_.store,           *rooms_.catalogue,
                 rooms_.clock,  rooms_.random,  std::chrono::minutes(10)};
};

TEST_F(FlowUrlParts, ArePutInPlaceFromTheSignInToTheLastRefresh) {
  rooms_.http.OnRequest([](const ScriptedHttp::Seen&) {
    return ScriptedHttp::Json(
        200, R"({"access_token":"at","token_type":"Bearer","refresh_token":"rt","expires_in":60})");
  });
  const auto started = Start({{"domain", "acme.okta.com"}});
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_THAT(started->authorization_url, StartsWith("https://acme.okta.com/oauth2/v1/authorize?"));
  const auto grant = Complete(*started, "https://acme.okta.com");
  ASSERT_TRUE(grant.ok()) << grant.status();
  EXPECT_EQ(grant->grant->issuer(), "https://acme.okta.com");
  rooms_.clock.Advance(std::chrono::seconds(61));
  ASSERT_TRUE(Refresh(rooms_, *grant).ok());
  ASSERT_EQ(rooms_.http.seen().size(), 2u);
  for (const auto& seen : rooms_.http.seen()) EXPECT_EQ(seen.url, "https://acme.okta.com/oauth2/v1/token");
}

TEST_F(FlowUrlParts, TheIssuerOfTheCallbackIsThatOfTheCustomer) {
  const auto started = Start({{"domain", "acme.okta.com"}});
  EXPECT_TRUE(HasReason(Complete(*started, "https://other.okta.com").status(), Reason::kIssuerMismatch));
  EXPECT_EQ(rooms_.http.seen().size(), 0u);
}

TEST_F(FlowUrlParts, OthersAreRefusedNamingTheField) {
  for (const char* domain : {"evil.example", "okta.com", "acme.okta.com/x", "127.0.0.1"}) {
    EXPECT_EQ(FieldOf(Start({{"domain", domain}}).status()), "url_parts[\"domain\"]") << domain;
  }
  EXPECT_EQ(FieldOf(Start({}).status()), "url_parts[\"domain\"]");
}

TEST_F(FlowUrlParts, ThatCameAfterTheSignInGetNoTokens) {
  Rooms rooms(R"(
providers:
  - id: p
    kind: oauth
    authorization_endpoint: https://as.example/{tenant}/authorize
    token_endpoint: https://as.example/{tenant}/token
    url_parts: {tenant: {allowed: ["*"], default_value: common}}
    redirect_uris: [https://app.example/cb]
    client: {client_id: me, client_secrets: [{env: CLIENT_SECRET}]}
)");
  const StoredGrant grant = rooms.PutGrant("g", std::chrono::seconds(60));
  rooms.clock.Advance(std::chrono::seconds(61));
  EXPECT_TRUE(HasReason(Refresh(rooms, grant).status(), Reason::kClientMisconfigured));
  EXPECT_EQ(rooms.http.seen().size(), 0u);
}

TEST_F(FlowUrlParts, ThatAreNotAllowedAnyMoreGetNoTokens) {
  Rooms rooms{Yaml("login.acme.example")};
  const StoredGrant grant = rooms.PutGrant("g", std::chrono::seconds(60), [](storage::v1::Grant& stored) {
    stored.set_issuer("https://acme.okta.com");
    stored.set_token_endpoint("https://acme.okta.com/oauth2/v1/token");
    (*stored.mutable_url_parts())["domain"] = "acme.okta.com";
  });
  rooms.clock.Advance(std::chrono::seconds(61));
  const auto refreshed = Refresh(rooms, grant);
  EXPECT_TRUE(HasReason(refreshed.status(), Reason::kClientMisconfigured));
  EXPECT_THAT(std::string(refreshed.status().message()), HasSubstr("url_parts"));
  EXPECT_EQ(rooms.http.seen().size(), 0u);
}

}  // namespace
}  // namespace grantkeep
