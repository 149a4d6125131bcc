// SPDX-License-Identifier: Apache-2.0
// New tokens that the store does not accept outlive the process, by the rule of step 7.
#include "refresh/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <mutex>

#include "base/reason.h"
#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/refresh/refresher_fixture.h"

namespace grantkeep {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::v1::Grant;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kStrict;
using ::testing::Not;
using testing::ScriptedHttp;
using ::testing::SizeIs;
using Result = absl::StatusOr<AccessToken>;

class RecoveryTest : public testing::RefresherTest {
 protected:
  // A process over the store: the first, or one that has been started again.
  void StartProcess() {
    recovery_.reset();
    files_ = RecoveryFiles::Open(folder()).value();
    recovery_ = std::make_unique<Recovery>(*files_, Recovery::Rooms{.records = *rooms_->records,
                                                                    .grants = *rooms_->grants,
                                                                    .store = *rooms_->store,
                                                                    .catalogue = *rooms_->catalogue,
                                                                    .clock = rooms_->clock});
    RefreshOptions options;
    options.recovery = recovery_.get();
    options.on_step = [this](RefreshStep step) {
      const std::lock_guard lock(steps_mutex_);
      steps_.push_back(step);
    };
    refresher_ = std::make_unique<Refresher>(*rooms_->grants, *rooms_->store, *rooms_->catalogue,
                                             rooms_->clock, rooms_->random, rooms_->loop.context(), options);
  }
  // The transaction that waits for the store is in the process that has died: it is never heard of again.
  void KillProcess() {
    rooms_->loop.Stop();
    refresher_.reset();
    recovery_.reset();
    files_.reset();
  }
  void PutExpiredGrant(const std::string& yaml = kStrict) {
    rooms_ = std::make_unique<testing::Rooms>(yaml, (dir_ / "grantkeep.db").string());
    StartProcess();
    rooms_->PutGrant("g", seconds(60));
    rooms_->clock.Advance(seconds(61));
  }
  // The provider grants new tokens, and from then on the store accepts nothing.
  std::shared_ptr<std::optional<Result>> RefreshWithoutStore() {
    rooms_->http.OnRequest([this](const ScriptedHttp::Seen&) {
      rooms_->store->failure = absl::UnavailableError("no space left");
      return NewTokens();
    });
    auto result = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(minutes(2)), Request()));
    rooms_->loop.RunUntil([&] { return result->has_value() && Written(); });
    return result;
  }
  static HttpOutcome NewTokens() {
    return ScriptedHttp::Json(
        200,
        R"({"access_token":"at-2","token_type":"Bearer","refresh_token":"rt-2","expires_in":3600,"scope":"a b"})");
  }
  bool Written() {
    const std::lock_guard lock(steps_mutex_);
    return std::ranges::find(steps_, RefreshStep::kRecoveryWritten) != steps_.end();
  }

  // What RefreshWithoutStore leaves in the folder, of a process that has died then.
  void LeaveFile(const std::string& yaml = kStrict) {
    PutExpiredGrant(yaml);
    RefreshWithoutStore();
    files_.reset();  // its order: everything asked for is done
    // The same store, opened by another process, which knows nothing of the transaction.
    auto key = std::move(rooms_->root);
    const Time now = rooms_->clock.Now();
    KillProcess();
    rooms_.reset();
    rooms_ = std::make_unique<testing::Rooms>(yaml, (dir_ / "grantkeep.db").string(), std::move(key));
    rooms_->clock.Advance(now - rooms_->clock.Now() + minutes(1));  // the intent has ended
    StartProcess();
  }
  void Replay() {
    bool done = false;
    boost::asio::co_spawn(rooms_->loop.context(), recovery_->Run(), [&](const std::exception_ptr& error) {
      if (error) std::rethrow_exception(error);
      done = true;
    });
    AdvanceUntil([&] { return done; });
  }
  void StartReplay() {
    boost::asio::co_spawn(rooms_->loop.context(), recovery_->Run(), boost::asio::detached);
  }

  std::string folder() const { return (dir_ / "recovery").string(); }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    std::error_code gone;
    for (const auto& entry : std::filesystem::directory_iterator(folder(), gone)) {
      names.push_back(entry.path().filename());
    }
    return names;
  }
  std::filesystem::path TheFile() { return std::filesystem::path(folder()) / Names().at(0); }
  // Removals are done by a thread.
  bool FolderIsEmpty() {
    return testing::Eventually([&] { return Names().empty(); });
  }
  void ChangeGrant(const std::function<void(Grant&)>& change) {
    StoredGrant stored = rooms_->LoadGrant("g");
    change(*stored.grant);
    const auto commit = rooms_->loop.Run(rooms_->grants->Commit(
        TenantId("t"), std::move(stored.grant), stored.revision, {}, rooms_->clock.Steady() + seconds(5)));
    ASSERT_TRUE(commit.ok() && commit->outcome == CommitResult::Outcome::kDone);
  }

  testing::TempDir dir_;
  std::unique_ptr<RecoveryFiles> files_;
  std::unique_ptr<Recovery> recovery_;
  std::mutex steps_mutex_;
  std::vector<RefreshStep> steps_;
};

