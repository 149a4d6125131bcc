// SPDX-License-Identifier: Apache-2.0
// A wall clock that is put forward or back by hours. Flows and tokens are judged by the store's
// time, which never goes back: a jump forward ages them, a jump back does not make them younger.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "flow/flow.h"
#include "refresh/refresh.h"
#include "tests/support/rooms.h"

namespace grantkeep {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Rooms;
using testing::ScriptedHttp;

constexpr char kYaml[] = R"(
providers:
  - id: p
    authorization_endpoint: https://as.example/authorize
    token_endpoint: https://as.example/token
    rotation: strict
    redirect_uris: [https://app.example/cb]
    client_authentication: none
    client: {client_id: me}
)";

class ClockJump : public ::testing::Test {
 protected:
  ClockJump() {
    rooms_.http.OnRequest([this](const ScriptedHttp::Seen&) {
      const int n = ++issued_;
      return ScriptedHttp::Json(200, fmt::format(R"({{"access_token":"new-{0}","token_type":"Bearer",)"
                                                 R"("refresh_token":"rt-{0}","expires_in":3600}})",
                                                 n));
    });
  }

  StartedFlow StartFlow() {
    StartAuthRequest request;
    request.tenant = TenantId("t");
    request.provider = ProviderId("p");
    request.subject = SubjectId("u");
    request.redirect_uri = "https://app.example/cb";
    request.session_binding = Secret("0123456789abcdef");
    return rooms_.loop.Run(flow_.Start(rooms_.NewCall(), std::move(request))).value();
  }
  absl::StatusOr<StoredGrant> Complete(const StartedFlow& started) {
    CompleteAuthRequest request;
    request.tenant = TenantId("t");
    request.callback = "https://app.example/cb?code=c&state=" + started.state;
    request.session_binding = Secret("0123456789abcdef");
    return rooms_.loop.Run(flow_.Complete(rooms_.NewCall(), std::move(request)));
  }

  static RefreshRequest Request(const std::string& grant) {
    RefreshRequest request;
    request.tenant = TenantId("t");
    request.subject = SubjectId("u");
    request.grant = GrantId(grant);
    return request;
  }
  absl::StatusOr<AccessToken> Refresh(const std::string& grant = "g") {
    return rooms_.loop.Run(refresher_.Refresh(rooms_.NewCall(), Request(grant)));
  }
  size_t Requests() const { return rooms_.http.seen().size(); }

  int issued_ = 0;
  Rooms rooms_{kYaml};
  Refresher refresher_{*rooms_.grants, *rooms_.store, *rooms_.catalogue,
                       rooms_.clock,   rooms_.random, rooms_.loop.context()};
  AuthFlow flow_{*rooms_.flows, *rooms_.grants, *rooms_.store,           *rooms_.catalogue,
                 rooms_.clock,  rooms_.random,  std::chrono::minutes(10)};
};

TEST_F(ClockJump, BackDoesNotEndAFlowBeforeItsTimeNorLetItLiveLonger) {
  const StartedFlow first = StartFlow();
  const StartedFlow second = StartFlow();
  rooms_.clock.JumpWall(-hours(5));
  rooms_.clock.Advance(minutes(9));
  EXPECT_TRUE(Complete(first).ok());
  rooms_.clock.Advance(minutes(1));
  EXPECT_TRUE(HasReason(Complete(second).status(), Reason::kFlowNotFound));
}

TEST_F(ClockJump, ForwardEndsTheFlowsThatAreOpenAndNewOnesAreWhole) {
  const StartedFlow lost = StartFlow();
  rooms_.clock.JumpWall(hours(5));
  EXPECT_TRUE(HasReason(Complete(lost).status(), Reason::kFlowNotFound));
  const StartedFlow next = StartFlow();
  rooms_.clock.Advance(minutes(9));
  EXPECT_TRUE(Complete(next).ok());
}

TEST_F(ClockJump, BackNeitherRefreshesAGoodTokenNorServesOneThatHasExpired) {
  rooms_.PutGrant("g", hours(1));
  rooms_.clock.JumpWall(-hours(5));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Refresh()->token.Expose(), "at-1");
  EXPECT_EQ(Requests(), 0u);
  rooms_.clock.Advance(hours(1));
  EXPECT_EQ(Refresh()->token.Expose(), "new-1") << "an hour has passed, whatever the wall says";
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Refresh()->token.Expose(), "new-1");
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(ClockJump, ForwardRefreshesEachGrantOnceAndBackAgainNoneASecondTime) {
  constexpr int kGrants = 20;
  for (int i = 0; i < kGrants; ++i) rooms_.PutGrant("g" + std::to_string(i), hours(1));
  rooms_.clock.JumpWall(hours(5));
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < kGrants; ++i) EXPECT_EQ(Refresh("g" + std::to_string(i))->generation.value, 2u);
  }
  EXPECT_EQ(Requests(), static_cast<size_t>(kGrants));
  rooms_.clock.JumpWall(-hours(5));
  for (int i = 0; i < kGrants; ++i) EXPECT_EQ(Refresh("g" + std::to_string(i))->generation.value, 2u);
  EXPECT_EQ(Requests(), static_cast<size_t>(kGrants));
}

