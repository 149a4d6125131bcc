// SPDX-License-Identifier: Apache-2.0
// Who is told what about the grants that are watched.
#include "refresh/grant_watches.h"

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
using ::testing::ElementsAre;
using testing::kStrict;

// One watcher of grants; what it is told is written down in a few words.
class Watching : public testing::RefresherTest {
 protected:
  Watching() {
    Start(kStrict);
    watches_ = std::make_unique<GrantWatches>(*refresher_, *rooms_->store, *rooms_->changes, rooms_->clock,
                                              rooms_->loop.context());
    ProviderGrants();
  }
  ~Watching() override { rooms_->loop.Stop(); }

  void Watch(std::vector<WatchedGrant> grants = {{SubjectId("u"), GrantId("g")}}) {
    watch_ = watches_->Open(TenantId("t"), std::move(grants));
    Ask();
  }
  void Ask() { next_ = rooms_->loop.Start(watch_->Next()); }

  // What the watcher is told by now.
  std::vector<std::string> Told() {
    std::vector<std::string> told;
    for (int idle = 0; idle < 5;) {
      Settle();
      if (!next_->has_value()) {
        ++idle;
        continue;
      }
      told.push_back(Describe(**next_));
      if (told.back() == "the end") break;
      Ask();
      idle = 0;
    }
    return told;
  }
  // The same after so much time, in steps, so that who sleeps wakes in order.
  std::vector<std::string> ToldAfter(Duration time, Duration step = milliseconds(250)) {
    std::vector<std::string> told;
    for (; time > Duration(0); time -= step) {
      rooms_->clock.Advance(std::min(step, time));
      for (std::string& news : Told()) told.push_back(std::move(news));
    }
    return told;
  }

  // Writes what `change` makes of the grant, as a store's own write.
  void Write(const std::function<void(Grant&)>& change, const std::string& id = "g") {
    StoredGrant stored = rooms_->LoadGrant(id);
    change(*stored.grant);
    const auto commit = rooms_->loop.Run(rooms_->grants->Commit(
        TenantId("t"), std::move(stored.grant), stored.revision, {}, rooms_->clock.Steady() + seconds(5)));
    ASSERT_TRUE(commit.ok() && commit->outcome == CommitResult::Outcome::kDone);
  }
  static void NextGeneration(Grant& grant) {
    grant.set_generation(grant.generation() + 1);
    grant.set_access_token("at-" + std::to_string(grant.generation()));
    grant.set_expire_time_us(grant.expire_time_us() + ToMicros(Time(minutes(60))));
  }

  void StoreGoesAway() {
    rooms_->store->failure = Error(Reason::kStoreUnavailable, "away");
    rooms_->store->current_until = rooms_->clock.Steady();
  }
  void StoreComesBack() {
    rooms_->store->failure.reset();
    rooms_->store->current_until.reset();
    ++rooms_->store->current_epoch;
  }

  std::unique_ptr<GrantWatches> watches_;
  std::unique_ptr<GrantWatches::Watch> watch_;
  std::shared_ptr<std::optional<std::optional<GrantNews>>> next_;

 private:
  // The store's thread and the loop have done what there is to do.
  void Settle() {
    const auto nothing = rooms_->loop.Run(rooms_->sqlite->Get(Grants::KeyOf(TenantId("t"), GrantId("none")),
                                                              rooms_->clock.Steady() + seconds(5)));
    EXPECT_TRUE(nothing.ok());
    rooms_->loop.RunReady();
  }
  static std::string Describe(const std::optional<GrantNews>& news) {
    if (!news.has_value()) return "the end";
    std::string text = std::to_string(news->place) + ":";
    if (news->not_found) return text + " not found";
    if (!news->stored.has_value()) return text + (news->unverified ? " not known" : " nothing");
    const Grant& grant = *news->stored->grant;
    text += " " + Grant::State_Name(grant.state()).substr(6);
    if (!grant.state_reason().empty()) text += " " + grant.state_reason();
    text += " " + std::to_string(grant.generation());
    text += news->token_is_valid ? " " + grant.access_token() : " no token";
    return text + (news->unverified ? " unverified" : "");
  }
};

