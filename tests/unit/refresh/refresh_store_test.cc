// SPDX-License-Identifier: Apache-2.0
// A store that fails in the middle of a refresh, step by step.
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
using testing::ScriptedHttp;
using Result = absl::StatusOr<AccessToken>;

class RefreshStoreTest : public testing::RefresherTest {
 protected:
  // An expired grant, and a call that waits for its refresh.
  std::shared_ptr<std::optional<Result>> StartRefresh() {
    Start(kStrict);
    rooms_->PutGrant("g", seconds(60));
    rooms_->clock.Advance(seconds(61));
    return rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(minutes(2)), Request()));
  }
  // From the moment that the provider has the request, the store accepts nothing more.
  void StoreFailsOnceTheRequestIsOut(std::function<HttpOutcome()> answer) {
    rooms_->http.OnRequest([this, answer = std::move(answer)](const ScriptedHttp::Seen&) {
      rooms_->store->failure = absl::UnavailableError("no space left");
      return answer();
    });
  }
  static HttpOutcome NewTokens() {
    return ScriptedHttp::Json(
        200, R"({"access_token":"at-2","token_type":"Bearer","refresh_token":"rt-2","expires_in":3600})");
  }
};

TEST_F(RefreshStoreTest, WithoutAStoredIntentTheTokenIsNotSent) {
  const auto result = StartRefresh();
  ProviderGrants();
  rooms_->store->commits_refused = 100;
  AdvanceUntil([&] { return result->has_value(); }, milliseconds(10));
  EXPECT_TRUE(absl::IsUnavailable((*result)->status())) << (*result)->status();
  EXPECT_EQ(Requests(), 0u);
}

// The store fails over between the intent and the request.
TEST_F(RefreshStoreTest, AHoldThatBeginsAfterTheIntentKeepsTheTokenFromBeingSent) {
  const auto result = StartRefresh();
  ProviderGrants();
  rooms_->store->after_next_commit = [this] {
    rooms_->store->hold_until = rooms_->clock.Steady() + seconds(5);
  };
  rooms_->loop.RunUntil([&] { return result->has_value(); });
  EXPECT_TRUE(HasReason((*result)->status(), Reason::kStoreUnavailable)) << (*result)->status();
  EXPECT_TRUE(RetryAfterOf((*result)->status()).has_value());
  EXPECT_EQ(Requests(), 0u);
  // Nothing was consumed: after the hold the token is presented as if for the first time.
  rooms_->clock.Advance(minutes(1));
  EXPECT_TRUE(Refresh().ok());
  EXPECT_EQ(Requests(), 1u);
}

// After a failover the record is one of days ago, which nobody here remembers otherwise.
TEST_F(RefreshStoreTest, NewTokensAreInstalledOverAGenerationThatTheStoreHasGoneBackTo) {
  for (const bool rotated : {true, false}) {
    Start(rotated ? kStrict : testing::kNone);
    rooms_->PutGrant("g", seconds(60), [](Grant& grant) {
      grant.set_generation(5);
      grant.set_refresh_token("rt-5");
    });
    rooms_->clock.Advance(seconds(61));
    rooms_->http.OnRequest([this, rotated](const ScriptedHttp::Seen&) {
      rooms_->store->before_next_commit = [this]() -> boost::asio::awaitable<void> {
        Grants elsewhere(*rooms_->store, *rooms_->records, *rooms_->changes, rooms_->clock);
        const TenantId tenant("t");
        const Tick deadline = rooms_->clock.Steady() + seconds(5);
        auto loaded = co_await elsewhere.Load(tenant, GrantId("g"), deadline);
        StoredGrant stored = std::move(**loaded);
        stored.grant->set_generation(3);
        stored.grant->set_refresh_token("rt-3");
        stored.grant->clear_intent();
        const auto written =
            co_await elsewhere.Commit(tenant, std::move(stored.grant), stored.revision, {}, deadline);
        EXPECT_TRUE(written.ok() && written->outcome == CommitResult::Outcome::kDone);
      };
      return rotated
                 ? NewTokens()
                 : ScriptedHttp::Json(200, R"({"access_token":"at-2","token_type":"Bearer","expires_in":9})");
    });
    const auto refreshed = Refresh();
    ASSERT_TRUE(refreshed.ok()) << refreshed.status();
    EXPECT_EQ(refreshed->token.Expose(), "at-2");
    const StoredGrant stored = rooms_->LoadGrant("g");
    EXPECT_EQ(stored.grant->generation(), 6u);
    EXPECT_EQ(stored.grant->access_token(), "at-2");
    EXPECT_EQ(stored.grant->refresh_token(), rotated ? "rt-2" : "rt-5");
    EXPECT_EQ(Requests(), 1u);
    rooms_->loop.RunReady();
    refresher_.reset();
  }
}

