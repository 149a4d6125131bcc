// SPDX-License-Identifier: Apache-2.0
// The store is away when the provider's answer arrives, and the process dies: the recovery file has the
// tokens.
#include <optional>

#include "tests/e2e/crash/crash_fixture.h"
#include "tests/support/small_disk.h"

namespace grantkeep::testing {
namespace {

using practice::Rotation;
using namespace std::chrono_literals;

// The store goes while the provider has the request, on a machine that may be slow.
constexpr auto kLatency = 1000ms;
constexpr auto kCallLimit = 4s;

// The disk comes first: it wants a process without threads.
class MaybeOnSmallDisk : public ::testing::WithParamInterface<CrashCase> {
 protected:
  MaybeOnSmallDisk() {
    if (std::get<0>(GetParam()) == StoreKind::kSqlite) disk_.emplace();
  }
  std::optional<SmallDisk> disk_;
};

class StoreAwayAtTheAnswer : public MaybeOnSmallDisk, public CrashFixture {
 protected:
  StoreAwayAtTheAnswer() : CrashFixture(std::get<0>(GetParam()), std::get<1>(GetParam())) {}

  void SetUp() override {
    if (disk_.has_value()) {
      world_ = std::make_unique<World>(
          Providers(kCallLimit),
          std::map<std::string, std::string>{{"PRACTICE_CLIENT_SECRET", kPracticeClientSecret}},
          configuration_);
      std::filesystem::create_directory_symlink(disk_->path(), world_->daemon().data_dir());
      CrashFixture::Start();
    } else {
      PracticeTest::Start(Providers(kCallLimit));
    }
    grant_ = SignInExpired(1).front();
    ASSERT_EQ(world_->daemon().Stop(), 0);
  }

  void TakeStoreAway() { disk_.has_value() ? disk_->Fill() : redis_->Kill(); }
  void BringStoreBack() { disk_.has_value() ? disk_->Free() : redis_->Start(); }

  // A refresh whose answer comes when the store is away; its result comes when it is asked for.
  std::future<Answer<v1::RefreshResponse>> RefreshWhileTheStoreGoes() {
    practice_->SetLatency(kLatency);
    auto call = std::async(std::launch::async, [&] {
      return world_->caller().Refresh(World::RefreshRequest(grant_.grant_id), 60s);
    });
    EXPECT_TRUE(Eventually([&] { return Presented(grant_) == 1; }));
    TakeStoreAway();
    return call;
  }

  SignedIn grant_;
};

TEST_P(StoreAwayAtTheAnswer, TheFileBringsTheTokensBackAfterKillMinusNine) {
  DieAt("recovery-written");
  CrashFixture::Start();
  auto call = RefreshWhileTheStoreGoes();
  ExpectKilled();
  call.wait();
  EXPECT_EQ(RecoveryFiles(), 1u);
  BringStoreBack();
  practice_->SetLatency(0ms);
  Live();
  CrashFixture::Start();
  ExpectGood(grant_, RefreshAtLast(grant_.grant_id));
  EXPECT_EQ(Presented(grant_), 1u) << "the provider is not asked again";
  EXPECT_TRUE(Eventually([&] { return RecoveryFiles() == 0; }));
}

TEST_P(StoreAwayAtTheAnswer, BeforeTheFileIsWrittenTheRulesOfDoubtHold) {
  DieAt("unsaved");
  CrashFixture::Start();
  auto call = RefreshWhileTheStoreGoes();
  ExpectKilled();
  call.wait();
  EXPECT_EQ(RecoveryFiles(), 0u);
  BringStoreBack();
  practice_->SetLatency(0ms);
  Live();
  CrashFixture::Start();
  const auto answer = RefreshAtLast(grant_.grant_id);
  if (grace()) {
    ExpectGood(grant_, answer);
  } else {
    ExpectLost(grant_, answer);
  }
  EXPECT_EQ(Presented(grant_), 2u);
}

TEST_P(StoreAwayAtTheAnswer, TheTokensAreServedAndStoredWhenTheStoreIsBack) {
  Live();
  CrashFixture::Start();
  auto call = RefreshWhileTheStoreGoes();
  const auto answer = call.get();
  EXPECT_TRUE(answer.ok()) << answer.status;
  EXPECT_TRUE(Eventually([&] { return RecoveryFiles() == 1; }));
  BringStoreBack();
  EXPECT_TRUE(Eventually([&] { return RecoveryFiles() == 0; }, 40s)) << "the store has them";
  ExpectGood(grant_, RefreshAtLast(grant_.grant_id));
  EXPECT_EQ(Presented(grant_), 1u);
}

TEST_P(StoreAwayAtTheAnswer, ADrainLeavesAFileThatTheNextStartHas) {
  Live();
  CrashFixture::Start();
  auto call = RefreshWhileTheStoreGoes();
  EXPECT_EQ(world_->daemon().Stop(), 0);
  EXPECT_TRUE(call.get().ok()) << "what was granted is served, stored or not";
  EXPECT_EQ(RecoveryFiles(), 1u);
  BringStoreBack();
  practice_->SetLatency(0ms);
  CrashFixture::Start();
  ExpectGood(grant_, RefreshAtLast(grant_.grant_id));
  EXPECT_EQ(Presented(grant_), 1u);
}

TEST_P(StoreAwayAtTheAnswer, ADrainStoresTheAnswerThatTheProviderHolds) {
  Live();
  CrashFixture::Start();
  practice_->SetLatency(kLatency);
  auto call = std::async(std::launch::async, [&] { return world_->Refresh(grant_.grant_id); });
  ASSERT_TRUE(Eventually([&] { return Presented(grant_) == 1; }));
  EXPECT_EQ(world_->daemon().Stop(), 0);
  EXPECT_TRUE(call.get().ok());
  EXPECT_EQ(RecoveryFiles(), 0u);
  CrashFixture::Start();
  ExpectGood(grant_, RefreshAtLast(grant_.grant_id));
  EXPECT_EQ(practice_->Stats().refresh_requests, 1u);
}

INSTANTIATE_TEST_SUITE_P(All, StoreAwayAtTheAnswer,
                         ::testing::Combine(::testing::Values(StoreKind::kSqlite, StoreKind::kRedis),
                                            ::testing::Values(Rotation::kStrict, Rotation::kGrace)),
                         CrashCaseName);

}  // namespace
}  // namespace grantkeep::testing
