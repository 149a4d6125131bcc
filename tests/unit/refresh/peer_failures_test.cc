// SPDX-License-Identifier: Apache-2.0
// Rules that keep grants alive where others lose them. What two processes do to each other is in
// replicas_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "tests/unit/refresh/refresher_fixture.h"

namespace grantkeep {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::v1::Grant;
using testing::kGrace;
using testing::kNone;
using testing::kStrict;
using testing::ScriptedHttp;

class Rules : public testing::RefresherTest {
 protected:
  ~Rules() override {
    if (rooms_ != nullptr) rooms_->loop.Stop();
  }
  // What another replica has written when our next commit arrives.
  void WriteElsewhereFirst(std::function<void(Grant&)> change) {
    rooms_->store->before_next_commit = [this, change = std::move(change)]() -> boost::asio::awaitable<void> {
      const TenantId tenant("t");
      const GrantId id("g");
      auto loaded = co_await rooms_->grants->Load(tenant, id, Tick::max());
      StoredGrant stored = std::move(**loaded);
      change(*stored.grant);
      const auto commit =
          co_await rooms_->grants->Commit(tenant, std::move(stored.grant), stored.revision, {}, Tick::max());
      EXPECT_TRUE(commit.ok() && commit->outcome == CommitResult::Outcome::kDone);
    };
  }
};

TEST_F(Rules, InvalidGrantIsBelievedOnlyOfTheNewestRecord) {
  Start(kStrict);
  rooms_->PutGrant("g", seconds(60));
  rooms_->clock.Advance(seconds(61));
  rooms_->http.OnRequest([this](const ScriptedHttp::Seen&) {
    // The other one has won: its tokens are stored before our refusal is.
    WriteElsewhereFirst([this](Grant& grant) {
      grant.set_generation(2);
      grant.set_access_token("at-of-the-winner");
      grant.set_refresh_token("rt-of-the-winner");
      grant.set_expire_time_us(ToMicros(rooms_->clock.Now() + hours(1)));
      grant.clear_intent();
    });
    return ScriptedHttp::Json(400, R"({"error":"invalid_grant"})");
  });
  const auto token = Refresh();
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->token.Expose(), "at-of-the-winner");
  const StoredGrant kept = rooms_->LoadGrant("g");
  EXPECT_EQ(kept.grant->state(), Grant::STATE_ACTIVE);
  EXPECT_EQ(kept.grant->refresh_token(), "rt-of-the-winner") << "a loser deletes nothing";
}

TEST_F(Rules, AccessAndRefreshTokenAreStoredByOneWrite) {
  Start(kStrict);
  rooms_->PutGrant("g", seconds(60));
  rooms_->clock.Advance(seconds(61));
  int writes = 0;
  rooms_->http.OnRequest([&](const ScriptedHttp::Seen&) {
    writes = rooms_->store->commits;
    return ScriptedHttp::Json(
        200, R"({"access_token":"at-2","token_type":"Bearer","refresh_token":"rt-2","expires_in":60})");
  });
  ASSERT_TRUE(Refresh().ok());
  EXPECT_EQ(rooms_->store->commits - writes, 1);
  const StoredGrant stored = rooms_->LoadGrant("g");
  EXPECT_EQ(stored.grant->access_token(), "at-2");
  EXPECT_EQ(stored.grant->refresh_token(), "rt-2");
}

TEST_F(Rules, ARefreshTokenOutlivesItsAccessTokenByAnyTime) {
  Start(kStrict);
  rooms_->PutGrant("g", seconds(60));
  ProviderGrants();
  rooms_->clock.Advance(hours(24) * 400);
  EXPECT_TRUE(Refresh().ok());
}

TEST_F(Rules, ARetryThatComesAfterTheGraceIsTheOneLastAttemptAndWaitsForTheTokensExpiry) {
  Start(kGrace);
  // Presented once, after 32 minutes, by a process that is gone.
  rooms_->PutGrant("g", minutes(60), [&](Grant& grant) {
    grant.set_state(Grant::STATE_IN_DOUBT);
    grant.mutable_intent()->set_generation(1);
    grant.mutable_intent()->set_attempt(1);
    grant.mutable_intent()->set_first_time_us(ToMicros(rooms_->clock.Now() + minutes(32)));
    grant.mutable_intent()->set_end_time_us(ToMicros(rooms_->clock.Now() + minutes(33)));
  });
  ProviderAnswers(400, R"({"error":"invalid_grant"})");
  rooms_->clock.Advance(minutes(59));
  EXPECT_TRUE(Refresh(Request(minutes(5))).ok());
  EXPECT_EQ(Requests(), 0u);
  rooms_->clock.Advance(minutes(1));
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kNeedsReauth));
  EXPECT_EQ(Requests(), 1u);
  EXPECT_EQ(rooms_->LoadGrant("g").grant->state_reason(), "IN_DOUBT");
}

