// SPDX-License-Identifier: Apache-2.0
// A user who signs in again for a grant that there is.
#include <gmock/gmock.h>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/reason.h"
#include "refresh/refresh.h"
#include "tests/unit/flow/flow_fixture.h"

namespace grantkeep {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::v1::Grant;
using ::testing::HasSubstr;
using testing::ScriptedHttp;

class SignInAgain : public testing::FlowTest {
 protected:
  ~SignInAgain() override { rooms_.loop.Stop(); }

  void PutGrant(Grant::State state = Grant::STATE_ACTIVE) {
    rooms_.PutGrant("g", hours(1), [state](Grant& grant) {
      grant.set_issuer("https://as.example");
      grant.clear_token_endpoint();
      grant.set_state(state);
      grant.set_generation(3);
    });
  }
  static StartAuthRequest RequestFor(const std::string& grant) {
    StartAuthRequest request = StartRequest();
    request.grant = GrantId(grant);
    return request;
  }
  std::shared_ptr<std::optional<absl::StatusOr<StoredGrant>>> BeginComplete(std::string url) {
    CompleteAuthRequest request;
    request.tenant = TenantId("t");
    request.callback = std::move(url);
    request.session_binding = Secret("0123456789abcdef");
    return rooms_.loop.Start(flow_.Complete(rooms_.NewCall(), std::move(request)));
  }
  // Another has written what `change` makes of the grant before the next commit is done.
  void WriteFirst(std::function<void(Grant&)> change) {
    rooms_.store->before_next_commit = [this, change = std::move(change)]() -> boost::asio::awaitable<void> {
      const TenantId tenant("t");
      const GrantId id("g");
      auto loaded = co_await rooms_.grants->Load(tenant, id, Tick::max());
      StoredGrant stored = std::move(**loaded);
      change(*stored.grant);
      const auto commit =
          co_await rooms_.grants->Commit(tenant, std::move(stored.grant), stored.revision, {}, Tick::max());
      EXPECT_TRUE(commit.ok() && commit->outcome == CommitResult::Outcome::kDone);
    };
  }
  size_t Revocations() const {
    size_t count = 0;
    for (const auto& seen : rooms_.http.seen()) count += seen.url == "https://as.example/revoke" ? 1 : 0;
    return count;
  }
};

TEST_F(SignInAgain, TheGrantKeepsItsIdAndHasTheNewTokensAsItsNextGeneration) {
  for (const Grant::State state : {Grant::STATE_ACTIVE, Grant::STATE_IN_DOUBT, Grant::STATE_NEEDS_REAUTH}) {
    SCOPED_TRACE(state);
    if (state == Grant::STATE_ACTIVE) PutGrant();
    ProviderGrants();
    const auto started = Start(RequestFor("g"));
    ASSERT_TRUE(started.ok()) << started.status();
    const uint64_t before = rooms_.LoadGrant("g").grant->generation();
    const auto stored = Complete(CallbackOf(*started));
    ASSERT_TRUE(stored.ok()) << stored.status();
    EXPECT_EQ(stored->grant->grant_id(), "g");
    const StoredGrant now = rooms_.LoadGrant("g");
    EXPECT_EQ(now.grant->generation(), before + 1);
    EXPECT_EQ(now.grant->access_token(), "at");
    EXPECT_EQ(now.grant->refresh_token(), "rt");
    EXPECT_EQ(now.grant->state(), Grant::STATE_ACTIVE);
  }
  EXPECT_EQ(Revocations(), 0u) << "the old tokens are of the same family at many providers";
}

TEST_F(SignInAgain, TheOldTokensStayUntilTheNewOnesAreStored) {
  PutGrant();
  const auto started = Start(RequestFor("g"));
  ASSERT_TRUE(started.ok());
  EXPECT_EQ(rooms_.LoadGrant("g").grant->access_token(), "at-1");
  rooms_.http.OnRequest(
      [](const ScriptedHttp::Seen&) { return ScriptedHttp::Json(400, R"({"error":"invalid_grant"})"); });
  EXPECT_TRUE(HasReason(Complete(CallbackOf(*started)).status(), Reason::kCodeRejected));
  const StoredGrant kept = rooms_.LoadGrant("g");
  EXPECT_EQ(kept.grant->access_token(), "at-1");
  EXPECT_EQ(kept.grant->refresh_token(), "rt-1");
  EXPECT_EQ(kept.grant->generation(), 3u);
}

TEST_F(SignInAgain, AGrantOfAnotherTenantOrSubjectIsAsIfItDidNotExist) {
  PutGrant();
  const absl::Status none = Start(RequestFor("nothing")).status();
  EXPECT_TRUE(HasReason(none, Reason::kGrantNotFound));
  StartAuthRequest other = RequestFor("g");
  other.subject = SubjectId("v");
  EXPECT_EQ(Start(std::move(other)).status(), none);
  other = RequestFor("g");
  other.tenant = TenantId("another");
  EXPECT_EQ(Start(std::move(other)).status(), none);
}

TEST_F(SignInAgain, AGrantAtAnotherProviderIsAWrongField) {
  rooms_.PutGrant("g", hours(1), [](Grant& grant) { grant.set_provider("found"); });
  const absl::Status wrong = Start(RequestFor("g")).status();
  EXPECT_TRUE(HasReason(wrong, Reason::kInvalidField));
  EXPECT_THAT(std::string(wrong.message()), HasSubstr("grant_id"));
}

TEST_F(SignInAgain, ARevokedGrantIsNotFoundAndItsCodeIsNotSent) {
  PutGrant(Grant::STATE_REVOKED);
  EXPECT_TRUE(HasReason(Start(RequestFor("g")).status(), Reason::kGrantNotFound));
  rooms_.PutGrant("h", hours(1));
  const auto started = Start(RequestFor("h"));
  ASSERT_TRUE(started.ok());
  StoredGrant revoked = rooms_.LoadGrant("h");
  revoked.grant->set_state(Grant::STATE_REVOKED);
  ASSERT_TRUE(rooms_.loop
                  .Run(rooms_.grants->Commit(TenantId("t"), std::move(revoked.grant), revoked.revision, {},
                                             Tick::max()))
                  .ok());
  EXPECT_TRUE(HasReason(Complete(CallbackOf(*started)).status(), Reason::kGrantNotFound));
  EXPECT_EQ(Requests(), 0u);
}

TEST_F(SignInAgain, TokensOfAGrantThatIsRevokedMeanwhileAreRevokedAtTheProvider) {
  PutGrant();
  ProviderGrants();
  const auto started = Start(RequestFor("g"));
  ASSERT_TRUE(started.ok());
  WriteFirst([](Grant& grant) { grant.set_state(Grant::STATE_REVOKED); });
  EXPECT_TRUE(HasReason(Complete(CallbackOf(*started)).status(), Reason::kGrantNotFound));
  EXPECT_EQ(rooms_.LoadGrant("g").grant->state(), Grant::STATE_REVOKED);
  EXPECT_EQ(Revocations(), 1u);
  EXPECT_THAT(rooms_.http.seen().back().body, HasSubstr("token=rt"));
}

TEST_F(SignInAgain, WinsOverARefreshThatWasStoredMeanwhile) {
  PutGrant();
  ProviderGrants();
  const auto started = Start(RequestFor("g"));
  ASSERT_TRUE(started.ok());
  WriteFirst([](Grant& grant) {
    grant.set_generation(4);
    grant.set_access_token("at-of-a-refresh");
  });
  const auto stored = Complete(CallbackOf(*started));
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->grant->generation(), 5u);
  EXPECT_EQ(rooms_.LoadGrant("g").grant->access_token(), "at");
}

