// SPDX-License-Identifier: Apache-2.0
// The service against an authorization server that we did not write (django-oauth-toolkit), over
// real sockets, with a browser that fills in its forms.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "crypto/digest.h"
#include "tests/e2e/dot_server.h"
#include "tests/e2e/lossy_relay.h"
#include "tests/e2e/world.h"

namespace grantkeep::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;
using namespace std::chrono_literals;

std::string ErrorOf(const Page& page) {
  EXPECT_GE(page.status, 400) << page.body;
  return boost::json::parse(page.body).at("error").as_string().c_str();
}

std::string Member(const Page& page, const char* name) {
  EXPECT_EQ(page.status, 200) << page.body;
  return boost::json::parse(page.body).at(name).as_string().c_str();
}

class DotTest : public ::testing::Test {
 protected:
  // `rotation`: what grantkeepd is told about the server ("strict", or "grace" with a time).
  void Start(std::chrono::seconds grace, const std::string& rotation,
             std::chrono::seconds access_token_lifetime = 3600s) {
    auto server = DotServer::Start(grace, access_token_lifetime);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    auto relay = LossyRelay::Start(server_->token_endpoint());
    ASSERT_TRUE(relay.ok());
    relay_ = *std::move(relay);
    world_.emplace(
        fmt::format(R"(
  - id: dot
    kind: oauth
    authorization_endpoint: "{}"
    token_endpoint: "{}"
    client_authentication: client_secret_basic
    {}
    request_timeout: 5s
    client:
      client_id: "{}"
      client_secrets:
        - env: DOT_CLIENT_SECRET
    default_scopes: [read, write]
    redirect_uris: ["http://127.0.0.1/callback"]
)",
                    server_->authorization_endpoint(), relay_->url(), rotation, server_->client_id()),
        std::map<std::string, std::string>{{"DOT_CLIENT_SECRET", server_->client_secret()}});
    const absl::Status ready = world_->Start();
    ASSERT_TRUE(ready.ok()) << ready;
  }
  void StartStrict() { Start(0s, "rotation: strict"); }

  std::string Allow(const PendingSignIn& pending) {
    return server_->Decide(browser_, pending.authorization_url, true);
  }
  v1::Grant SignIn() {
    const PendingSignIn pending = world_->Begin("dot");
    const auto completed = world_->Complete(pending, Allow(pending));
    EXPECT_TRUE(completed.ok()) << completed.status;
    return completed->grant();
  }
  int ResourceStatus(const std::string& access_token) {
    return browser_.GetWithToken(server_->resource(), access_token).status;
  }

  // A code for `verifier`, with nothing of ours in between.
  std::string CodeFor(const std::string& verifier) {
    const std::string url = fmt::format(
        "{}?response_type=code&client_id={}&redirect_uri={}&state=xyz&code_challenge={}&code_challenge_"
        "method=S256",
        server_->authorization_endpoint(), UrlEncode(server_->client_id()), UrlEncode(World::kRedirectUri),
        Base64UrlEncode(Sha256(verifier)));
    return QueryParameter(server_->Decide(browser_, url, true), "code");
  }
  Page Exchange(const std::string& code, const std::string& verifier) {
    return server_->PostToken({{"grant_type", "authorization_code"},
                               {"code", code},
                               {"redirect_uri", World::kRedirectUri},
                               {"code_verifier", verifier}});
  }
  Page Redeem(const std::string& refresh_token) {
    return server_->PostToken({{"grant_type", "refresh_token"}, {"refresh_token", refresh_token}});
  }

  const std::string verifier_ = std::string(43, 'v');
  std::unique_ptr<DotServer> server_;
  std::unique_ptr<LossyRelay> relay_;
  std::optional<World> world_;
  Browser browser_;
};

TEST_F(DotTest, SignInGivesATokenThatTheResourceAccepts) {
  StartStrict();
  const v1::Grant grant = SignIn();
  EXPECT_EQ(grant.state(), v1::GRANT_STATE_ACTIVE);
  EXPECT_EQ(grant.generation(), 1u);
  EXPECT_TRUE(grant.refreshable());
  const auto token = world_->Refresh(grant.grant_id());
  ASSERT_TRUE(token.ok()) << token.status;
  EXPECT_EQ(token->freshness(), v1::FRESHNESS_FRESH);
  EXPECT_EQ(ResourceStatus(token->access_token()), 200);
  EXPECT_EQ(relay_->forwarded(), 1);  // the code; the token came from memory
}

