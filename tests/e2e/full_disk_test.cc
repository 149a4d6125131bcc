// SPDX-License-Identifier: Apache-2.0
// A disk that is full, or cannot be written, under the real grantkeepd.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <string>

#include "tests/e2e/practice_fixture.h"
#include "tests/support/small_disk.h"

namespace grantkeep::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

// The disk comes first: it wants a process without threads.
class OnSmallDisk {
 protected:
  SmallDisk disk_;
};

class FullDisk : public OnSmallDisk, public PracticeTest {
 protected:
  // grantkeepd with its data on the small disk; not started.
  void Prepare() {
    world_ = std::make_unique<World>(
        DefaultProviders(),
        std::map<std::string, std::string>{{"PRACTICE_CLIENT_SECRET", kPracticeClientSecret}},
        configuration_);
    std::filesystem::create_directory_symlink(disk_.path(), world_->daemon().data_dir());
  }
  void StartOnDisk() {
    Prepare();
    const absl::Status ready = world_->Start();
    ASSERT_TRUE(ready.ok()) << ready;
  }

  CallStatus Put(const std::string& name) {
    v1::PutStaticSecretRequest request;
    request.set_tenant(World::kTenant);
    request.set_name(name);
    request.set_value(std::string(20'000, 'v'));
    return world_->caller().PutStaticSecret(request).status;
  }
  bool Has(const std::string& name) {
    v1::GetStaticSecretRequest request;
    request.set_tenant(World::kTenant);
    request.set_name(name);
    return world_->caller().GetStaticSecret(request).ok();
  }
  // What `grantkeep doctor` is told.
  std::string StoreProblem() {
    const auto status = world_->caller().GetServerStatus({}, std::chrono::seconds(20));
    return status.ok() ? status->store().problem() : "no answer";
  }
  bool Says(std::string_view text) { return world_->daemon().Says(text); }
  std::string Database() { return (world_->daemon().data_dir() / "grantkeep.db").string(); }
};

TEST_F(FullDisk, RefusesWritesAnswersReadsAndGoesOnOnceThereIsRoom) {
  StartOnDisk();
  const v1::Grant grant = SignIn();
  ASSERT_TRUE(Put("before").ok());
  disk_.Fill();
  const CallStatus refused = Put("meanwhile");
  EXPECT_EQ(refused.code, grpc::StatusCode::UNAVAILABLE) << refused;
  EXPECT_EQ(refused.reason, "STORE_UNAVAILABLE");
  EXPECT_THAT(refused.message, AllOf(HasSubstr("disk is full"), HasSubstr("make room")));
  EXPECT_TRUE(Has("before"));
  EXPECT_FALSE(Has("meanwhile"));
  EXPECT_THAT(StoreProblem(), HasSubstr("disk is full"));
  EXPECT_TRUE(world_->Refresh(grant.grant_id()).ok());
  EXPECT_TRUE(Says("grantkeep.db: operations fail"));
  EXPECT_TRUE(Says("disk is full"));

  disk_.Free();
  EXPECT_TRUE(Put("meanwhile").ok());
  EXPECT_TRUE(Has("meanwhile"));
  EXPECT_EQ(StoreProblem(), "");
  EXPECT_TRUE(Says("operations succeed again"));
  EXPECT_EQ(world_->daemon().Stop(), 0);
  ASSERT_TRUE(world_->Start().ok());
  EXPECT_TRUE(Has("before") && Has("meanwhile"));
}

TEST_F(FullDisk, NewTokensThatCannotBeStoredAreServedAndStoredOnceThereIsRoom) {
  StartOnDisk();
  const v1::Grant grant = SignInAndExpire();
  practice_->SetLatency(500ms);
  auto refreshing = std::async(std::launch::async, [&] { return world_->Refresh(grant.grant_id()); });
  // The intent is stored, the request is out; now there is no room for its answer.
  ASSERT_TRUE(Eventually([&] { return practice_->Stats().refresh_requests == 1; }));
  disk_.Fill();
  const auto token = refreshing.get();
  practice_->SetLatency(0ms);
  ASSERT_TRUE(token.ok()) << token.status;
  EXPECT_EQ(token->generation(), 2u);
  for (int i = 0; i < 3; ++i) {
    const auto again = world_->Refresh(grant.grant_id());
    ASSERT_TRUE(again.ok()) << again.status;
    EXPECT_EQ(again->access_token(), token->access_token());
  }
  EXPECT_EQ(ResourceStatus(token->access_token()), 200);
  EXPECT_TRUE(Says("new tokens are not stored yet"));

  disk_.Free();
  ASSERT_TRUE(Says("its new tokens are stored now"));
  // Stored is what survives a kill.
  world_->daemon().Kill();
  ASSERT_TRUE(world_->Start().ok()) << world_->daemon().Output();
  const auto after = world_->Refresh(grant.grant_id());
  ASSERT_TRUE(after.ok()) << after.status;
  EXPECT_EQ(after->generation(), 2u);
  EXPECT_EQ(after->access_token(), token->access_token());
  EXPECT_EQ(practice_->Stats().refresh_requests, 1u);
  EXPECT_EQ(practice_->Stats().reuse_detections, 0u);
}

TEST_F(FullDisk, ARefreshIsNotBegunWithoutRoomForItsIntentAndConsumesNothing) {
  StartOnDisk();
  const v1::Grant grant = SignInAndExpire();
  disk_.Fill();
  const auto refused = world_->Refresh(grant.grant_id());
  EXPECT_EQ(refused.status.code, grpc::StatusCode::UNAVAILABLE) << refused.status;
  EXPECT_EQ(refused.status.reason, "STORE_UNAVAILABLE");
  EXPECT_EQ(practice_->Stats().refresh_requests, 0u);
  disk_.Free();
  const auto token = world_->Refresh(grant.grant_id());
  ASSERT_TRUE(token.ok()) << token.status;
  EXPECT_EQ(token->generation(), 2u);
}

TEST_F(FullDisk, ASignInThatCannotBeStoredIsRefusedAndItsTokensAreRevoked) {
  StartOnDisk();
  const PendingSignIn pending = world_->Begin("practice");
  const std::string callback = Visit(pending);
  practice_->SetLatency(500ms);
  auto completing = std::async(std::launch::async, [&] { return world_->Complete(pending, callback); });
  ASSERT_TRUE(Eventually([&] { return practice_->Stats().token_requests > 0; }));
  disk_.Fill();
  const auto completed = completing.get();
  EXPECT_EQ(completed.status.code, grpc::StatusCode::UNAVAILABLE) << completed.status;
  EXPECT_EQ(completed.status.reason, "STORE_UNAVAILABLE");
  EXPECT_EQ(practice_->Stats().revocation_requests, 1u);
}

TEST_F(FullDisk, AStartNamesTheFileAndSucceedsOnceThereIsRoom) {
  Prepare();
  disk_.Fill();
  const absl::Status full = world_->Start();
  ASSERT_FALSE(full.ok());
  EXPECT_THAT(std::string(full.message()),
              AllOf(HasSubstr(world_->daemon().data_dir().string()),
                    ::testing::AnyOf(HasSubstr("disk is full"), HasSubstr("No space left"))));
  disk_.Free();
  EXPECT_TRUE(world_->Start().ok()) << world_->daemon().Output();
}

TEST_F(FullDisk, ADiskThatCannotBeWrittenIsNamedAndItsDataStays) {
  StartOnDisk();
  ASSERT_TRUE(Put("kept").ok());
  EXPECT_EQ(world_->daemon().Stop(), 0);
  disk_.MakeReadOnly();
  const absl::Status refused = world_->Start();
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr("store.sqlite.path: " + world_->daemon().data_dir().string()),
                    HasSubstr("Read-only file system")));
  disk_.MakeWritable();
  ASSERT_TRUE(world_->Start().ok()) << world_->daemon().Output();
  EXPECT_TRUE(Has("kept"));
}

}  // namespace
}  // namespace grantkeep::testing