TEST_F(Rules, ALostAnswerIsAskedForAgainPromptlyInsideTheGrace) {
  Start(kGrace);
  rooms_->PutGrant("g", seconds(60));
  rooms_->clock.Advance(seconds(61));
  ProviderLosesTheAnswer();
  const Tick begin = rooms_->clock.Steady();
  const auto lost = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(), Request()));
  AdvanceUntil([&] { return lost->has_value(); }, std::chrono::milliseconds(10));
  EXPECT_EQ(Requests(), 3u);
  EXPECT_LT(rooms_->clock.Steady() - begin, seconds(2));
}

TEST_F(Rules, AValidTokenIsServedWhateverFailsAndAnExpiredOneNever) {
  const std::pair<int, const char*> failures[] = {
      {500, ""}, {429, "{}"}, {400, R"({"error":"invalid_grant"})"}, {401, R"({"error":"invalid_client"})"}};
  for (const auto& [status, body] : failures) {
    SCOPED_TRACE(status);
    Start(kStrict);
    rooms_->PutGrant("g", seconds(100));
    ProviderAnswers(status, body);
    rooms_->clock.Advance(seconds(92));
    const auto token = Refresh();
    ASSERT_TRUE(token.ok()) << token.status();
    EXPECT_EQ(token->token.Expose(), "at-1");
    EXPECT_EQ(token->freshness, Freshness::kStaleOk);
    rooms_->clock.Advance(seconds(8));
    EXPECT_FALSE(Refresh().ok());
  }
}

TEST_F(Rules, AnUnknownLifetimeIsNeitherZeroNorForEver) {
  Start(kStrict);
  rooms_->PutGrant("g", Duration(0));
  ProviderGrants();
  rooms_->clock.Advance(hours(24));
  const auto served = Refresh();
  ASSERT_TRUE(served.ok());
  EXPECT_FALSE(served->expire_time.has_value());
  EXPECT_EQ(Requests(), 0u);
  RefreshRequest rejected = Request();
  rejected.rejected_generation = {1};
  const auto renewed = Refresh(rejected);
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  EXPECT_EQ(renewed->generation.value, 2u);
}

TEST_F(Rules, AnAnswerWithoutARefreshTokenKeepsTheOldOne) {
  Start(kNone);
  rooms_->PutGrant("g", seconds(60));
  rooms_->clock.Advance(seconds(61));
  ProviderAnswers(200, R"({"access_token":"at-2","token_type":"Bearer","expires_in":60})");
  ASSERT_TRUE(Refresh().ok());
  EXPECT_EQ(rooms_->LoadGrant("g").grant->refresh_token(), "rt-1");
}

TEST_F(Rules, OneTokenThatAnApiRefusesEndsNoGrant) {
  Start(kStrict);
  rooms_->PutGrant("g", minutes(60));
  ProviderAnswers(500, "");
  RefreshRequest rejected = Request();
  rejected.rejected_generation = {1};
  EXPECT_FALSE(Refresh(rejected).ok());
  EXPECT_NE(rooms_->LoadGrant("g").grant->state(), Grant::STATE_NEEDS_REAUTH);
  EXPECT_TRUE(Refresh().ok()) << "the token is still served to whom it serves";
}

TEST_F(Rules, TroubleOfTheStoreOfTheProviderAndOfTheGrantHaveReasonsOfTheirOwn) {
  const auto reason = [this](const std::function<void()>& trouble) {
    Start(kNone);
    rooms_->PutGrant("g", seconds(60));
    rooms_->clock.Advance(seconds(61));
    trouble();
    const auto refused = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(), Request()));
    AdvanceUntil([&] { return refused->has_value(); });
    return ReasonOf((*refused)->status());
  };
  EXPECT_EQ(reason([&] { rooms_->store->failure = Error(Reason::kStoreUnavailable, "away"); }),
            Reason::kStoreUnavailable);
  EXPECT_EQ(reason([] {}), Reason::kProviderUnreachable);
  EXPECT_EQ(reason([&] { ProviderAnswers(500, ""); }), Reason::kProviderError);
  EXPECT_EQ(reason([&] { ProviderAnswers(429, ""); }), Reason::kProviderThrottled);
  EXPECT_EQ(reason([&] { ProviderAnswers(401, R"({"error":"invalid_client"})"); }),
            Reason::kClientMisconfigured);
  EXPECT_EQ(reason([&] { ProviderAnswers(400, R"({"error":"invalid_grant"})"); }), Reason::kNeedsReauth);
}

TEST_F(Rules, ATransportErrorOfTheStoreDeletesNothingAndATokenInMemoryIsServed) {
  Start(kStrict);
  rooms_->PutGrant("g", minutes(60));
  ASSERT_TRUE(Refresh().ok());
  rooms_->store->failure = Error(Reason::kStoreUnavailable, "a hiccup");
  EXPECT_TRUE(Refresh().ok());
  rooms_->store->failure.reset();
  EXPECT_EQ(rooms_->LoadGrant("g").grant->refresh_token(), "rt-1");
}

}  // namespace
}  // namespace grantkeep
