// SPDX-License-Identifier: Apache-2.0
// A store that fails while a flow is completed, and a service that ends meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "tests/unit/flow/flow_fixture.h"

namespace grantkeep {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using testing::ScriptedHttp;

class FlowStoreTest : public testing::FlowTest {
 protected:
  std::shared_ptr<std::optional<absl::StatusOr<StoredGrant>>> StartCompleting() {
    CompleteAuthRequest request;
    request.tenant = TenantId("t");
    request.callback = CallbackOf(*Start());
    request.session_binding = Secret("0123456789abcdef");
    return rooms_.loop.Start(flow_.Complete(rooms_.NewCall(), std::move(request)));
  }
  // What `meanwhile` does happens between the code's arrival at the provider and the answer.
  void ProviderGrantsAnd(std::function<void()> meanwhile) {
    rooms_.http.OnRequest([meanwhile = std::move(meanwhile)](const ScriptedHttp::Seen& seen) {
      if (seen.url == "https://as.example/revoke") return ScriptedHttp::Json(200, "");
      meanwhile();
      return ScriptedHttp::Json(
          200, R"({"access_token":"at","token_type":"Bearer","refresh_token":"rt","expires_in":3600})");
    });
  }
  void AdvanceUntil(const std::function<bool()>& done) {
    rooms_.loop.RunUntil([&] {
      if (done()) return true;
      rooms_.clock.Advance(milliseconds(100));
      return false;
    });
  }
};

TEST_F(FlowStoreTest, AGrantWhoseStorageNobodyConfirmedIsAnsweredWhenItIsThere) {
  ProviderGrantsAnd([&] { rooms_.store->commit_answers_lost = 4; });  // every try's
  const auto result = StartCompleting();
  AdvanceUntil([&] { return result->has_value(); });
  ASSERT_TRUE((*result)->ok()) << (*result)->status();
  EXPECT_EQ(rooms_.LoadGrant((**result)->grant->grant_id()).grant->refresh_token(), "rt");
  EXPECT_EQ(Requests(), 1u) << "nothing is revoked";
}

TEST_F(FlowStoreTest, ATryThatFailedIsRepeated) {
  ProviderGrantsAnd([&] { rooms_.store->commits_refused = 3; });
  const auto result = StartCompleting();
  AdvanceUntil([&] { return result->has_value(); });
  ASSERT_TRUE((*result)->ok()) << (*result)->status();
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(FlowStoreTest, TokensThatCannotBeStoredAreRevokedAtTheProvider) {
  ProviderGrantsAnd([&] { rooms_.store->failure = absl::UnavailableError("no space left"); });
  const auto result = StartCompleting();
  AdvanceUntil([&] { return result->has_value(); });
  EXPECT_TRUE(absl::IsUnavailable((*result)->status())) << (*result)->status();
  ASSERT_EQ(Requests(), 2u);
  EXPECT_EQ(rooms_.http.seen()[1].url, "https://as.example/revoke");
  EXPECT_THAT(rooms_.http.seen()[1].body, HasSubstr("token=rt"));
}

TEST_F(FlowStoreTest, WithoutTheStoreNoFlowBeginsAndACallerIsToldWhenToTryAgain) {
  // Before the tenant's keyring is in memory, and after.
  for (int i = 0; i < 2; ++i) {
    rooms_.store->failure = Error(Reason::kStoreUnavailable, "away");
    const auto down = Start();
    EXPECT_TRUE(HasReason(down.status(), Reason::kStoreUnavailable)) << down.status();
    EXPECT_TRUE(absl::IsUnavailable(down.status()));
    EXPECT_EQ(RetryAfterOf(down.status()), Duration(seconds(1)));
    rooms_.store->failure = RetryableError(Reason::kStoreUnavailable, "away", milliseconds(250));
    EXPECT_EQ(RetryAfterOf(Start().status()), Duration(milliseconds(250))) << "the store knows better";
    rooms_.store->failure.reset();
    EXPECT_TRUE(Start().ok());
  }
}

TEST_F(FlowStoreTest, WithoutTheStoreAFlowIsNotCompletedAndItsCodeGoesNowhere) {
  const StartedFlow started = *Start();
  rooms_.store->failure = Error(Reason::kStoreUnavailable, "away");
  const auto down = Complete(CallbackOf(started));
  EXPECT_TRUE(absl::IsUnavailable(down.status())) << down.status();
  EXPECT_TRUE(RetryAfterOf(down.status()).has_value());
  EXPECT_EQ(Requests(), 0u);
  rooms_.store->failure.reset();
  ProviderGrants();
  EXPECT_TRUE(Complete(CallbackOf(started)).ok());
}

TEST_F(FlowStoreTest, DrainWaitsForACodeThatIsOut) {
  ProviderGrantsAnd([] {});
  rooms_.http.Hold();
  const auto result = StartCompleting();
  rooms_.loop.RunUntil([&] { return Requests() == 1; });
  bool drained = false;
  boost::asio::co_spawn(rooms_.loop.context(), flow_.Drain(rooms_.clock.Steady() + seconds(60)),
                        [&](const std::exception_ptr&) { drained = true; });
  rooms_.loop.RunReady();
  EXPECT_FALSE(drained);
  rooms_.http.Release();
  rooms_.loop.RunUntil([&] { return drained; });
  ASSERT_TRUE(result->has_value() && (*result)->ok());
}

TEST_F(FlowStoreTest, DrainEndsAtItsDeadlineAndAtOnceWhenNothingIsOut) {
  rooms_.loop.RunReady();
  bool drained = false;
  const auto drain = [&] {
    drained = false;
    boost::asio::co_spawn(rooms_.loop.context(), flow_.Drain(rooms_.clock.Steady() + seconds(60)),
                          [&](const std::exception_ptr&) { drained = true; });
    rooms_.loop.RunReady();
  };
  drain();
  EXPECT_TRUE(drained);
  ProviderGrantsAnd([] {});
  rooms_.http.Hold();
  const auto result = StartCompleting();
  rooms_.loop.RunUntil([&] { return Requests() == 1; });
  drain();
  EXPECT_FALSE(drained);
  rooms_.clock.Advance(seconds(60));
  rooms_.loop.RunUntil([&] { return drained && result->has_value(); });
}

}  // namespace
}  // namespace grantkeep