TEST_F(Watching, BeginsWithTheStateOfEachGrant) {
  rooms_->PutGrant("g", minutes(60));
  rooms_->PutGrant("revoked", minutes(60), [](Grant& grant) { grant.set_state(Grant::STATE_REVOKED); });
  rooms_->PutGrant("ended", minutes(60), [](Grant& grant) {
    grant.set_state(Grant::STATE_NEEDS_REAUTH);
    grant.set_state_reason("INVALID_GRANT");
  });
  rooms_->PutGrant("expired", seconds(1), [](Grant& grant) { grant.clear_refresh_token(); });
  rooms_->clock.Advance(seconds(1));
  const SubjectId u("u");
  Watch({{u, GrantId("g")},
         {u, GrantId("unheard-of")},
         {SubjectId("another"), GrantId("g")},
         {u, GrantId("revoked")},
         {u, GrantId("ended")},
         {u, GrantId("expired")}});
  EXPECT_THAT(Told(), ElementsAre("0: ACTIVE 1 at-1", "1: not found", "2: not found", "3: REVOKED 1 no token",
                                  "4: NEEDS_REAUTH INVALID_GRANT 1 at-1",
                                  "5: NEEDS_REAUTH NO_REFRESH_TOKEN 1 no token"));
}

TEST_F(Watching, HearsOfEachNewGenerationAndChangeOfState) {
  rooms_->PutGrant("g", minutes(60));
  Watch();
  Told();
  Write(NextGeneration);
  EXPECT_THAT(Told(), ElementsAre("0: ACTIVE 2 at-2"));
  Write([](Grant& grant) {
    grant.set_state(Grant::STATE_IN_DOUBT);
    grant.set_state_reason("LOST_ANSWER");
  });
  EXPECT_THAT(Told(), ElementsAre("0: IN_DOUBT LOST_ANSWER 2 at-2"));
  Write([](Grant& grant) { grant.set_state(Grant::STATE_REVOKED); });
  EXPECT_THAT(Told(), ElementsAre("0: REVOKED LOST_ANSWER 2 no token"));
}

TEST_F(Watching, AChangeThatMakesNoDifferenceToAWatcherIsNoNews) {
  rooms_->PutGrant("g", minutes(60));
  Watch();
  Told();
  Write([](Grant& grant) { grant.set_failures(3); });
  EXPECT_THAT(Told(), ElementsAre());
}

TEST_F(Watching, WhoIsSlowIsToldTheNewestOnly) {
  rooms_->PutGrant("g", minutes(60));
  rooms_->PutGrant("h", minutes(60));
  Watch({{SubjectId("u"), GrantId("g")}, {SubjectId("u"), GrantId("h")}});
  // Nobody asks for more than the first.
  rooms_->loop.RunUntil([&] { return next_->has_value(); });
  for (int i = 0; i < 50; ++i) Write(NextGeneration);
  Write(NextGeneration, "h");
  EXPECT_THAT(Told(), ElementsAre("0: ACTIVE 1 at-1", "1: ACTIVE 2 at-2", "0: ACTIVE 51 at-51"));
}

TEST_F(Watching, AGrantThatAppearsLaterIsTold) {
  Watch();
  EXPECT_THAT(Told(), ElementsAre("0: not found"));
  rooms_->PutGrant("g", minutes(60));
  EXPECT_THAT(Told(), ElementsAre("0: ACTIVE 1 at-1"));
}

