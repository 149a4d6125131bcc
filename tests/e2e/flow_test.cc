// SPDX-License-Identifier: Apache-2.0
// Signing in, over real sockets: a workload, grantkeepd, and the practice provider.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/practice_fixture.h"

namespace grantkeep::testing {
namespace {

using practice::Consent;
using practice::Fault;
using practice::IssMode;
using ::testing::ElementsAre;

class FlowTest : public PracticeTest {
 protected:
  // A sign-in for a grant that there is.
  PendingSignIn BeginAgain(const std::string& grant_id) {
    v1::StartAuthRequest request = World::StartRequest("practice");
    request.set_grant_id(grant_id);
    const auto started = world_->caller().StartAuth(request);
    EXPECT_TRUE(started.ok()) << started.status;
    return {started->authorization_url(), started->state(), request.session_binding()};
  }
};

// --- Signing in

TEST_F(FlowTest, SignInGivesAGrantThatRefreshServesFromMemory) {
  Start();
  const v1::Grant grant = SignIn();
  EXPECT_EQ(grant.tenant(), World::kTenant);
  EXPECT_EQ(grant.subject(), World::kSubject);
  EXPECT_EQ(grant.provider(), "practice");
  EXPECT_EQ(grant.issuer(), practice_->issuer());
  EXPECT_EQ(grant.state(), v1::GRANT_STATE_ACTIVE);
  EXPECT_THAT(grant.scopes(), ElementsAre("read", "write"));
  for (int calls = 0; calls < 10; ++calls) {
    const auto token = world_->Refresh(grant.grant_id());
    ASSERT_TRUE(token.ok()) << token.status;
    EXPECT_EQ(token->freshness(), v1::FRESHNESS_FRESH);
    EXPECT_EQ(token->generation(), 1u);
    EXPECT_EQ(token->token_type(), "Bearer");
    EXPECT_EQ(ResourceStatus(token->access_token()), 200);
  }
  EXPECT_EQ(practice_->Stats().token_requests, 1u);
}

TEST_F(FlowTest, IssuerAloneIsDiscovered) {
  Start(fmt::format(R"(
  - id: discovered
    kind: oauth
    issuer: "{}"
    client_authentication: none
    client: {{ client_id: public }}
    redirect_uris: ["http://127.0.0.1/callback"]
)",
                    practice_->issuer()));
  const v1::Grant grant = SignIn("discovered");
  EXPECT_EQ(grant.issuer(), practice_->issuer());
  const auto token = world_->Refresh(grant.grant_id(), 1);
  ASSERT_TRUE(token.ok()) << token.status;
  EXPECT_EQ(ResourceStatus(token->access_token()), 200);
}

TEST_F(FlowTest, ClientSecretCanTravelInTheBody) {
  Start(fmt::format(R"(
  - id: post
    kind: oauth
    issuer: "{0}"
    authorization_endpoint: "{0}/authorize"
    token_endpoint: "{0}/token"
    client_authentication: client_secret_post
    client: {{ client_id: post, client_secrets: [{{ env: PRACTICE_CLIENT_SECRET }}] }}
    redirect_uris: ["http://127.0.0.1/callback"]
)",
                    practice_->issuer()));
  EXPECT_EQ(SignIn("post").state(), v1::GRANT_STATE_ACTIVE);
}

TEST_F(FlowTest, CallbackCanBeGivenAsParameters) {
  Start();
  const PendingSignIn pending = world_->Begin("practice");
  const std::string callback = Visit(pending);
  v1::CompleteAuthRequest request;
  request.set_tenant(World::kTenant);
  request.set_session_binding(pending.session_binding);
  for (const char* name : {"code", "state", "iss"}) {
    auto& parameter = *request.mutable_callback_parameters()->add_parameters();
    parameter.set_name(name);
    parameter.set_value(QueryParameter(callback, name));
  }
  const auto completed = world_->caller().CompleteAuth(request);
  EXPECT_TRUE(completed.ok()) << completed.status;
}

TEST_F(FlowTest, StaticProviderHasNoFlow) {
  Start();
  const auto started = world_->caller().StartAuth(World::StartRequest("bot"));
  EXPECT_EQ(started.status.code, grpc::StatusCode::FAILED_PRECONDITION) << started.status;
  EXPECT_EQ(started.status.reason, "PROVIDER_IS_STATIC");
  EXPECT_THAT(started.status.message, ::testing::HasSubstr("GetStaticSecret"));
}

TEST_F(FlowTest, UnknownProviderAndForeignRedirectUriAreRefused) {
  Start();
  EXPECT_EQ(world_->caller().StartAuth(World::StartRequest("nobody")).status.reason, "PROVIDER_NOT_FOUND");
  auto request = World::StartRequest("practice");
  request.set_redirect_uri("https://elsewhere.example/callback");
  const auto started = world_->caller().StartAuth(request);
  EXPECT_EQ(started.status.reason, "REDIRECT_URI_NOT_ALLOWED") << started.status;
  EXPECT_EQ(started.status.field, "redirect_uri");
}