TEST_F(RecoveryTest, NoFileIsWrittenWhileTheStoreAcceptsTokens) {
  PutExpiredGrant();
  ProviderGrants();
  ASSERT_TRUE(Refresh().ok());
  files_.reset();
  EXPECT_THAT(Names(), IsEmpty());
  EXPECT_THAT(steps_, ElementsAre(RefreshStep::kBegun, RefreshStep::kSending, RefreshStep::kAnswered,
                                  RefreshStep::kStored));
}

TEST_F(RecoveryTest, TokensThatTheStoreRefusesAreServedAndWrittenAndTheFileGoesWhenItHasThem) {
  PutExpiredGrant();
  const auto result = RefreshWithoutStore();
  EXPECT_EQ((*result)->value().token.Expose(), "at-2");
  EXPECT_THAT(Names(), ElementsAre(EndsWith(".recovery")));
  rooms_->store->failure.reset();
  AdvanceUntil([&] { return rooms_->LoadGrant("g").grant->generation() == 2; });
  EXPECT_TRUE(FolderIsEmpty());
  EXPECT_EQ(rooms_->LoadGrant("g").grant->refresh_token(), "rt-2");
}

TEST_F(RecoveryTest, AFileAndItsNameTellNoSecret) {
  PutExpiredGrant();
  RefreshWithoutStore();
  const std::string all = TheFile().filename().string() + testing::ReadFile(TheFile());
  for (const char* secret : {"at-2", "rt-2", "at-1", "rt-1"}) EXPECT_THAT(all, Not(HasSubstr(secret)));
  EXPECT_THAT(TheFile().filename().string(), Not(HasSubstr("g.")));
}

TEST_F(RecoveryTest, AFolderThatCannotBeWrittenIsTriedAgainAndDoesNotStopTheServing) {
  PutExpiredGrant();
  std::filesystem::remove_all(folder());
  rooms_->http.OnRequest([this](const ScriptedHttp::Seen&) {
    rooms_->store->failure = absl::UnavailableError("no space left");
    return NewTokens();
  });
  EXPECT_TRUE(Refresh().ok());
  std::filesystem::create_directory(folder());
  AdvanceUntil([&] { return Written(); });
  EXPECT_THAT(Names(), SizeIs(1));
}

TEST_F(RecoveryTest, TheNextProcessGivesTheTokensToTheStore) {
  LeaveFile();
  ASSERT_EQ(rooms_->LoadGrant("g").grant->generation(), 1u);
  Replay();
  const StoredGrant stored = rooms_->LoadGrant("g");
  EXPECT_EQ(stored.grant->generation(), 2u);
  EXPECT_EQ(stored.grant->access_token(), "at-2");
  EXPECT_EQ(stored.grant->refresh_token(), "rt-2");
  EXPECT_THAT(stored.grant->scopes(), ElementsAre("a", "b"));
  EXPECT_EQ(stored.grant->state(), Grant::STATE_ACTIVE);
  EXPECT_FALSE(stored.grant->has_intent());
  EXPECT_TRUE(FolderIsEmpty());
  EXPECT_EQ(Refresh()->token.Expose(), "at-2");
  EXPECT_EQ(Requests(), 0u);
}