TEST_F(DotTest, RotatedRefreshTokenIsKeptAndUsedNext) {
  Start(0s, "rotation: strict", 2s);
  const v1::Grant grant = SignIn();
  // Lifetimes this short make the next refresh necessary; the old refresh token is dead every time.
  for (uint64_t generation = 2; generation <= 4; ++generation) {
    Answer<v1::RefreshResponse> token;
    EXPECT_TRUE(Eventually([&] {
      token = world_->Refresh(grant.grant_id());
      return !token.ok() || token->generation() == generation;
    }));
    ASSERT_TRUE(token.ok()) << token.status;
  }
}

TEST_F(DotTest, RejectedTokenIsReplacedByOneThatWorks) {
  StartStrict();
  const v1::Grant grant = SignIn();
  const auto first = world_->Refresh(grant.grant_id());
  const auto second = world_->Refresh(grant.grant_id(), first->generation());
  ASSERT_TRUE(second.ok()) << second.status;
  EXPECT_EQ(second->generation(), 2u);
  EXPECT_NE(second->access_token(), first->access_token());
  EXPECT_EQ(ResourceStatus(second->access_token()), 200);
  EXPECT_NE(ResourceStatus(first->access_token()), 200);  // this server revokes the old one
}

TEST_F(DotTest, DeniedConsentIsAccessDenied) {
  StartStrict();
  const PendingSignIn pending = world_->Begin("dot");
  const std::string callback = server_->Decide(browser_, pending.authorization_url, false);
  EXPECT_EQ(QueryParameter(callback, "error"), "access_denied");
  const auto completed = world_->Complete(pending, callback);
  EXPECT_EQ(completed.status.code, grpc::StatusCode::PERMISSION_DENIED) << completed.status;
  EXPECT_EQ(completed.status.reason, "ACCESS_DENIED");
  EXPECT_EQ(relay_->forwarded(), 0);
}

// --- RFC 7636: the verifier

TEST_F(DotTest, ServerRefusesAnotherVerifier) {
  StartStrict();
  const std::string code = CodeFor(verifier_);
  EXPECT_EQ(ErrorOf(Exchange(code, std::string(43, 'w'))), "invalid_grant");
}

TEST_F(DotTest, ServerRefusesARequestWithoutPkce) {
  StartStrict();
  const std::string url = fmt::format("{}?response_type=code&client_id={}&redirect_uri={}&state=xyz",
                                      server_->authorization_endpoint(), UrlEncode(server_->client_id()),
                                      UrlEncode(World::kRedirectUri));
  EXPECT_EQ(QueryParameter(server_->Decide(browser_, url, true), "error"), "invalid_request");
}

TEST_F(DotTest, CodeOfAnotherFlowIsRejected) {
  StartStrict();
  const PendingSignIn victim = world_->Begin("dot");
  const PendingSignIn attacker = world_->Begin("dot");
  const std::string code = QueryParameter(Allow(attacker), "code");
  const auto completed = world_->Complete(victim, fmt::format("{}?code={}&state={}", World::kRedirectUri,
                                                              UrlEncode(code), UrlEncode(victim.state)));
  EXPECT_EQ(completed.status.code, grpc::StatusCode::FAILED_PRECONDITION) << completed.status;
  EXPECT_EQ(completed.status.reason, "CODE_REJECTED");
}

// --- Single use

TEST_F(DotTest, ServerRefusesACodeThatWasUsed) {
  StartStrict();
  const std::string code = CodeFor(verifier_);
  EXPECT_THAT(Member(Exchange(code, verifier_), "access_token"), Not(IsEmpty()));
  EXPECT_EQ(ErrorOf(Exchange(code, verifier_)), "invalid_grant");
}

TEST_F(DotTest, CallbackUsedTwiceFindsNoFlowAndSendsNothing) {
  StartStrict();
  const PendingSignIn pending = world_->Begin("dot");
  const std::string callback = Allow(pending);
  const auto first = world_->Complete(pending, callback);
  ASSERT_TRUE(first.ok()) << first.status;
  const auto second = world_->Complete(pending, callback);
  EXPECT_EQ(second.status.code, grpc::StatusCode::NOT_FOUND) << second.status;
  EXPECT_EQ(second.status.reason, "FLOW_NOT_FOUND");
  EXPECT_EQ(relay_->forwarded(), 1);
  EXPECT_TRUE(world_->Refresh(first->grant().grant_id()).ok());
}

TEST_F(DotTest, UnknownStateFindsNoFlow) {
  StartStrict();
  const PendingSignIn pending = world_->Begin("dot");
  const auto completed =
      world_->Complete(pending, fmt::format("{}?code=x&state={}", World::kRedirectUri, std::string(43, 'a')));
  EXPECT_EQ(completed.status.code, grpc::StatusCode::NOT_FOUND) << completed.status;
  EXPECT_EQ(completed.status.reason, "FLOW_NOT_FOUND");
}