TEST_F(SignInAgain, ARefreshThatEndsLaterDropsItsTokens) {
  PutGrant();
  Refresher refresher(*rooms_.grants, *rooms_.store, *rooms_.catalogue, rooms_.clock, rooms_.random,
                      rooms_.loop.context());
  rooms_.http.OnRequest([](const ScriptedHttp::Seen& seen) {
    const bool refresh = seen.body.find("refresh_token=rt-1") != std::string::npos;
    return ScriptedHttp::Json(
        200, refresh ? R"({"access_token":"at-late","token_type":"Bearer","refresh_token":"rt-late"})"
                     : R"({"access_token":"at","token_type":"Bearer","refresh_token":"rt"})");
  });
  const auto started = Start(RequestFor("g"));
  ASSERT_TRUE(started.ok());
  rooms_.clock.Advance(minutes(5));
  rooms_.http.Hold();
  RefreshRequest request;
  request.tenant = TenantId("t");
  request.subject = SubjectId("u");
  request.grant = GrantId("g");
  request.rejected_generation = {3};
  const auto refreshed = rooms_.loop.Start(refresher.Refresh(rooms_.NewCall(), request));
  rooms_.loop.RunUntil([&] { return Requests() == 1; });
  const auto completed = BeginComplete(CallbackOf(*started));
  rooms_.loop.RunUntil([&] { return Requests() == 2; });
  // The refresh was asked first and is answered first; it is stopped before it writes.
  rooms_.store->before_next_commit = [&]() -> boost::asio::awaitable<void> {
    while (!completed->has_value()) {
      co_await boost::asio::post(rooms_.loop.context(), boost::asio::use_awaitable);
    }
  };
  rooms_.http.Release();
  rooms_.loop.RunUntil([&] { return completed->has_value() && refreshed->has_value(); });
  ASSERT_TRUE((*completed)->ok()) << (*completed)->status();
  ASSERT_TRUE((*refreshed)->ok()) << (*refreshed)->status();
  EXPECT_EQ((**refreshed)->token.Expose(), "at") << "who waited for the refresh has what the sign-in brought";
  const StoredGrant now = rooms_.LoadGrant("g");
  EXPECT_EQ(now.grant->generation(), 4u);
  EXPECT_EQ(now.grant->refresh_token(), "rt");
  EXPECT_FALSE(now.grant->has_intent());
  EXPECT_EQ(Revocations(), 0u) << "what is dropped is never revoked: that would kill the family";
}