TEST_F(RecoveryTest, ALateSuccessOverridesInDoubtAndNeedsReauth) {
  for (const Grant::State state : {Grant::STATE_IN_DOUBT, Grant::STATE_NEEDS_REAUTH}) {
    LeaveFile();
    ChangeGrant([&](Grant& grant) { grant.set_state(state); });
    Replay();
    EXPECT_EQ(rooms_->LoadGrant("g").grant->generation(), 2u);
    EXPECT_EQ(rooms_->LoadGrant("g").grant->state(), Grant::STATE_ACTIVE);
    KillProcess();
    rooms_.reset();
    std::filesystem::remove(dir_ / "grantkeep.db");
  }
}

TEST_F(RecoveryTest, NewerTokensInTheStoreStay) {
  LeaveFile();
  ChangeGrant([](Grant& grant) {
    grant.set_generation(2);
    grant.set_refresh_token("rt-of-another");
  });
  Replay();
  EXPECT_EQ(rooms_->LoadGrant("g").grant->refresh_token(), "rt-of-another");
  EXPECT_TRUE(FolderIsEmpty());
}

TEST_F(RecoveryTest, TokensOfARevokedGrantGoToItsOutboxOnce) {
  LeaveFile();
  const std::filesystem::path file = TheFile();
  std::filesystem::copy(file, dir_ / "copy");
  ChangeGrant([](Grant& grant) {
    grant.set_state(Grant::STATE_REVOKED);
    grant.clear_access_token();
    grant.clear_refresh_token();
  });
  Replay();
  EXPECT_TRUE(FolderIsEmpty());
  std::filesystem::copy(dir_ / "copy", file);
  StartProcess();
  Replay();
  EXPECT_TRUE(FolderIsEmpty());
  const StoredGrant stored = rooms_->LoadGrant("g");
  EXPECT_EQ(stored.grant->state(), Grant::STATE_REVOKED);
  ASSERT_THAT(stored.grant->outbox().tokens(), SizeIs(1));
  EXPECT_EQ(stored.grant->outbox().tokens(0).refresh_token(), "rt-2");
  EXPECT_TRUE(stored.grant->access_token().empty());
}

TEST_F(RecoveryTest, TheSameFileTwiceDoesNoHarm) {
  LeaveFile();
  const std::filesystem::path file = TheFile();
  std::filesystem::copy(file, dir_ / "copy");
  Replay();
  ASSERT_TRUE(FolderIsEmpty());
  const Revision revision = rooms_->LoadGrant("g").revision;
  std::filesystem::copy(dir_ / "copy", file);
  StartProcess();
  Replay();
  EXPECT_TRUE(FolderIsEmpty());
  EXPECT_EQ(rooms_->LoadGrant("g").revision, revision);
}

// The token in the store is spent: who presents it loses the grant.
TEST_F(RecoveryTest, NoRefreshComesBeforeTheTokensThatWereLeft) {
  LeaveFile();
  ProviderGrants();
  const auto result = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(), Request()));
  rooms_->loop.RunReady();
  EXPECT_FALSE(result->has_value());
  StartReplay();
  rooms_->loop.RunUntil([&] { return result->has_value(); });
  EXPECT_EQ((*result)->value().token.Expose(), "at-2");
  EXPECT_EQ(Requests(), 0u);
}

TEST_F(RecoveryTest, AFileWaitsForTheStoreAndSoDoesTheGrantsRefresh) {
  LeaveFile();
  ProviderGrants();
  rooms_->store->commits_refused = 1;
  StartReplay();
  AdvanceUntil([&] { return rooms_->store->commits_refused == 0; });
  EXPECT_EQ(rooms_->LoadGrant("g").grant->generation(), 1u);
  // Sooner than the next try: the refresh does it.
  EXPECT_EQ(Refresh()->token.Expose(), "at-2");
  EXPECT_EQ(Requests(), 0u);
}

TEST_F(RecoveryTest, ADiskThatHangsHoldsUpRefreshesForFiveSecondsOnly) {
  PutExpiredGrant();
  ProviderGrants();
  // Nobody reads: as if the reading hung.
  StartProcess();
  const auto result = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(minutes(2)), Request()));
  rooms_->loop.RunUntil([&] { return rooms_->clock.sleepers() > 0; });
  rooms_->loop.RunReady();
  EXPECT_EQ(Requests(), 0u);
  EXPECT_FALSE(result->has_value());
  rooms_->clock.Advance(seconds(5));
  rooms_->loop.RunUntil([&] { return result->has_value(); });
  EXPECT_TRUE((*result)->ok()) << (*result)->status();
}