TEST_F(Watching, IsAUseTheTokenIsRenewedInItsWindowWithoutAnybodyAsking) {
  rooms_->PutGrant("g", seconds(100));
  Watch();
  Told();
  EXPECT_THAT(ToldAfter(seconds(75)), ElementsAre());
  EXPECT_EQ(Requests(), 0u);
  EXPECT_THAT(ToldAfter(seconds(10)), ElementsAre("0: ACTIVE 2 at-new-1"));
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(Watching, AnExpiredTokenIsNotWhatTheWatcherHasLastHeardOf) {
  rooms_->PutGrant("g", seconds(20), [](Grant& grant) { grant.clear_refresh_token(); });
  Watch();
  Told();
  EXPECT_THAT(ToldAfter(seconds(20) - milliseconds(1)), ElementsAre());
  EXPECT_THAT(ToldAfter(milliseconds(1)), ElementsAre("0: NEEDS_REAUTH NO_REFRESH_TOKEN 1 no token"));
}

TEST_F(Watching, TokensThatTheStoreDoesNotAcceptAreToldAtOnce) {
  rooms_->PutGrant("g", seconds(100));
  Watch();
  Told();
  rooms_->http.OnRequest([this](const testing::ScriptedHttp::Seen&) {
    rooms_->store->commits_refused = 1000;
    return testing::ScriptedHttp::Json(
        200,
        R"({"access_token":"at-unsaved","token_type":"Bearer","refresh_token":"rt-2","expires_in":100})");
  });
  EXPECT_THAT(ToldAfter(seconds(85)), ElementsAre("0: ACTIVE 2 at-unsaved"));
  EXPECT_EQ(rooms_->LoadGrant("g").grant->generation(), 1u) << "the store has it already";
  rooms_->store->commits_refused = 0;
  ToldAfter(seconds(60));
  EXPECT_EQ(rooms_->LoadGrant("g").grant->generation(), 2u);
}

TEST_F(Watching, WhileTheStoreIsAwayWhatIsKnownIsToldAsUnverifiedAndThenWithdrawn) {
  rooms_->PutGrant("g", minutes(60));
  Watch();
  Told();
  StoreGoesAway();
  EXPECT_THAT(ToldAfter(seconds(1)), ElementsAre("0: ACTIVE 1 at-1 unverified"));
  EXPECT_THAT(ToldAfter(minutes(5) - seconds(1)), ElementsAre());
  EXPECT_THAT(ToldAfter(seconds(2)), ElementsAre("0: not known"));
  StoreComesBack();
  EXPECT_THAT(ToldAfter(seconds(3)), ElementsAre("0: ACTIVE 1 at-1"));
}

TEST_F(Watching, WhatWasMissedWhileNothingWasReportedIsSeenWhenReportsComeBack) {
  rooms_->PutGrant("g", minutes(60));
  Watch();
  Told();
  StoreGoesAway();
  ToldAfter(seconds(1));
  // Another process revokes the grant, and nobody is told.
  StoredGrant stored = StoredGrant();
  {
    rooms_->store->failure.reset();
    rooms_->sqlite->OnChange(nullptr);
    Grants elsewhere(*rooms_->store, *rooms_->records, *rooms_->changes, rooms_->clock);
    stored = std::move(
        **rooms_->loop.Run(elsewhere.Load(TenantId("t"), GrantId("g"), rooms_->clock.Steady() + seconds(5))));
    stored.grant->set_state(Grant::STATE_REVOKED);
    ASSERT_TRUE(rooms_->loop
                    .Run(elsewhere.Commit(TenantId("t"), std::move(stored.grant), stored.revision, {},
                                          rooms_->clock.Steady() + seconds(5)))
                    .ok());
  }
  StoreComesBack();
  EXPECT_THAT(ToldAfter(seconds(1)), ElementsAre("0: REVOKED 1 no token"));
}

TEST_F(Watching, AReportThatIsMissedHangsNobody) {
  rooms_->PutGrant("g", minutes(60));
  Watch();
  Told();
  // The vault learns of it, the watch does not.
  const StoredGrant before = rooms_->LoadGrant("g");
  watches_.reset();
  Write(NextGeneration);
  EXPECT_THAT(Told(), ElementsAre());
  EXPECT_THAT(ToldAfter(GrantWatches::kLookAgain), ElementsAre("0: ACTIVE 2 at-2"));
}

TEST_F(Watching, EndsWhenItIsTold) {
  rooms_->PutGrant("g", minutes(60));
  Watch();
  Told();
  watch_->End();
  EXPECT_THAT(Told(), ElementsAre("the end"));
}

TEST_F(Watching, TwoWatchersOfAGrantAreBothTold) {
  rooms_->PutGrant("g", minutes(60));
  Watch();
  Told();
  const auto other = watches_->Open(TenantId("t"), {{SubjectId("u"), GrantId("g")}});
  EXPECT_EQ((*rooms_->loop.Run(other->Next())).stored->grant->generation(), 1u);
  auto second = rooms_->loop.Start(other->Next());
  Write(NextGeneration);
  EXPECT_THAT(Told(), ElementsAre("0: ACTIVE 2 at-2"));
  rooms_->loop.RunUntil([&] { return second->has_value(); });
  EXPECT_EQ((**second)->stored->grant->generation(), 2u);
}

}  // namespace
}  // namespace grantkeep