TEST_F(DotTest, FlowSurvivesFourWrongBindings) {
  StartStrict();
  const PendingSignIn pending = world_->Begin("dot");
  const std::string callback = Allow(pending);
  PendingSignIn stranger = pending;
  stranger.session_binding = std::string(16, 'x');
  for (int tries = 1; tries <= 4; ++tries) {
    EXPECT_EQ(world_->Complete(stranger, callback).status.reason, "FLOW_NOT_FOUND") << tries;
  }
  EXPECT_TRUE(world_->Complete(pending, callback).ok());
}

TEST_F(DotTest, FifthWrongBindingBurnsTheFlow) {
  StartStrict();
  const PendingSignIn pending = world_->Begin("dot");
  const std::string callback = Allow(pending);
  PendingSignIn stranger = pending;
  stranger.session_binding = std::string(16, 'x');
  for (int tries = 1; tries <= 5; ++tries) {
    EXPECT_EQ(world_->Complete(stranger, callback).status.reason, "FLOW_NOT_FOUND") << tries;
  }
  const auto completed = world_->Complete(pending, callback);
  EXPECT_EQ(completed.status.code, grpc::StatusCode::NOT_FOUND) << completed.status;
  EXPECT_EQ(completed.status.reason, "FLOW_NOT_FOUND");
  EXPECT_EQ(relay_->forwarded(), 0);
}

// --- A refresh token that is replayed

TEST_F(DotTest, ServerAnswersAReplayWithinItsGrace) {
  Start(60s, "rotation: grace\n    rotation_grace: 60s");
  const std::string first = Member(Exchange(CodeFor(verifier_), verifier_), "refresh_token");
  const Page redeemed = Redeem(first);
  const Page replayed = Redeem(first);
  EXPECT_NE(Member(redeemed, "refresh_token"), first);
  EXPECT_EQ(Member(replayed, "refresh_token"), Member(redeemed, "refresh_token"));
}

TEST_F(DotTest, ServerRefusesAReplayAfterItsGrace) {
  StartStrict();
  const std::string first = Member(Exchange(CodeFor(verifier_), verifier_), "refresh_token");
  EXPECT_EQ(Redeem(first).status, 200);
  EXPECT_EQ(ErrorOf(Redeem(first)), "invalid_grant");
}

TEST_F(DotTest, LostAnswerWithinTheGraceIsMadeGoodBeforeTheCallerKnows) {
  Start(60s, "rotation: grace\n    rotation_grace: 60s");
  const v1::Grant grant = SignIn();
  relay_->LoseAnswers(1);
  const auto token = world_->Refresh(grant.grant_id(), 1);
  ASSERT_TRUE(token.ok()) << token.status;
  EXPECT_EQ(token->generation(), 2u);
  EXPECT_EQ(relay_->forwarded(), 3);  // the code, the lost refresh, its repetition
  EXPECT_EQ(ResourceStatus(token->access_token()), 200);
  EXPECT_EQ(world_->GetGrant(grant.grant_id()).state(), v1::GRANT_STATE_ACTIVE);
}

TEST_F(DotTest, LostAnswerWithoutGraceCostsOneMoreAttemptAndThenTheUserSignsInAgain) {
  Start(0s, "rotation: strict", 5s);
  const v1::Grant grant = SignIn();
  relay_->LoseAnswers(1);
  const auto doubtful = world_->Refresh(grant.grant_id(), 1);
  EXPECT_EQ(doubtful.status.code, grpc::StatusCode::UNAVAILABLE) << doubtful.status;
  EXPECT_EQ(world_->GetGrant(grant.grant_id()).state(), v1::GRANT_STATE_IN_DOUBT);
  // The token that is still valid goes on being served, without another attempt.
  const auto served = world_->Refresh(grant.grant_id());
  ASSERT_TRUE(served.ok()) << served.status;
  EXPECT_EQ(served->generation(), 1u);
  EXPECT_EQ(relay_->forwarded(), 2);
  // Once it has expired, one last attempt is made, and only one.
  Answer<v1::RefreshResponse> token;
  EXPECT_TRUE(Eventually([&] {
    token = world_->Refresh(grant.grant_id());
    return token.status.code == grpc::StatusCode::FAILED_PRECONDITION;
  })) << token.status;
  EXPECT_EQ(token.status.reason, "NEEDS_REAUTH");
  const v1::Grant lost = world_->GetGrant(grant.grant_id());
  EXPECT_EQ(lost.state(), v1::GRANT_STATE_NEEDS_REAUTH);
  EXPECT_EQ(lost.state_reason(), "IN_DOUBT");
  EXPECT_EQ(relay_->forwarded(), 3);
  EXPECT_EQ(world_->Refresh(grant.grant_id()).status.reason, "NEEDS_REAUTH");
  EXPECT_EQ(relay_->forwarded(), 3);
}

}  // namespace
}  // namespace grantkeep::testing
