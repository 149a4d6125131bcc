// SPDX-License-Identifier: Apache-2.0
// Records of the built-in catalogue against a server that speaks their dialect.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/e2e/practice_fixture.h"
#include "tests/support/temp_dir.h"

namespace grantkeep::testing {
namespace {

using practice::ClientAuth;
using practice::Dialect;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

constexpr char kSecondSecret[] = "the-second-client-secret-of-the-test";

class DialectE2eTest : public PracticeTest {
 protected:
  // grantkeepd with that record, as "practice", whose endpoints are those of a server that speaks
  // `dialect` and knows the secret `accepted`.
  void StartWith(std::string_view catalogue, Dialect dialect,
                 const std::string& accepted = kPracticeClientSecret) {
    practice::ProviderOptions options;
    options.consent = practice::Consent::kAllow;
    options.iss = practice::IssMode::kAbsent;
    options.pkce_required = dialect != Dialect::kSlackUser;
    options.dialect = dialect;
    options.clients = {{"basic", accepted, ClientAuth::kBasic, {"http://127.0.0.1/callback"}}};
    auto provider = practice::PracticeProvider::Start(std::move(options));
    ASSERT_TRUE(provider.ok()) << provider.status();
    std::ofstream(dir_ / "second") << kSecondSecret << '\n';
    practice_ = *std::move(provider);
    Start(fmt::format(R"(
  - id: practice
    catalogue: {0}
    authorization_endpoint: "{1}/authorize"
    token_endpoint: "{1}/token"
    client:
      client_id: basic
      client_secrets:
        - env: PRACTICE_CLIENT_SECRET
        - file: "{2}"
    redirect_uris: ["http://127.0.0.1/callback"]
)",
                      catalogue, practice_->issuer(), (dir_ / "second").string()));
  }
  v1::Grant SignInFor(const std::vector<std::string>& scopes) {
    v1::StartAuthRequest request = World::StartRequest("practice");
    for (const std::string& scope : scopes) request.add_scopes(scope);
    const auto started = world_->caller().StartAuth(request);
    EXPECT_TRUE(started.ok()) << started.status;
    const PendingSignIn pending = {started->authorization_url(), started->state(), request.session_binding()};
    const auto completed = world_->Complete(pending, Visit(pending));
    EXPECT_TRUE(completed.ok()) << completed.status;
    return completed->grant();
  }
  std::vector<std::string> ErrorsAndStatuses() {
    std::vector<std::string> all;
    for (const practice::TokenRequestRecord& record : practice_->Stats().log) {
      all.push_back(fmt::format("{} {} {}", record.grant_type, record.status, record.error));
    }
    return all;
  }

  TempDir dir_;
};

TEST_F(DialectE2eTest, SlackUserSignsInRefreshesAndFindsOutThatTheGrantIsDead) {
  StartWith("slack-user", Dialect::kSlackUser);
  SetLifetime(1s);
  const v1::Grant grant = SignInFor({"search:read", "files:read"});
  EXPECT_THAT(grant.scopes(), ElementsAre("search:read", "files:read"));
  SetLifetime(3600s);
  Answer<v1::RefreshResponse> token;
  EXPECT_TRUE(Eventually([&] {
    token = world_->Refresh(grant.grant_id());
    return token.ok() && token->generation() == 2;
  })) << token.status;
  EXPECT_EQ(ResourceStatus(token->access_token()), 200);
  EXPECT_EQ(token->token_type(), "Bearer");
  practice_->KillAllFamilies();
  EXPECT_EQ(world_->Refresh(grant.grant_id(), 2).status.reason, "NEEDS_REAUTH");
  EXPECT_THAT(ErrorsAndStatuses(), ElementsAre("authorization_code 200 ", "refresh_token 200 ",
                                               "refresh_token 200 invalid_grant"));
}

// "bad_client_secret" with status 200.
TEST_F(DialectE2eTest, SlackRefusesASecretAndTheNextOneIsTried) {
  StartWith("slack-user", Dialect::kSlackUser, kSecondSecret);
  EXPECT_THAT(SignInFor({"search:read"}).scopes(), ElementsAre("search:read"));
  EXPECT_THAT(ErrorsAndStatuses(),
              ElementsAre("authorization_code 200 invalid_client", "authorization_code 200 "));
  EXPECT_EQ(practice_->Stats().code_replays, 0u);
}

// JSON bodies, no scopes, no expiry.
TEST_F(DialectE2eTest, NotionSignsInAndRefreshes) {
  StartWith("notion", Dialect::kNotion);
  const v1::Grant grant = SignInFor({});
  EXPECT_THAT(grant.scopes(), IsEmpty());
  EXPECT_FALSE(grant.has_access_token_expire_time());
  const auto token = world_->Refresh(grant.grant_id(), 1);
  ASSERT_TRUE(token.ok()) << token.status;
  EXPECT_EQ(token->generation(), 2u);
  EXPECT_EQ(ResourceStatus(token->access_token()), 200);
  EXPECT_THAT(ErrorsAndStatuses(), ElementsAre("authorization_code 200 ", "refresh_token 200 "));
}

}  // namespace
}  // namespace grantkeep::testing
