// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>

#include "base/reason.h"
#include "tests/unit/store/sqlite_fixture.h"

namespace grantkeep::testing {
namespace {

using ::testing::HasSubstr;
using Outcome = CommitResult::Outcome;
namespace fs = std::filesystem;

TEST_F(SqliteFixture, AFullStoreRefusesWritesByNameKeepsWhatItHasAndRecovers) {
  options_.max_pages = 100;
  Open();
  int stored = 0;
  absl::Status refused;
  for (; refused.ok() && stored < 100; ++stored) {
    refused = loop_.Run(Put("g" + std::to_string(stored), std::string(20'000, 'v'))).status();
  }
  --stored;
  EXPECT_GT(stored, 5);
  EXPECT_TRUE(HasReason(refused, Reason::kStoreUnavailable)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("database or disk is full"));
  for (int i = 0; i < stored; ++i) EXPECT_EQ(ValueOf("g" + std::to_string(i)).size(), 20'000u) << i;
  EXPECT_EQ(ValueOf("g" + std::to_string(stored)), "(absent)");
  std::vector<Write> erase = {Delete{.key = KeyOf("g0"), .replaces = 1}};
  EXPECT_TRUE(loop_.Run(store_->Commit(std::move(erase), Soon())).ok());
  EXPECT_TRUE(loop_.Run(Put("again", std::string(15'000, 'v'))).ok());
}

TEST_F(SqliteFixture, OneOperationThatDoesNotFitDoesNotSpoilItsGroup) {
  options_.max_pages = 100;
  Open();
  Hold();
  const auto before = loop_.Start(Put("before", "v"));
  std::vector<Write> writes;
  for (int i = 0; i < 4; ++i) {
    writes.push_back(grantkeep::Put{
        .key = KeyOf("big" + std::to_string(i)), .replaces = 0, .value = std::string(200'000, 'v')});
  }
  writes.push_back(TakeLease{.key = KeyOf("lease"), .owner = "me", .duration = std::chrono::hours(1)});
  const auto big = loop_.Start(store_->Commit(std::move(writes), Soon()));
  const auto after = loop_.Start(Put("after", "v"));
  const auto read = loop_.Start(Get("before"));
  loop_.RunReady();
  Release();
  loop_.RunUntil([&] { return read->has_value(); });
  EXPECT_EQ((*before)->value().outcome, Outcome::kDone);
  EXPECT_TRUE(HasReason((*big)->status(), Reason::kStoreUnavailable)) << (*big)->status();
  EXPECT_EQ((*after)->value().outcome, Outcome::kDone);
  EXPECT_EQ((*read)->value()->value, "v");
  EXPECT_EQ(ValueOf("big0"), "(absent)");
  std::vector<Write> lease = {
      TakeLease{.key = KeyOf("lease"), .owner = "other", .duration = std::chrono::hours(1)}};
  EXPECT_EQ(loop_.Run(store_->Commit(std::move(lease), Soon())).value().outcome, Outcome::kDone);
}

// No file of this process may become `growth` larger than `file` is: a write to the log fails, and
// with it the COMMIT.
class NoGrowth {
 public:
  NoGrowth(const std::string& file, size_t growth) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit tight = before_;
    tight.rlim_cur = fs::file_size(file) + growth;
    setrlimit(RLIMIT_FSIZE, &tight);
  }
  ~NoGrowth() { setrlimit(RLIMIT_FSIZE, &before_); }
  NoGrowth(const NoGrowth&) = delete;
  NoGrowth& operator=(const NoGrowth&) = delete;

 private:
  rlimit before_{};
};

TEST_F(SqliteFixture, AFailedCommitFailsTheWritesOfItsGroupAndReadsGoOn) {
  Open();
  ASSERT_TRUE(loop_.Run(Put("old", "kept")).ok());
  Hold();
  const auto first = loop_.Start(Put("first", std::string(90'000, 'v')));
  std::vector<Write> writes = {
      TakeLease{.key = KeyOf("old"), .owner = "me", .duration = std::chrono::hours(1)},
      grantkeep::Put{.key = KeyOf("old"), .replaces = 1, .value = "lost"}};
  const auto second = loop_.Start(store_->Commit(std::move(writes), Soon()));
  const auto read = loop_.Start(Get("old"));
  loop_.RunReady();
  {
    // The second would fit alone, but it is not tried again: it may have happened.
    const NoGrowth tight(options_.path + "-wal", 16'000);
    Release();
    loop_.RunUntil([&] { return first->has_value() && second->has_value() && read->has_value(); });
  }
  EXPECT_TRUE(HasReason((*first)->status(), Reason::kStoreUnavailable)) << (*first)->status();
  EXPECT_TRUE(HasReason((*second)->status(), Reason::kStoreUnavailable)) << (*second)->status();
  ASSERT_TRUE((*read)->ok()) << (*read)->status();
  EXPECT_EQ((*read)->value()->value, "kept");
  // The store goes on as if they had never been.
  EXPECT_EQ(ValueOf("first"), "(absent)");
  std::vector<Write> lease = {
      TakeLease{.key = KeyOf("old"), .owner = "other", .duration = std::chrono::hours(1)}};
  EXPECT_EQ(loop_.Run(store_->Commit(std::move(lease), Soon())).value().outcome, Outcome::kDone);
  EXPECT_TRUE(loop_.Run(Put("first", "v")).ok());
  Reopen();
  EXPECT_EQ(ValueOf("old"), "kept");
  EXPECT_EQ(ValueOf("first"), "v");
}

TEST_F(SqliteFixture, TheLogIsMovedIntoTheFileAndDoesNotGrowForEver) {
  Open();
  for (Revision revision = 0; revision < 50; ++revision) {
    ASSERT_TRUE(loop_.Run(Put("g", std::string(Store::kMaxValue, 'v'), revision)).ok());
  }
  // 12 MiB were written; 4 MiB are allowed, and what the last group adds.
  EXPECT_LT(fs::file_size(options_.path + "-wal"), 6'000'000u);
}

class SqliteCheck : public SqliteFixture {
 protected:
  // Enough records that there are pages to damage which opening does not touch.
  void OpenFilled() {
    Open();
    for (int i = 0; i < 50; i += 25) {
      std::vector<Write> writes;
      for (int j = i; j < i + 25; ++j) {
        writes.push_back(grantkeep::Put{
            .key = KeyOf("g" + std::to_string(j)), .replaces = 0, .value = std::string(2000, 'v')});
      }
      ASSERT_TRUE(loop_.Run(store_->Commit(std::move(writes), Soon())).ok());
    }
  }
  // Moves on to a copy of the files of the open store, as a power cut would leave them.
  void CutPower() {
    for (const std::string suffix : {"", "-wal"}) {
      fs::copy_file(options_.path + suffix, folder_ / ("copy.db" + suffix));
    }
    store_.reset();
    options_.path = (folder_ / "copy.db").string();
  }
  // Overwrites what follows the first pages of the main file.
  void Damage() {
    std::fstream file(options_.path, std::ios::binary | std::ios::in | std::ios::out);
    const auto size = fs::file_size(options_.path);
    ASSERT_GT(size, 20u * 4096);
    file.seekp(12 * 4096);
    file << std::string(size - 12 * 4096, '\xee');
  }
  absl::Status HealthAfterCheck() {
    loop_.RunUntil([&] { return !store_->checking(); });
    return store_->health();
  }
};

TEST_F(SqliteCheck, AfterAnOrderlyCloseNothingIsChecked) {
  OpenFilled();
  store_.reset();
  Damage();
  Open();
  EXPECT_FALSE(store_->checking());
  EXPECT_TRUE(store_->health().ok());
}

TEST_F(SqliteCheck, AfterAnUncleanStopTheFileIsCheckedAndASoundOneIsHealthy) {
  OpenFilled();
  CutPower();
  Open();
  EXPECT_EQ(ValueOf("g49").size(), 2000u);
  EXPECT_TRUE(HealthAfterCheck().ok()) << store_->health();
}

TEST_F(SqliteCheck, AfterAnUncleanStopDamageIsFoundAndIsFoundAgainAtEveryStart) {
  OpenFilled();
  // Brings the records into the main file; the log has little more than the mark of being open.
  Reopen();
  CutPower();
  Damage();
  for (int start = 0; start < 2; ++start) {
    Open();
    const absl::Status health = HealthAfterCheck();
    EXPECT_TRUE(HasReason(health, Reason::kStoreCorrupt)) << health;
    store_.reset();
  }
  // Broken off at once, it is not taken for done.
  Open();
  store_.reset();
  Open();
  EXPECT_TRUE(HasReason(HealthAfterCheck(), Reason::kStoreCorrupt));
}

TEST_F(SqliteCheck, ADamagedRecordIsCorruptAndNotAbsentAndLeadsToACheckAtTheNextStart) {
  OpenFilled();
  store_.reset();
  Damage();
  Open();
  int corrupt = 0;
  for (int i = 0; i < 50; ++i) {
    const auto record = loop_.Run(Get("g" + std::to_string(i)));
    if (HasReason(record.status(), Reason::kStoreCorrupt)) ++corrupt;
    if (record.ok()) EXPECT_TRUE(record->has_value()) << i;
  }
  EXPECT_GT(corrupt, 0);
  Reopen();
  EXPECT_TRUE(HasReason(HealthAfterCheck(), Reason::kStoreCorrupt));
}

}  // namespace
}  // namespace grantkeep::testing
