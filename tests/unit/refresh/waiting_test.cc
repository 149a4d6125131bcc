// SPDX-License-Identifier: Apache-2.0
// What is waited for, and by whom: a caller's deadline bounds its own waiting only.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "tests/unit/refresh/refresher_fixture.h"

namespace grantkeep {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::v1::Grant;
using testing::kStrict;
using Result = absl::StatusOr<AccessToken>;

class RefreshWaiting : public testing::RefresherTest {
 protected:
  void StartExpired(const std::string& yaml) {
    Start(yaml);
    ProviderGrants();
    rooms_->PutGrant("g", seconds(60));
    rooms_->clock.Advance(seconds(61));
  }
  std::shared_ptr<std::optional<Result>> Begin(Duration timeout) {
    return rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(timeout), Request()));
  }
  void Run(const std::function<bool()>& done) { rooms_->loop.RunUntil(done); }

  // A process took the lease, and died when its request was on its way. Its call limit is 20 s.
  void DieBeforeTheAnswer() {
    StoredGrant grant = rooms_->LoadGrant("g");
    storage::v1::RefreshIntent& intent = *grant.grant->mutable_intent();
    intent.set_generation(1);
    intent.set_attempt(1);
    intent.set_owner("dead");
    intent.set_first_time_us(ToMicros(rooms_->clock.Now()));
    intent.set_end_time_us(ToMicros(rooms_->clock.Now() + seconds(20)));
    std::vector<Write> also;
    also.emplace_back(TakeLease{Grants::KeyOf(TenantId("t"), GrantId("g")), "dead", seconds(35)});
    const auto done =
        rooms_->loop.Run(rooms_->grants->Commit(TenantId("t"), std::move(grant.grant), grant.revision,
                                                std::move(also), rooms_->clock.Steady() + seconds(5)));
    ASSERT_TRUE(done.ok() && done->outcome == CommitResult::Outcome::kDone);
  }
  Duration UntilAsked() {
    const auto result = Begin(minutes(10));
    const Tick begin = rooms_->clock.Steady();
    AdvanceUntil([&] { return Requests() == 1; }, milliseconds(100));
    const Duration waited = std::chrono::duration_cast<Duration>(rooms_->clock.Steady() - begin);
    Run([&] { return result->has_value(); });
    EXPECT_TRUE((*result)->ok()) << (*result)->status();
    return waited;
  }
};

TEST_F(RefreshWaiting, ACallerBehindAnothersLeaseGetsItsDeadlineAndTheRefreshIsMadeAllTheSame) {
  StartExpired(kStrict);
  std::vector<Write> writes;
  writes.emplace_back(TakeLease{Grants::KeyOf(TenantId("t"), GrantId("g")), "somebody", seconds(30)});
  ASSERT_TRUE(
      rooms_->loop.Run(rooms_->sqlite->Commit(std::move(writes), rooms_->clock.Steady() + seconds(5))).ok());
  const auto caller = Begin(milliseconds(50));
  AdvanceUntil([&] { return caller->has_value(); }, milliseconds(10));
  EXPECT_TRUE(HasReason((*caller)->status(), Reason::kDeadline)) << (*caller)->status();
  EXPECT_EQ(Requests(), 0u);
  AdvanceUntil([&] { return Requests() == 1; });
  AdvanceUntil([&] { return rooms_->LoadGrant("g").grant->generation() == 2; });
}

TEST_F(RefreshWaiting, ACallersDeadlineShortensNeitherTheCallNorTheStoring) {
  StartExpired(kStrict);
  rooms_->http.Hold();
  const auto caller = Begin(milliseconds(50));
  Run([&] { return Requests() == 1; });
  rooms_->clock.Advance(milliseconds(50));
  Run([&] { return caller->has_value(); });
  EXPECT_TRUE(HasReason((*caller)->status(), Reason::kDeadline)) << (*caller)->status();
  rooms_->clock.Advance(seconds(19));  // of the call's 20
  rooms_->store->commits_refused = 3;
  rooms_->http.Release();
  AdvanceUntil([&] { return rooms_->store->commits_refused == 0; });
  AdvanceUntil([&] { return rooms_->LoadGrant("g").grant->generation() == 2; });
  EXPECT_EQ(Requests(), 1u);
}

// 20 s (the intent) + 20 s (the call) fit into the grace; with the rest of the lease they would not.
TEST_F(RefreshWaiting, InTheProvidersGraceOnlyTheIntentOfADeadProcessIsWaitedOut) {
  StartExpired(testing::Yaml("grace\n    rotation_grace: 45s"));
  DieBeforeTheAnswer();
  EXPECT_LT(UntilAsked(), seconds(22));
  EXPECT_EQ(rooms_->LoadGrant("g").grant->state(), Grant::STATE_ACTIVE);
}

TEST_F(RefreshWaiting, TheLastAttemptAtAStrictProviderWaitsForTheLeaseOfADeadProcess) {
  StartExpired(kStrict);
  DieBeforeTheAnswer();
  EXPECT_GE(UntilAsked(), seconds(35));
}

TEST_F(RefreshWaiting, TheLeaseOfOneWhoHasNoIntentIsWaitedOutInTheGraceToo) {
  StartExpired(testing::Yaml("grace\n    rotation_grace: 600s"));
  DieBeforeTheAnswer();
  StoredGrant grant = rooms_->LoadGrant("g");
  grant.grant->mutable_intent()->set_owner("another");
  const auto done = rooms_->loop.Run(rooms_->grants->Commit(
      TenantId("t"), std::move(grant.grant), grant.revision, {}, rooms_->clock.Steady() + seconds(5)));
  ASSERT_TRUE(done.ok());
  EXPECT_GE(UntilAsked(), seconds(35));
}

}  // namespace
}  // namespace grantkeep