TEST_F(RecoveryTest, WhatCannotBeUsedIsSetAside) {
  LeaveFile();
  const std::filesystem::path file = TheFile();
  const std::string content = testing::ReadFile(file);
  std::vector<std::pair<std::string, std::string>> unusable = {{file.filename(), ""},
                                                               {file.filename(), "nonsense"}};
  for (size_t size = 0; size < content.size(); size += 7)
    unusable.emplace_back(file.filename(), content.substr(0, size));
  for (size_t at = 0; at < content.size(); at += 5) {
    std::string flipped = content;
    flipped[at] = static_cast<char>(flipped[at] ^ 1);
    unusable.emplace_back(file.filename(), flipped);
  }
  unusable.emplace_back(file.filename(), content + "x");
  unusable.emplace_back("0123456789abcdef0123456789abcdef.recovery", content);
  for (const auto& [name, spoilt] : unusable) {
    std::filesystem::remove_all(folder());
    std::filesystem::create_directory(folder());
    std::filesystem::permissions(folder(), std::filesystem::perms::owner_all);
    const std::filesystem::path path = std::filesystem::path(folder()) / name;
    std::ofstream(path, std::ios::binary) << spoilt;
    StartProcess();
    Replay();
    ASSERT_TRUE(testing::Eventually([&] { return Names() == std::vector<std::string>{name + ".unusable"}; }))
        << spoilt.size();
    ASSERT_EQ(rooms_->LoadGrant("g").grant->generation(), 1u) << spoilt.size();
  }
}

TEST_F(RecoveryTest, AFileMovedToAnotherGrantIsSetAside) {
  LeaveFile();
  std::optional<RecoveryFileParts> parts = ParseRecoveryFile(testing::ReadFile(TheFile()));
  ASSERT_TRUE(parts.has_value());
  std::filesystem::remove(TheFile());
  rooms_->PutGrant("other", seconds(60));
  parts->grant = GrantId("other");
  const std::string name = RecoveryFileName(parts->tenant, parts->grant, parts->presented);
  std::ofstream(std::filesystem::path(folder()) / name, std::ios::binary) << EncodeRecoveryFile(*parts);
  Replay();
  EXPECT_TRUE(testing::Eventually([&] { return Names() == std::vector<std::string>{name + ".unusable"}; }));
  EXPECT_EQ(rooms_->LoadGrant("other").grant->access_token(), "at-1");
}

TEST_F(RecoveryTest, TokensOfAGrantThatIsNotThereAreSetAside) {
  LeaveFile();
  const std::string name = Names().at(0);
  std::vector<Write> writes;
  const StoredGrant stored = rooms_->LoadGrant("g");
  writes.emplace_back(Delete{Grants::KeyOf(TenantId("t"), GrantId("g")), stored.revision});
  ASSERT_TRUE(
      rooms_->loop.Run(rooms_->sqlite->Commit(std::move(writes), rooms_->clock.Steady() + seconds(5))).ok());
  recovery_.reset();
  rooms_->grants =
      std::make_unique<Grants>(*rooms_->store, *rooms_->records, *rooms_->changes, rooms_->clock);
  StartProcess();
  Replay();
  EXPECT_TRUE(testing::Eventually([&] { return Names() == std::vector<std::string>{name + ".unusable"}; }));
}

TEST(RecoveredTokensTest, AfterACloneTheTokensBelongToTheOriginal) {
  Grant stored;
  stored.set_generation(1);
  Grant tokens;
  tokens.set_generation(2);
  tokens.set_store_epoch(3);
  StoreIdentity store{.id = "s", .epoch = 4, .restored_in = 0, .cloned_in = 4, .cloned_from = "o"};
  EXPECT_EQ(JudgeTokens(&stored, tokens, store), TokensFate::kOriginals);
  store.cloned_in = 3;
  EXPECT_EQ(JudgeTokens(&stored, tokens, store), TokensFate::kInstall);
}

}  // namespace
}  // namespace grantkeep
