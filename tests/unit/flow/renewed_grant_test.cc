// SPDX-License-Identifier: Apache-2.0
#include "flow/renewed_grant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"

namespace grantkeep {
namespace {

using storage::v1::Grant;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Time kNow = FromMicros(1'000'000);

storage::v1::Flow SignInAgain() {
  storage::v1::Flow flow;
  flow.set_provider("p");
  flow.set_issuer("https://as.example");
  flow.set_subject("u");
  flow.set_redirect_uri("https://app.example/cb");
  flow.add_scopes("new");
  flow.set_grant_id("gr_1");
  (*flow.mutable_url_parts())["domain"] = "acme.example";
  return flow;
}

TokenOutcome Granted(bool with_refresh_token = true) {
  TokenOutcome outcome;
  outcome.kind = TokenOutcome::Kind::kGranted;
  outcome.tokens.access_token = Secret("at-new");
  outcome.tokens.token_type = "Bearer";
  if (with_refresh_token) outcome.tokens.refresh_token = Secret("rt-new");
  outcome.sent_time = kNow;
  return outcome;
}

Grant Old(Grant::State state = Grant::STATE_ACTIVE) {
  Grant grant;
  grant.set_grant_id("gr_1");
  grant.set_subject("u");
  grant.set_provider("p");
  grant.set_issuer("https://as.example");
  (*grant.mutable_url_parts())["domain"] = "acme.example";
  grant.add_scopes("old");
  grant.set_create_time_us(7);
  grant.set_generation(4);
  grant.set_access_token("at-old");
  grant.set_refresh_token("rt-old");
  grant.set_state(state);
  grant.set_state_reason("SOME_REASON");
  grant.set_failures(3);
  grant.set_not_before_us(8);
  grant.set_forced_time_us(9);
  return grant;
}

Grant WithIntent(Grant grant) {
  grant.mutable_intent()->set_generation(grant.generation());
  grant.mutable_intent()->set_attempt(1);
  grant.mutable_intent()->set_first_time_us(5);
  return grant;
}

TEST(RenewedGrant, IsTheNextGenerationOfTheSameGrantWithNothingLeftOfWhatHasFailed) {
  for (const Grant::State state : {Grant::STATE_ACTIVE, Grant::STATE_IN_DOUBT, Grant::STATE_NEEDS_REAUTH}) {
    const auto grant = RenewedGrant(WithIntent(Old(state)), SignInAgain(), Granted(), {}, kNow);
    EXPECT_EQ(grant->grant_id(), "gr_1");
    EXPECT_EQ(grant->subject(), "u");
    EXPECT_EQ(grant->create_time_us(), 7);
    EXPECT_EQ(grant->generation(), 5u);
    EXPECT_EQ(grant->access_token(), "at-new");
    EXPECT_EQ(grant->refresh_token(), "rt-new");
    EXPECT_EQ(grant->state(), Grant::STATE_ACTIVE);
    EXPECT_EQ(grant->state_reason(), "");
    EXPECT_EQ(grant->state_time_us(), ToMicros(kNow));
    EXPECT_EQ(grant->last_used_time_us(), ToMicros(kNow));
    EXPECT_FALSE(grant->has_intent());
    EXPECT_EQ(grant->failures(), 0u);
    EXPECT_EQ(grant->not_before_us(), 0);
    EXPECT_EQ(grant->forced_time_us(), 0);
  }
}

TEST(RenewedGrant, WhatTheServerIsAndWhatWasGrantedIsOfTheNewSignIn) {
  storage::v1::Flow flow = SignInAgain();
  flow.set_issuer("https://other.example");
  flow.set_token_endpoint("https://other.example/token");
  flow.set_revocation_endpoint("https://other.example/revoke");
  flow.add_resource("https://api.example");
  flow.clear_url_parts();
  const auto grant = RenewedGrant(Old(), flow, Granted(), {}, kNow);
  EXPECT_EQ(grant->issuer(), "https://other.example");
  EXPECT_EQ(grant->token_endpoint(), "https://other.example/token");
  EXPECT_EQ(grant->revocation_endpoint(), "https://other.example/revoke");
  EXPECT_THAT(grant->resource(), ElementsAre("https://api.example"));
  EXPECT_THAT(grant->scopes(), ElementsAre("new"));
  EXPECT_TRUE(grant->url_parts().empty());
}

TEST(RenewedGrant, WithoutANewRefreshTokenKeepsTheOldOneOfTheSameServer) {
  for (const Grant::State state : {Grant::STATE_ACTIVE, Grant::STATE_IN_DOUBT}) {
    EXPECT_EQ(RenewedGrant(Old(state), SignInAgain(), Granted(false), {}, kNow)->refresh_token(), "rt-old");
  }
}

TEST(RenewedGrant, ARefreshTokenThatWasRefusedOrIsOfAnotherServerIsNotKept) {
  const auto refresh_token = [](const Grant& old, const storage::v1::Flow& flow) {
    return RenewedGrant(old, flow, Granted(false), {}, kNow)->refresh_token();
  };
  EXPECT_EQ(refresh_token(Old(Grant::STATE_NEEDS_REAUTH), SignInAgain()), "");
  storage::v1::Flow flow = SignInAgain();
  flow.set_issuer("https://other.example");
  EXPECT_EQ(refresh_token(Old(), flow), "");
  flow = SignInAgain();
  flow.set_token_endpoint("https://other.example/token");
  EXPECT_EQ(refresh_token(Old(), flow), "");
  flow = SignInAgain();
  (*flow.mutable_url_parts())["domain"] = "other.example";
  EXPECT_EQ(refresh_token(Old(), flow), "");
}

TEST(RenewedGrant, ARefreshTokenThatIsKeptKeepsItsDoubts) {
  const auto grant = RenewedGrant(WithIntent(Old()), SignInAgain(), Granted(false), {}, kNow);
  ASSERT_TRUE(grant->has_intent());
  EXPECT_EQ(grant->intent().generation(), grant->generation());
  EXPECT_EQ(grant->intent().first_time_us(), 5);
  Grant settled = WithIntent(Old());
  settled.mutable_intent()->set_generation(3);
  EXPECT_FALSE(RenewedGrant(settled, SignInAgain(), Granted(false), {}, kNow)->has_intent());
}

std::optional<StoredGrant> Found(const Grant& grant) { return StoredGrant{1, Wiped<Grant>(grant)}; }

TEST(CheckRenewable, AGrantOfTheSubjectAtTheProviderInAnyStateButRevoked) {
  for (const Grant::State state : {Grant::STATE_ACTIVE, Grant::STATE_IN_DOUBT, Grant::STATE_NEEDS_REAUTH}) {
    EXPECT_TRUE(CheckRenewable(Found(Old(state)), SubjectId("u"), ProviderId("p")).ok());
  }
}

TEST(CheckRenewable, WhatIsNotTheirsIsAsIfItDidNotExist) {
  const absl::Status none = CheckRenewable(std::nullopt, SubjectId("u"), ProviderId("p"));
  EXPECT_TRUE(HasReason(none, Reason::kGrantNotFound));
  EXPECT_EQ(CheckRenewable(Found(Old()), SubjectId("v"), ProviderId("q")), none);
  EXPECT_EQ(CheckRenewable(Found(Old(Grant::STATE_REVOKED)), SubjectId("u"), ProviderId("q")), none);
}

TEST(CheckRenewable, AGrantAtAnotherProviderIsAWrongField) {
  const absl::Status other = CheckRenewable(Found(Old()), SubjectId("u"), ProviderId("q"));
  EXPECT_TRUE(HasReason(other, Reason::kInvalidField));
  EXPECT_THAT(std::string(other.message()), HasSubstr("grant_id"));
}

}  // namespace
}  // namespace grantkeep