TEST_F(FlowTest, DeniedConsentIsAccessDenied) {
  Start();
  practice_->SetConsent(Consent::kDeny);
  const PendingSignIn pending = world_->Begin("practice");
  const auto completed = world_->Complete(pending, Visit(pending));
  EXPECT_EQ(completed.status.code, grpc::StatusCode::PERMISSION_DENIED) << completed.status;
  EXPECT_EQ(completed.status.reason, "ACCESS_DENIED");
}

TEST_F(FlowTest, PersonCanAllowOnTheConsentPage) {
  Start();
  practice_->SetConsent(Consent::kPage);
  const PendingSignIn pending = world_->Begin("practice");
  auto form = browser_.Get(pending.authorization_url).FormFields();
  form["decision"] = "allow";
  const Page decided = browser_.Post(practice_->authorization_endpoint(), form);
  EXPECT_TRUE(world_->Complete(pending, decided.location).ok());
}

// --- Callbacks that somebody has tampered with (RFC 9207, RFC 6749 section 3.1)

TEST_F(FlowTest, WrongIssuerIsRefusedBeforeTheCodeIsSentAnywhere) {
  Start();
  practice_->SetIss(IssMode::kWrong);
  const PendingSignIn pending = world_->Begin("practice");
  const auto completed = world_->Complete(pending, Visit(pending));
  EXPECT_EQ(completed.status.code, grpc::StatusCode::FAILED_PRECONDITION) << completed.status;
  EXPECT_EQ(completed.status.reason, "ISSUER_MISMATCH");
  EXPECT_EQ(practice_->Stats().token_requests, 0u);
}

TEST_F(FlowTest, MissingIssuerIsRefusedBeforeTheCodeIsSentAnywhere) {
  Start();
  practice_->SetIss(IssMode::kAbsent);
  const PendingSignIn pending = world_->Begin("practice");
  const auto completed = world_->Complete(pending, Visit(pending));
  EXPECT_EQ(completed.status.reason, "ISSUER_MISMATCH") << completed.status;
  EXPECT_EQ(practice_->Stats().token_requests, 0u);
}

TEST_F(FlowTest, ErrorOfAWrongIssuerIsNotBelieved) {
  Start();
  practice_->SetIss(IssMode::kWrong);
  practice_->SetConsent(Consent::kDeny);
  const PendingSignIn pending = world_->Begin("practice");
  EXPECT_EQ(world_->Complete(pending, Visit(pending)).status.reason, "ISSUER_MISMATCH");
}

TEST_F(FlowTest, DuplicatedCallbackParameterIsRefused) {
  Start();
  for (const char* duplicate :
       {"&code=another", "&iss=another", "&error=access_denied&error=access_denied"}) {
    const PendingSignIn pending = world_->Begin("practice");
    const auto completed = world_->Complete(pending, Visit(pending) + duplicate);
    EXPECT_EQ(completed.status.code, grpc::StatusCode::INVALID_ARGUMENT) << completed.status;
    EXPECT_EQ(completed.status.reason, "CALLBACK_MALFORMED") << duplicate;
  }
  EXPECT_EQ(practice_->Stats().token_requests, 0u);
}

TEST_F(FlowTest, FlowOfAnotherTenantOrBrowserIsNotFound) {
  Start();
  const PendingSignIn pending = world_->Begin("practice");
  const std::string callback = Visit(pending);
  PendingSignIn other_browser = pending;
  other_browser.session_binding = std::string(16, 'x');
  const auto by_binding = world_->Complete(other_browser, callback);
  v1::CompleteAuthRequest request;
  request.set_tenant("another");
  request.set_callback_url(callback);
  request.set_session_binding(pending.session_binding);
  const auto by_tenant = world_->caller().CompleteAuth(request);
  EXPECT_EQ(by_binding.status.reason, "FLOW_NOT_FOUND");
  EXPECT_EQ(by_tenant.status.reason, "FLOW_NOT_FOUND");
  EXPECT_EQ(by_tenant.status.message, by_binding.status.message);
  EXPECT_TRUE(world_->Complete(pending, callback).ok());
}

// --- The answers of the token endpoint to a code

TEST_F(FlowTest, FailingCodeExchangeIsTheProvidersFault) {
  using enum Fault::Kind;
  Start();
  for (const Fault::Kind kind : {kServerError, kReset, kHang, kTruncated, kHtml}) {
    const PendingSignIn pending = world_->Begin("practice");
    const std::string callback = Visit(pending);
    practice_->InjectFault({.kind = kind});
    const auto completed = world_->Complete(pending, callback);
    EXPECT_EQ(completed.status.code, grpc::StatusCode::UNAVAILABLE) << FaultName(kind) << completed.status;
    EXPECT_EQ(completed.status.reason, "PROVIDER_ERROR") << FaultName(kind);
    // The code was sent once, and nobody can send it again.
    EXPECT_EQ(world_->Complete(pending, callback).status.reason, "FLOW_NOT_FOUND") << FaultName(kind);
  }
  EXPECT_EQ(practice_->Stats().token_requests, 5u);
}