TEST_F(SignInAgain, IsStoredOnceWhenTheAnswerToTheCommitIsLost) {
  PutGrant();
  ProviderGrants();
  const auto started = Start(RequestFor("g"));
  ASSERT_TRUE(started.ok());
  rooms_.store->commit_answers_lost = 1;
  const auto stored = BeginComplete(CallbackOf(*started));
  rooms_.loop.RunUntil([&] {
    rooms_.clock.Advance(std::chrono::milliseconds(100));
    return stored->has_value();
  });
  ASSERT_TRUE((*stored)->ok()) << (*stored)->status();
  EXPECT_EQ(rooms_.LoadGrant("g").grant->generation(), 4u);
}

TEST_F(SignInAgain, TokensThatCannotBeStoredAreRevokedAndTheOldOnesStay) {
  PutGrant();
  ProviderGrants();
  const auto started = Start(RequestFor("g"));
  ASSERT_TRUE(started.ok());
  rooms_.store->commits_refused = 100;
  const auto stored = BeginComplete(CallbackOf(*started));
  rooms_.loop.RunUntil([&] {
    rooms_.clock.Advance(std::chrono::milliseconds(100));
    return stored->has_value();
  });
  EXPECT_FALSE((*stored)->ok());
  EXPECT_EQ(Revocations(), 1u);
  EXPECT_EQ(rooms_.LoadGrant("g").grant->access_token(), "at-1");
}

TEST_F(SignInAgain, WaitsForTheRecordThatOthersPutBackAfterAFailover) {
  PutGrant();
  ProviderGrants();
  const auto started = Start(RequestFor("g"));
  ASSERT_TRUE(started.ok());
  rooms_.store->hold_until = rooms_.clock.Steady() + seconds(5);
  const auto stored = BeginComplete(CallbackOf(*started));
  rooms_.loop.RunUntil([&] { return Requests() == 1; });
  rooms_.loop.RunReady();
  EXPECT_FALSE(stored->has_value());
  rooms_.clock.Advance(seconds(5));
  rooms_.loop.RunUntil([&] { return stored->has_value(); });
  EXPECT_TRUE((*stored)->ok()) << (*stored)->status();
}

TEST_F(SignInAgain, ANewRenewalIsDue) {
  PutGrant(Grant::STATE_NEEDS_REAUTH);
  ProviderGrants();
  const auto started = Start(RequestFor("g"));
  ASSERT_TRUE(started.ok());
  std::vector<Write> commit;
  rooms_.store->after_next_commit = [&] { commit = rooms_.store->last_commit; };
  ASSERT_TRUE(Complete(CallbackOf(*started)).ok());
  bool due = false;
  for (const Write& write : commit) {
    if (const auto* set = std::get_if<SetDue>(&write)) {
      due = true;
      EXPECT_GT(set->at, rooms_.clock.Now() + minutes(30));
      EXPECT_LT(set->at, rooms_.clock.Now() + minutes(60));
    }
  }
  EXPECT_TRUE(due);
}

}  // namespace
}  // namespace grantkeep
