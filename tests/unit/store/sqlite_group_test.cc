// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "base/reason.h"
#include "tests/unit/store/sqlite_fixture.h"

namespace grantkeep::testing {
namespace {

using Outcome = CommitResult::Outcome;

TEST_F(SqliteFixture, OperationsThatWaitTogetherShareACommit) {
  Open();
  Hold();
  const std::string log = options_.path + "-wal";
  const auto before = std::filesystem::file_size(log);
  std::vector<std::shared_ptr<std::optional<absl::StatusOr<CommitResult>>>> answers;
  for (int i = 0; i < 100; ++i) answers.push_back(loop_.Start(Put("g" + std::to_string(i), "v")));
  loop_.RunReady();
  Release();
  loop_.RunUntil([&] { return answers.back()->has_value(); });
  for (const auto& answer : answers) EXPECT_EQ((*answer)->value().outcome, Outcome::kDone);
  // Each commit of its own writes at least one page.
  EXPECT_LT(std::filesystem::file_size(log) - before, 100u * 4096);
}

TEST_F(SqliteFixture, AMismatchInAGroupDoesNotSpoilTheOthers) {
  Open();
  Hold();
  const auto first = loop_.Start(Put("a", "one"));
  const auto second = loop_.Start(Put("a", "two"));
  const auto third = loop_.Start(Put("a", "three", 1));
  const auto read = loop_.Start(Get("a"));
  loop_.RunReady();
  Release();
  loop_.RunUntil([&] { return read->has_value(); });
  EXPECT_EQ((*first)->value().outcome, Outcome::kDone);
  EXPECT_EQ((*second)->value().outcome, Outcome::kRevisionMismatch);
  EXPECT_EQ((*second)->value().current->value, "one");
  EXPECT_EQ((*third)->value().outcome, Outcome::kDone);
  EXPECT_EQ((*read)->value()->value, "three");
}

TEST_F(SqliteFixture, WhenTheQueueIsFullOperationsAreRefusedAtOnceAndDoNotHappen) {
  options_.max_queued = 3;
  Open();
  Hold();
  std::vector<std::shared_ptr<std::optional<absl::StatusOr<CommitResult>>>> answers;
  for (int i = 0; i < 5; ++i) answers.push_back(loop_.Start(Put("g" + std::to_string(i), "v")));
  loop_.RunReady();
  for (const int refused : {3, 4}) {
    ASSERT_TRUE(answers[refused]->has_value());
    EXPECT_TRUE(HasReason((*answers[refused])->status(), Reason::kOverloaded));
  }
  Release();
  loop_.RunUntil([&] { return answers[2]->has_value(); });
  EXPECT_EQ(ValueOf("g2"), "v");
  EXPECT_EQ(ValueOf("g3"), "(absent)");
}

TEST_F(SqliteFixture, TheQueueIsBoundedInBytesToo) {
  options_.max_queued_bytes = 100'000;
  Open();
  Hold();
  const auto fits = loop_.Start(Put("fits", std::string(60'000, 'v')));
  const auto refused = loop_.Start(Put("refused", std::string(60'000, 'v')));
  loop_.RunReady();
  ASSERT_TRUE(refused->has_value());
  EXPECT_TRUE(HasReason((*refused)->status(), Reason::kOverloaded));
  Release();
  loop_.RunUntil([&] { return fits->has_value(); });
  EXPECT_TRUE(loop_.Run(Put("later", std::string(60'000, 'v'))).ok());
}

TEST_F(SqliteFixture, DestructionPerformsWhatIsQueuedAndAnswersIt) {
  Open();
  Hold();
  const auto queued = loop_.Start(Put("queued", "v"));
  loop_.RunReady();
  Release();
  store_.reset();
  loop_.RunUntil([&] { return queued->has_value(); });
  EXPECT_EQ((*queued)->value().outcome, Outcome::kDone);
  Open();
  EXPECT_EQ(ValueOf("queued"), "v");
  EXPECT_FALSE(store_->checking());
}

TEST_F(SqliteFixture, ALoopMayEndBeforeItsAnswersCome) {
  Open();
  Hold();
  {
    TestLoop other;
    const auto lost = other.Start(Put("lost", "v"));
    other.RunReady();
  }
  Release();
  loop_.RunUntil([&] { return held_->has_value(); });
  EXPECT_EQ(ValueOf("lost"), "v");
}

// The same on a clock that stands still until it is moved.
class SqliteManualClock : public SqliteFixture {
 protected:
  SqliteManualClock() {
    clock_ = &manual_;
    Open();
  }
  ~SqliteManualClock() override {
    Release();
    store_.reset();
  }

  ManualClock manual_;
};

TEST_F(SqliteManualClock, AnOperationWhoseDeadlinePassesInTheQueueIsNotBegun) {
  Hold();
  std::vector<Write> writes = {grantkeep::Put{.key = KeyOf("late"), .replaces = 0, .value = "v"}};
  const auto late =
      loop_.Start(store_->Commit(std::move(writes), manual_.Steady() + std::chrono::seconds(1)));
  const auto patient = loop_.Start(Put("patient", "v"));
  loop_.RunReady();
  manual_.Advance(std::chrono::seconds(2));
  loop_.RunUntil([&] { return late->has_value(); });
  EXPECT_TRUE(HasReason((*late)->status(), Reason::kDeadline)) << (*late)->status();
  Release();
  loop_.RunUntil([&] { return patient->has_value(); });
  EXPECT_EQ((*patient)->value().outcome, Outcome::kDone);
  EXPECT_EQ(ValueOf("late"), "(absent)");
  EXPECT_EQ(ValueOf("patient"), "v");
}

constexpr auto kLifetime = std::chrono::seconds(10);

TEST_F(SqliteManualClock, ARecordIsThereToTheLastMicrosecondOfItsLifetimeAndNoLonger) {
  ASSERT_TRUE(loop_.Run(Put("g", "v", 0, kLifetime)).ok());
  manual_.Advance(kLifetime - Duration(1));
  EXPECT_EQ(ValueOf("g"), "v");
  manual_.Advance(Duration(1));
  EXPECT_EQ(ValueOf("g"), "(absent)");
}

TEST_F(SqliteManualClock, AWallClockThatJumpsBackDoesNotBringAnExpiredRecordBack) {
  ASSERT_TRUE(loop_.Run(Put("g", "v", 0, kLifetime)).ok());
  manual_.Advance(kLifetime);
  EXPECT_EQ(ValueOf("g"), "(absent)");
  manual_.JumpWall(-std::chrono::hours(5));
  EXPECT_EQ(ValueOf("g"), "(absent)");
  EXPECT_EQ(loop_.Run(Put("g", "new")).value().outcome, Outcome::kDone);
}

TEST_F(SqliteManualClock, LifetimesEndAlthoughTheWallClockJumpedBack) {
  ASSERT_TRUE(loop_.Run(Put("g", "v", 0, kLifetime)).ok());
  manual_.JumpWall(-std::chrono::hours(5));
  manual_.Advance(kLifetime);
  EXPECT_EQ(ValueOf("g"), "(absent)");
}

}  // namespace
}  // namespace grantkeep::testing