TEST_F(FlowTest, MissingScopeInTheAnswerMeansAsRequested) {
  Start();
  practice_->InjectFault({.kind = Fault::Kind::kDropScope});
  EXPECT_THAT(SignIn().scopes(), ElementsAre("read", "write"));
}

TEST_F(FlowTest, MissingLifetimeIsUnknownAndTheTokenIsServed) {
  Start();
  practice_->InjectFault({.kind = Fault::Kind::kDropExpiresIn});
  const v1::Grant grant = SignIn();
  EXPECT_FALSE(grant.has_access_token_expire_time());
  const auto token = world_->Refresh(grant.grant_id());
  EXPECT_TRUE(token.ok()) << token.status;
  EXPECT_FALSE(token->has_expire_time());
}

TEST_F(FlowTest, GrantWithoutRefreshTokenSaysSo) {
  Start();
  practice_->InjectFault({.kind = Fault::Kind::kDropRefreshToken});
  const v1::Grant grant = SignIn();
  EXPECT_FALSE(grant.refreshable());
  EXPECT_TRUE(world_->Refresh(grant.grant_id()).ok());
  EXPECT_EQ(world_->Refresh(grant.grant_id(), 1).status.reason, "NEEDS_REAUTH");
}

// --- Signing in again for a grant

TEST_F(FlowTest, AGrantThatNeedsASignInKeepsItsIdAndItsGenerationGrows) {
  Start();
  const v1::Grant grant = SignIn();
  practice_->KillAllFamilies();
  EXPECT_EQ(world_->Refresh(grant.grant_id(), 1).status.reason, "NEEDS_REAUTH");
  const v1::Grant dead = world_->GetGrant(grant.grant_id());
  EXPECT_EQ(dead.state(), v1::GRANT_STATE_NEEDS_REAUTH);
  EXPECT_EQ(dead.next_step(), v1::NEXT_STEP_SIGN_IN);

  const PendingSignIn pending = BeginAgain(grant.grant_id());
  const auto completed = world_->Complete(pending, Visit(pending));
  ASSERT_TRUE(completed.ok()) << completed.status;
  EXPECT_EQ(completed->grant().grant_id(), grant.grant_id());
  EXPECT_EQ(completed->grant().state(), v1::GRANT_STATE_ACTIVE);
  EXPECT_EQ(completed->grant().next_step(), v1::NEXT_STEP_NONE);
  EXPECT_GT(completed->grant().generation(), grant.generation());
  EXPECT_EQ(completed->grant().create_time().seconds(), grant.create_time().seconds());
  const auto token = world_->Refresh(grant.grant_id());
  ASSERT_TRUE(token.ok()) << token.status;
  EXPECT_EQ(token->generation(), completed->grant().generation());
  EXPECT_EQ(ResourceStatus(token->access_token()), 200);
  const auto refreshed = world_->Refresh(grant.grant_id(), token->generation());
  ASSERT_TRUE(refreshed.ok()) << refreshed.status;
  EXPECT_EQ(ResourceStatus(refreshed->access_token()), 200);
}

TEST_F(FlowTest, TheOldTokenIsServedUntilTheNewOneIsStored) {
  Start();
  const v1::Grant grant = SignIn();
  const std::string old = world_->Refresh(grant.grant_id())->access_token();
  const PendingSignIn refused = BeginAgain(grant.grant_id());
  const std::string callback = Visit(refused);
  EXPECT_EQ(world_->Refresh(grant.grant_id())->access_token(), old);
  practice_->InjectFault({.kind = Fault::Kind::kServerError});
  EXPECT_FALSE(world_->Complete(refused, callback).ok());
  EXPECT_EQ(world_->Refresh(grant.grant_id())->access_token(), old);
  EXPECT_EQ(ResourceStatus(old), 200);

  const PendingSignIn pending = BeginAgain(grant.grant_id());
  ASSERT_TRUE(world_->Complete(pending, Visit(pending)).ok());
  const auto token = world_->Refresh(grant.grant_id());
  EXPECT_NE(token->access_token(), old);
  EXPECT_EQ(token->generation(), 2u);
  EXPECT_EQ(ResourceStatus(token->access_token()), 200);
}

TEST_F(FlowTest, ASignInForAGrantThatIsNotThereDoesNotBegin) {
  Start();
  v1::StartAuthRequest request = World::StartRequest("practice");
  request.set_grant_id("gr_of-nobody");
  EXPECT_EQ(world_->caller().StartAuth(request).status.reason, "GRANT_NOT_FOUND");
}

}  // namespace
}  // namespace grantkeep::testing
