// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "tests/support/practice_provider/server_fixture.h"

namespace grantkeep::practice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

class TokensTest : public PracticeServerTest {};

// --- Rotation

TEST_F(TokensTest, StrictRotationKillsTheFamilyOnReuse) {
  const Tokens first = SignIn();
  const Tokens second = TokensOf(Refresh(first.refresh));
  EXPECT_NE(second.refresh, first.refresh);
  EXPECT_EQ(StatusOfMe(second.access), 200);
  EXPECT_EQ(ErrorOf(Refresh(first.refresh)), "invalid_grant");
  EXPECT_EQ(Stats().reuse_detections, 1u);
  EXPECT_EQ(ErrorOf(Refresh(second.refresh)), "invalid_grant");
  EXPECT_EQ(StatusOfMe(second.access), 401);
  EXPECT_EQ(Stats().reuse_detections, 1u);
}

TEST_F(TokensTest, GraceAnswersTheReplacedTokenWithItsSuccessor) {
  SetRotation(Rotation::kGrace, 10s);
  const Tokens first = SignIn();
  const Tokens second = TokensOf(Refresh(first.refresh));
  now_ += 9s;
  EXPECT_EQ(TokensOf(Refresh(first.refresh)).refresh, second.refresh);
  now_ += 1s;
  EXPECT_EQ(ErrorOf(Refresh(first.refresh)), "invalid_grant");
  EXPECT_EQ(Stats().reuse_detections, 1u);
  EXPECT_EQ(ErrorOf(Refresh(second.refresh)), "invalid_grant");
}

TEST_F(TokensTest, KeepsOldAcceptsEveryGeneration) {
  SetRotation(Rotation::kKeepsOld);
  const Tokens first = SignIn();
  const Tokens second = TokensOf(Refresh(first.refresh));
  EXPECT_NE(second.refresh, first.refresh);
  EXPECT_EQ(Refresh(first.refresh).status, 200);
  EXPECT_EQ(Refresh(second.refresh).status, 200);
  EXPECT_EQ(Stats().reuse_detections, 0u);
}

TEST_F(TokensTest, NoRotationSendsNoRefreshToken) {
  SetRotation(Rotation::kNone);
  const Tokens first = SignIn();
  EXPECT_EQ(TokensOf(Refresh(first.refresh)).refresh, "");
  EXPECT_EQ(Refresh(first.refresh).status, 200);
}

TEST_F(TokensTest, RefreshMayNarrowScopeButNotWidenIt) {
  const Tokens first = SignIn();
  const auto refresh = [&](std::string token, std::string scope) {
    Form form;
    form.Add("grant_type", "refresh_token");
    form.Add("client_id", "public");
    form.Add("refresh_token", std::move(token));
    form.Add("scope", std::move(scope));
    return Post("/token", form);
  };
  EXPECT_EQ(ErrorOf(refresh(first.refresh, "read admin")), "invalid_scope");
  const ServerReply narrowed = refresh(first.refresh, "read");
  EXPECT_THAT(narrowed.body, HasSubstr("\"scope\":\"read\""));
}

TEST_F(TokensTest, RefreshTokenOfAnotherClientIsRefusedAndUnharmed) {
  const Tokens tokens = SignIn();
  Form form;
  form.Add("grant_type", "refresh_token");
  form.Add("client_id", "post");
  form.Add("client_secret", "secret");
  form.Add("refresh_token", tokens.refresh);
  EXPECT_EQ(ErrorOf(Post("/token", form)), "invalid_grant");
  EXPECT_EQ(Refresh(tokens.refresh).status, 200);
}

TEST_F(TokensTest, AccessTokensExpire) {
  const Tokens tokens = SignIn();
  now_ += 3599s;
  EXPECT_EQ(StatusOfMe(tokens.access), 200);
  now_ += 1s;
  EXPECT_EQ(StatusOfMe(tokens.access), 401);
}

TEST_F(TokensTest, AccessTokensExpireOnDemand) {
  const Tokens tokens = SignIn();
  server_->ledger().ExpireAccessTokens();
  EXPECT_EQ(StatusOfMe(tokens.access), 401);
  EXPECT_EQ(StatusOfMe(TokensOf(Refresh(tokens.refresh)).access), 200);
}

// --- Revocation (RFC 7009)

TEST_F(TokensTest, RevokedRefreshTokenTakesTheGrantWithIt) {
  const Tokens tokens = SignIn();
  Form form;
  form.Add("client_id", "public");
  form.Add("token", tokens.refresh);
  EXPECT_EQ(Post("/revoke", form).status, 200);
  EXPECT_EQ(StatusOfMe(tokens.access), 401);
  EXPECT_EQ(ErrorOf(Refresh(tokens.refresh)), "invalid_grant");
}

