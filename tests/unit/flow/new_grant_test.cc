// SPDX-License-Identifier: Apache-2.0
#include "flow/new_grant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grantkeep {
namespace {

storage::v1::Flow MakeFlow() {
  storage::v1::Flow flow;
  flow.set_provider("p");
  flow.set_issuer("https://as.example");
  flow.set_subject("u");
  flow.set_redirect_uri("https://app.example/cb");
  flow.add_scopes("asked");
  flow.add_resource("https://api.example");
  (*flow.mutable_url_parts())["domain"] = "acme.example";
  return flow;
}

TokenOutcome Granted() {
  TokenOutcome outcome;
  outcome.kind = TokenOutcome::Kind::kGranted;
  outcome.tokens.access_token = Secret("at");
  outcome.tokens.token_type = "Bearer";
  outcome.tokens.refresh_token = Secret("rt");
  outcome.sent_time = FromMicros(5);
  return outcome;
}

TEST(NewGrant, HasTheTokensAndWhatTheFlowKnows) {
  storage::v1::Flow flow = MakeFlow();
  flow.set_token_endpoint("https://as.example/token");
  flow.set_revocation_endpoint("https://as.example/revoke");
  const auto grant = NewGrant(flow, Granted(), {}, "gr_1", FromMicros(7));
  EXPECT_EQ(grant->grant_id(), "gr_1");
  EXPECT_EQ(grant->subject(), "u");
  EXPECT_EQ(grant->provider(), "p");
  EXPECT_EQ(grant->issuer(), "https://as.example");
  EXPECT_EQ(grant->token_endpoint(), "https://as.example/token");
  EXPECT_EQ(grant->revocation_endpoint(), "https://as.example/revoke");
  EXPECT_EQ(grant->url_parts().at("domain"), "acme.example");
  EXPECT_THAT(grant->scopes(), ::testing::ElementsAre("asked"));
  EXPECT_THAT(grant->resource(), ::testing::ElementsAre("https://api.example"));
  EXPECT_EQ(grant->access_token(), "at");
  EXPECT_EQ(grant->refresh_token(), "rt");
  EXPECT_EQ(grant->generation(), 1u);
  EXPECT_EQ(grant->state(), storage::v1::Grant::STATE_ACTIVE);
  EXPECT_EQ(grant->issue_time_us(), 5);
  EXPECT_EQ(grant->create_time_us(), 7);
  EXPECT_EQ(grant->state_time_us(), 7);
}

TEST(NewGrant, KeepsTheRedirectUriOnlyForAProviderThatWantsItWithARefresh) {
  config::v1::Provider record;
  EXPECT_EQ(NewGrant(MakeFlow(), Granted(), record, "gr_1", {})->redirect_uri(), "");
  record.set_refresh_with_redirect_uri(true);
  EXPECT_EQ(NewGrant(MakeFlow(), Granted(), record, "gr_1", {})->redirect_uri(), "https://app.example/cb");
}

}  // namespace
}  // namespace grantkeep