TEST_F(ClockJump, ToAndFroManyTimesIsOneJumpForward) {
  rooms_.PutGrant("g", hours(1));
  for (int i = 0; i < 50; ++i) {
    rooms_.clock.JumpWall(hours(i % 2 == 0 ? 3 : -3));
    const auto token = Refresh();
    ASSERT_TRUE(token.ok()) << token.status();
    EXPECT_EQ(token->generation.value, 2u);
  }
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(ClockJump, DuringARefreshLosesNothing) {
  for (const Duration jump : {Duration(hours(5)), Duration(-hours(11))}) {
    const std::string grant = jump > Duration(0) ? "forward" : "back";
    rooms_.PutGrant(grant, seconds(1));
    rooms_.clock.Advance(seconds(2));
    rooms_.http.Hold();
    const size_t before = Requests();
    const auto refreshing = rooms_.loop.Start(refresher_.Refresh(rooms_.NewCall(), Request(grant)));
    rooms_.loop.RunUntil([&] { return Requests() == before + 1; });
    rooms_.clock.JumpWall(jump);
    rooms_.http.Release();
    rooms_.loop.RunUntil([&] { return rooms_.LoadGrant(grant).grant->generation() >= 2; });
    rooms_.loop.RunUntil([&] { return refreshing->has_value(); });
    const StoredGrant stored = rooms_.LoadGrant(grant);
    EXPECT_FALSE(stored.grant->refresh_token().empty());
    EXPECT_EQ(stored.grant->state(), storage::v1::Grant::STATE_ACTIVE);
    const auto token = Refresh(grant);
    ASSERT_TRUE(token.ok()) << token.status();
  }
}

TEST_F(ClockJump, BackDoesNotStopTheRetriesOfAProviderThatFailed) {
  rooms_.PutGrant("g", seconds(1));
  rooms_.clock.Advance(seconds(2));
  rooms_.http.OnRequest([](const ScriptedHttp::Seen&) { return ScriptedHttp::Json(429, "{}"); });
  EXPECT_FALSE(Refresh().ok());
  const size_t failed = Requests();
  rooms_.clock.JumpWall(-hours(5));
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(Refresh().ok());
  EXPECT_EQ(Requests(), failed) << "no storm";
  rooms_.http.OnRequest([](const ScriptedHttp::Seen&) {
    return ScriptedHttp::Json(200, R"({"access_token":"late","token_type":"Bearer","expires_in":3600})");
  });
  rooms_.clock.Advance(minutes(10));
  EXPECT_EQ(Refresh()->token.Expose(), "late");
}

}  // namespace
}  // namespace grantkeep