TEST_F(TokensTest, RevokedAccessTokenLeavesTheGrant) {
  const Tokens tokens = SignIn();
  Form form;
  form.Add("client_id", "public");
  form.Add("token", tokens.access);
  EXPECT_EQ(Post("/revoke", form).status, 200);
  EXPECT_EQ(StatusOfMe(tokens.access), 401);
  EXPECT_EQ(Refresh(tokens.refresh).status, 200);
}

TEST_F(TokensTest, RevocationBySomebodyElseDoesNothing) {
  const Tokens tokens = SignIn();
  Form form;
  form.Add("client_id", "post");
  form.Add("client_secret", "secret");
  form.Add("token", tokens.refresh);
  EXPECT_EQ(Post("/revoke", form).status, 200);
  EXPECT_EQ(Refresh(tokens.refresh).status, 200);
}

// --- Faults

TEST_F(TokensTest, FaultBeforeProcessingConsumesNothing) {
  using enum Fault::Kind;
  const Tokens tokens = SignIn();
  for (const Fault::Kind kind : {kServerError, kReset, kHang, kHtml, kTooManyRequests, kOAuthError}) {
    server_->faults().Push({.kind = kind, .error = "temporarily_unavailable"});
    Refresh(tokens.refresh);
  }
  EXPECT_EQ(Refresh(tokens.refresh).status, 200);
  EXPECT_EQ(Stats().reuse_detections, 0u);
  EXPECT_EQ(Stats().faults_injected, 6u);
}

TEST_F(TokensTest, FaultAfterProcessingLosesTheNewToken) {
  using enum Fault::Kind;
  for (const Fault::Kind kind : {kServerError, kReset, kHang, kHtml, kTruncated}) {
    const Tokens tokens = SignIn();
    server_->faults().Push({.kind = kind, .after_processing = true});
    Refresh(tokens.refresh);
    EXPECT_EQ(ErrorOf(Refresh(tokens.refresh)), "invalid_grant") << FaultName(kind);
  }
  EXPECT_EQ(Stats().reuse_detections, 5u);
}

TEST_F(TokensTest, FaultLooksAsNamed) {
  using enum Fault::Kind;
  using Wire = ServerReply::Wire;
  const auto with = [&](Fault fault) {
    server_->faults().Push(std::move(fault));
    return Post("/token", CodeRequest(NewCode()));
  };
  EXPECT_EQ(with({.kind = kServerError}).status, 500);
  EXPECT_EQ(with({.kind = kReset}).wire, Wire::kReset);
  EXPECT_EQ(with({.kind = kHang}).wire, Wire::kHang);
  EXPECT_EQ(with({.kind = kTruncated}).wire, Wire::kTruncated);
  EXPECT_EQ(HeaderOf(with({.kind = kHtml}), "Content-Type"), "text/html");
  EXPECT_EQ(HeaderOf(with({.kind = kTooManyRequests, .retry_after = 7s}), "Retry-After"), "7");
  EXPECT_EQ(ErrorOf(with({.kind = kOAuthError, .error = "invalid_client"})), "invalid_client");
  EXPECT_THAT(with({.kind = kDropScope}).body, Not(HasSubstr("scope")));
  EXPECT_THAT(with({.kind = kDropExpiresIn}).body, Not(HasSubstr("expires_in")));
  EXPECT_THAT(with({.kind = kDropRefreshToken}).body, Not(HasSubstr("refresh_token")));
}

TEST_F(TokensTest, DroppedRefreshTokenLeavesTheOldOneGood) {
  const Tokens tokens = SignIn();
  server_->faults().Push({.kind = Fault::Kind::kDropRefreshToken});
  EXPECT_EQ(TokensOf(Refresh(tokens.refresh)).refresh, "");
  EXPECT_EQ(Refresh(tokens.refresh).status, 200);
  EXPECT_EQ(Stats().reuse_detections, 0u);
}

TEST_F(TokensTest, FaultsEndAfterTheirCount) {
  server_->faults().Push({.kind = Fault::Kind::kServerError, .count = 2});
  const Tokens tokens = [&] {
    EXPECT_EQ(Post("/token", CodeRequest(NewCode())).status, 500);
    EXPECT_EQ(Post("/token", CodeRequest(NewCode())).status, 500);
    return SignIn();
  }();
  EXPECT_EQ(StatusOfMe(tokens.access), 200);
}

}  // namespace
}  // namespace grantkeep::practice
