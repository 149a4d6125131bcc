// SPDX-License-Identifier: Apache-2.0
// The real daemon with a database that is not the one it was left with: a backup that was put back, a
// copy of somebody else's.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/e2e/cli_process.h"
#include "tests/e2e/practice_fixture.h"

namespace grantkeep::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class AdoptionE2e : public PracticeTest {
 protected:
  std::filesystem::path Database() { return world_->daemon().data_dir() / "grantkeep.db"; }
  std::filesystem::path Backup() { return world_->daemon().data_dir() / "backup.db"; }
  // An orderly stop leaves everything in the one file.
  void Stop() { ASSERT_EQ(world_->daemon().Stop(), 0) << world_->daemon().Output(); }
  void Restart() {
    const absl::Status ready = world_->Start();
    ASSERT_TRUE(ready.ok()) << ready;
  }
  void TakeBackup() {
    Stop();
    std::filesystem::copy_file(Database(), Backup());
    Restart();
  }
  void PutBackupBack() {
    Stop();
    std::filesystem::copy_file(Backup(), Database(), std::filesystem::copy_options::overwrite_existing);
    Restart();
  }
  // As if the daemon had been left with another store.
  void ForgetTheStore() {
    Stop();
    std::ofstream(world_->daemon().data_dir() / "store.identity")
        << "id: " << std::string(32, '0') << "\nepoch: 1\n";
    Restart();
  }
  CliResult Cli(const std::vector<std::string>& arguments) {
    CliProcess process(arguments, {{"GRANTKEEP_ADDRESS", world_->daemon().address()}});
    return process.Finish();
  }
  v1::StoreStatus Store() { return world_->caller().GetServerStatus({})->store(); }
  void ExpectNothingIsWritten() {
    const auto flow = world_->caller().StartAuth(World::StartRequest("practice"));
    EXPECT_EQ(flow.status.reason, "STORE_NOT_ADOPTED") << flow.status;
    EXPECT_EQ(flow.status.code, grpc::StatusCode::FAILED_PRECONDITION);
    v1::PutStaticSecretRequest put;
    put.set_tenant(World::kTenant);
    put.set_name("bot");
    put.set_value("v");
    EXPECT_EQ(world_->caller().PutStaticSecret(put).status.reason, "STORE_NOT_ADOPTED");
  }
};

TEST_F(AdoptionE2e, ARestoredBackupIsOnlyReadUntilItIsAdopted) {
  Start();
  SetLifetime(3600s);
  const v1::Grant valid = SignIn();
  const v1::Grant expired = SignInAndExpire();
  TakeBackup();
  // What the backup does not know: a refresh, and a store that was adopted since.
  ASSERT_TRUE(world_->Refresh(expired.grant_id()).ok());
  ForgetTheStore();
  EXPECT_EQ(Cli({"admin", "adopt", "--as", "restore"}).code, 0);
  EXPECT_EQ(Store().epoch(), 2u);
  ASSERT_EQ(practice_->Stats().refresh_requests, 1u);

  PutBackupBack();
  EXPECT_FALSE(Store().adopted());
  EXPECT_TRUE(Store().available());
  EXPECT_EQ(Store().epoch(), 1u);
  EXPECT_THAT(Store().adoption_problem(), HasSubstr("its epoch is 1, remembered is 2"));
  const CliResult doctor = Cli({"doctor"});
  EXPECT_EQ(doctor.code, 1);
  EXPECT_THAT(doctor.out, AllOf(HasSubstr("only read"), HasSubstr("grantkeep admin adopt --as restore")));
  EXPECT_TRUE(world_->Refresh(valid.grant_id()).ok()) << "a valid token is served";
  const auto refused = world_->Refresh(expired.grant_id());
  EXPECT_EQ(refused.status.reason, "STORE_NOT_ADOPTED") << refused.status;
  ExpectNothingIsWritten();
  EXPECT_EQ(practice_->Stats().refresh_requests, 1u);

  const CliResult adopted = Cli({"admin", "adopt", "--as", "restore"});
  EXPECT_EQ(adopted.code, 0) << adopted.err;
  EXPECT_THAT(adopted.out, HasSubstr("in epoch 3 now"));
  EXPECT_TRUE(Store().adopted());
  EXPECT_EQ(Cli({"admin", "adopt", "--as", "restore"}).code, 6) << "it is adopted already";
  EXPECT_EQ(Store().epoch(), 3u);

  EXPECT_EQ(world_->GetGrant(valid.grant_id()).state(), v1::GRANT_STATE_IN_DOUBT);
  EXPECT_EQ(world_->GetGrant(valid.grant_id()).state_reason(), "RESTORED");
  EXPECT_TRUE(world_->Refresh(valid.grant_id()).ok());
  EXPECT_EQ(practice_->Stats().refresh_requests, 1u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(world_->Refresh(expired.grant_id()).status.reason, "NEEDS_REAUTH");
  }
  EXPECT_EQ(practice_->Stats().refresh_requests, 2u) << "one last attempt, with the token that was replaced";
  EXPECT_EQ(world_->GetGrant(expired.grant_id()).state_reason(), "IN_DOUBT");

  // It is remembered.
  Stop();
  Restart();
  EXPECT_TRUE(Store().adopted());
  EXPECT_TRUE(world_->Refresh(SignInAndExpire().grant_id()).ok());
}

TEST_F(AdoptionE2e, ACloneAsksNoProviderAndUsersSignInAgain) {
  Start();
  const v1::Grant grant = SignInAndExpire();
  const std::string original = Store().id();
  ForgetTheStore();
  EXPECT_THAT(Store().adoption_problem(), HasSubstr("its id is " + original));
  ExpectNothingIsWritten();
  EXPECT_EQ(Cli({"admin", "adopt", "--as", "clone", "--store-id", std::string(32, '1')}).code, 2);
  EXPECT_FALSE(Store().adopted());

  const CliResult adopted = Cli({"admin", "adopt", "--as", "clone", "--store-id", original});
  EXPECT_EQ(adopted.code, 0) << adopted.err;
  EXPECT_TRUE(Store().adopted());
  EXPECT_NE(Store().id(), original);
  for (int i = 0; i < 2; ++i) {
    const auto token = world_->Refresh(grant.grant_id());
    EXPECT_EQ(token.status.reason, "NEEDS_REAUTH");
    EXPECT_THAT(token.status.message, HasSubstr("CLONED"));
    Stop();
    Restart();
  }
  EXPECT_EQ(world_->GetGrant(grant.grant_id()).state(), v1::GRANT_STATE_NEEDS_REAUTH);
  EXPECT_EQ(practice_->Stats().refresh_requests, 0u);
  EXPECT_TRUE(world_->Refresh(SignInAndExpire().grant_id()).ok()) << "signed in on the clone";
}

TEST_F(AdoptionE2e, DevelopmentWithoutItsDatabaseStartsAfresh) {
  Start();
  const std::string before = Store().id();
  Stop();
  std::filesystem::remove(Database());
  Restart();
  EXPECT_NE(Store().id(), before);
  EXPECT_TRUE(Store().adopted());
}

}  // namespace
}  // namespace grantkeep::testing
