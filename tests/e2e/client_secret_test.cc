// SPDX-License-Identifier: Apache-2.0
// A client secret is replaced at the provider while grants go on being refreshed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/e2e/practice_fixture.h"
#include "tests/support/temp_dir.h"

namespace grantkeep::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

constexpr char kNewSecret[] = "the-next-client-secret-of-the-test";

class ClientSecretTest : public PracticeTest {
 protected:
  // "practice", with the secret of the file `old` and then that of `new`. The second is not there yet.
  void StartWithFiles() {
    WriteSecret("old", kPracticeClientSecret);
    std::string providers = DefaultProviders();
    const std::string from_environment = "- env: PRACTICE_CLIENT_SECRET";
    const size_t at = providers.find(from_environment);
    ASSERT_NE(at, std::string::npos);
    providers.replace(at, from_environment.size(),
                      fmt::format("- file: \"{}\"\n        - file: \"{}\"", (dir_ / "old").string(),
                                  (dir_ / "new").string()));
    Start(providers);
  }
  void WriteSecret(const std::string& name, std::string_view secret) {
    std::ofstream(dir_ / name) << secret << '\n';
  }
  // What the token endpoint has answered since the last call: "200", "401 invalid_client".
  std::vector<std::string> Answers() {
    const std::vector<practice::TokenRequestRecord> log = practice_->Stats().log;
    std::vector<std::string> answers;
    for (; counted_ < log.size(); ++counted_) {
      const practice::TokenRequestRecord& record = log[counted_];
      answers.push_back(fmt::format("{}{}{}", record.status, record.error.empty() ? "" : " ", record.error));
    }
    return answers;
  }

  TempDir dir_;
  size_t counted_ = 0;
};

TEST_F(ClientSecretTest, IsRotatedAtTheProviderWithoutAGrantNoticing) {
  StartWithFiles();
  // The provider knows the old secret only, and so does grantkeepd.
  const v1::Grant first = SignInAndExpire();
  const v1::Grant second = SignInAndExpire();
  const v1::Grant third = SignInAndExpire();
  EXPECT_THAT(Answers(), ElementsAre("200", "200", "200"));

  // Both know both: the old one is good for as long as it works.
  ASSERT_TRUE(practice_->SetClientSecrets("basic", {kPracticeClientSecret, kNewSecret}));
  WriteSecret("new", kNewSecret);
  EXPECT_EQ(world_->Refresh(first.grant_id())->generation(), 2u);
  EXPECT_THAT(Answers(), ElementsAre("200"));

  // The provider drops the old one. The first refresh finds that out, and no other pays for it.
  ASSERT_TRUE(practice_->SetClientSecrets("basic", {kNewSecret}));
  const auto renewed = world_->Refresh(second.grant_id());
  ASSERT_TRUE(renewed.ok()) << renewed.status;
  EXPECT_EQ(ResourceStatus(renewed->access_token()), 200);
  EXPECT_THAT(Answers(), ElementsAre("401 invalid_client", "200"));
  EXPECT_EQ(world_->Refresh(third.grant_id())->generation(), 2u);
  EXPECT_THAT(Answers(), ElementsAre("200"));
  // Sign-ins use it as well.
  SignIn();
  EXPECT_THAT(Answers(), ElementsAre("200"));

  EXPECT_EQ(practice_->Stats().reuse_detections, 0u);
  EXPECT_THAT(world_->daemon().Output(), Not(HasSubstr(kNewSecret)));
  EXPECT_THAT(world_->daemon().Output(), Not(HasSubstr(kPracticeClientSecret)));
}

TEST_F(ClientSecretTest, ThatIsInTheVaultIsReadBeforeTheUserIsSentToSignIn) {
  std::string providers = DefaultProviders();
  const std::string from_environment = "- env: PRACTICE_CLIENT_SECRET";
  providers.replace(providers.find(from_environment), from_environment.size(),
                    "- vault: {tenant: ops, name: practice}");
  Start(providers);
  const auto refused = world_->caller().StartAuth(World::StartRequest("practice"));
  EXPECT_EQ(refused.status.reason, "CLIENT_MISCONFIGURED") << refused.status;
  EXPECT_THAT(refused.status.message, HasSubstr("no static secret practice of tenant ops"));
  v1::PutStaticSecretRequest put;
  put.set_tenant("ops");
  put.set_name("practice");
  put.set_value(kPracticeClientSecret);
  ASSERT_TRUE(world_->caller().PutStaticSecret(put).ok());
  SignIn();
  EXPECT_THAT(Answers(), ElementsAre("200"));
}

TEST_F(ClientSecretTest, ThatNobodyAcceptsCostsNoGrant) {
  StartWithFiles();
  WriteSecret("new", kNewSecret);
  const v1::Grant grant = SignInAndExpire();
  EXPECT_THAT(Answers(), ElementsAre("200"));
  ASSERT_TRUE(practice_->SetClientSecrets("basic", {"another"}));
  const auto refused = world_->Refresh(grant.grant_id());
  EXPECT_EQ(refused.status.reason, "CLIENT_MISCONFIGURED") << refused.status;
  EXPECT_THAT(Answers(), ElementsAre("401 invalid_client", "401 invalid_client"));
  EXPECT_EQ(world_->GetGrant(grant.grant_id()).state(), v1::GRANT_STATE_ACTIVE);

  // Put right, it goes on: the refresh token was never consumed.
  ASSERT_TRUE(practice_->SetClientSecrets("basic", {kNewSecret}));
  EXPECT_TRUE(Eventually([&] {
    const auto token = world_->Refresh(grant.grant_id());
    return token.ok() && token->generation() == 2;
  }));
  EXPECT_EQ(practice_->Stats().reuse_detections, 0u);
}

}  // namespace
}  // namespace grantkeep::testing