TEST_F(RefreshStoreTest, NewTokensThatTheStoreRefusesAreServedToEverybodyAndStoredLater) {
  const auto result = StartRefresh();
  StoreFailsOnceTheRequestIsOut(&NewTokens);
  rooms_->loop.RunUntil([&] { return result->has_value(); });
  ASSERT_TRUE((*result)->ok()) << (*result)->status();
  EXPECT_EQ((**result)->token.Expose(), "at-2");
  // Who comes later, on either path, gets them too, and no further request is made.
  const auto from_memory = refresher_->FromMemory(Request());
  ASSERT_TRUE(from_memory.has_value() && from_memory->ok());
  EXPECT_EQ((*from_memory)->token.Expose(), "at-2");
  EXPECT_EQ(Refresh()->token.Expose(), "at-2");

  rooms_->store->failure = std::nullopt;
  AdvanceUntil([&] { return rooms_->LoadGrant("g").grant->generation() == 2; });
  EXPECT_EQ(rooms_->LoadGrant("g").grant->refresh_token(), "rt-2");
  EXPECT_EQ((*refresher_->FromMemory(Request()))->token.Expose(), "at-2");
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(RefreshStoreTest, TokensThatAreNotStoredYetAreNotServedOnceTheGrantIsRevoked) {
  const auto result = StartRefresh();
  StoreFailsOnceTheRequestIsOut(&NewTokens);
  rooms_->loop.RunUntil([&] { return result->has_value(); });
  ASSERT_TRUE((*result)->ok()) << (*result)->status();
  rooms_->store->failure = std::nullopt;
  StoredGrant stored = rooms_->LoadGrant("g");
  stored.grant->set_state(Grant::STATE_REVOKED);
  const auto revoked = rooms_->loop.Run(rooms_->grants->Commit(
      TenantId("t"), std::move(stored.grant), stored.revision, {}, rooms_->clock.Steady() + seconds(5)));
  ASSERT_TRUE(revoked.ok() && revoked->outcome == CommitResult::Outcome::kDone);
  EXPECT_TRUE(HasReason(refresher_->FromMemory(Request())->status(), Reason::kGrantNotFound));
  EXPECT_TRUE(HasReason(Refresh().status(), Reason::kGrantNotFound));
}

TEST_F(RefreshStoreTest, AStoreThatDoesNotAnswerInTimeIsUnavailableToThoseWhoHaveTime) {
  const auto result = StartRefresh();
  ProviderGrants();
  rooms_->store->before_next_commit = [this]() -> boost::asio::awaitable<void> {
    rooms_->store->failure = Error(Reason::kDeadline, "store: not answered in time");
    co_return;
  };
  AdvanceUntil([&] { return result->has_value(); }, milliseconds(10));
  EXPECT_TRUE(HasReason((*result)->status(), Reason::kStoreUnavailable)) << (*result)->status();
  EXPECT_TRUE(RetryAfterOf((*result)->status()).has_value());
  EXPECT_EQ(Requests(), 0u);
}

TEST_F(RefreshStoreTest, NewTokensWhoseStorageNobodyConfirmedAreStoredOnce) {
  const auto result = StartRefresh();
  rooms_->http.OnRequest([this](const ScriptedHttp::Seen&) {
    rooms_->store->commit_answers_lost = 1;
    return NewTokens();
  });
  AdvanceUntil([&] { return result->has_value() && rooms_->store->commit_answers_lost == 0; });
  ASSERT_TRUE((*result)->ok()) << (*result)->status();
  AdvanceUntil([&] { return rooms_->clock.sleepers() == 0; });
  EXPECT_EQ(rooms_->LoadGrant("g").grant->generation(), 2u);
  EXPECT_EQ((*refresher_->FromMemory(Request()))->token.Expose(), "at-2");
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(RefreshStoreTest, ARefusalIsWrittenDownForAsLongAsTheLeaseLasts) {
  const auto result = StartRefresh();
  StoreFailsOnceTheRequestIsOut([] { return ScriptedHttp::Json(429, R"({"error":"slow_down"})"); });
  rooms_->loop.RunUntil([&] { return Requests() == 1; });
  const Tick answered = rooms_->clock.Steady();
  AdvanceUntil([&] { return rooms_->clock.Steady() > answered + seconds(10); });
  EXPECT_FALSE(result->has_value());
  rooms_->store->failure = std::nullopt;
  AdvanceUntil([&] { return result->has_value(); });
  EXPECT_TRUE(HasReason((*result)->status(), Reason::kProviderThrottled)) << (*result)->status();
  const StoredGrant stored = rooms_->LoadGrant("g");
  EXPECT_FALSE(stored.grant->has_intent()) << "nothing was consumed, so nothing is in doubt";
  EXPECT_EQ(stored.grant->failures(), 1u);
}

TEST_F(RefreshStoreTest, ARefusalIsGivenUpWhenTheLeaseEnds) {
  const auto result = StartRefresh();
  StoreFailsOnceTheRequestIsOut([] { return ScriptedHttp::Json(429, "{}"); });
  rooms_->loop.RunUntil([&] { return Requests() == 1; });
  const Tick answered = rooms_->clock.Steady();
  AdvanceUntil([&] { return result->has_value(); });
  EXPECT_TRUE(absl::IsUnavailable((*result)->status()));
  EXPECT_LE(rooms_->clock.Steady(), answered + seconds(36)) << "the call's limit and the lease's margin";
}

TEST_F(RefreshStoreTest, NoCallIsMadeWhenTheIntentTookTooLongToWrite) {
  const auto result = StartRefresh();
  ProviderGrants();
  rooms_->store->after_next_commit = [this] { rooms_->clock.Advance(milliseconds(19'800)); };
  rooms_->loop.RunUntil([&] { return result->has_value(); });
  EXPECT_TRUE(HasReason((*result)->status(), Reason::kStoreUnavailable)) << (*result)->status();
  EXPECT_EQ(Requests(), 0u);
  EXPECT_FALSE(rooms_->LoadGrant("g").grant->has_intent());
}

TEST_F(RefreshStoreTest, AnAccessTokenThatTheApiRefusesIsNotKeptWhenOnlyTheRefreshTokenIsNew) {
  Start(kStrict);
  rooms_->PutGrant("g", minutes(60));
  ProviderAnswers(200, R"({"refresh_token":"rt-2","expires_in":3600})");
  RefreshRequest rejected = Request();
  rejected.rejected_generation = {1};
  EXPECT_FALSE(Refresh(rejected).ok());
  const StoredGrant stored = rooms_->LoadGrant("g");
  EXPECT_EQ(stored.grant->refresh_token(), "rt-2") << "the old one is dead";
  EXPECT_EQ(stored.grant->access_token(), "") << "the API refuses the old one";
  EXPECT_EQ(stored.grant->generation(), 2u);
}

}  // namespace
}  // namespace grantkeep
