// SPDX-License-Identifier: Apache-2.0
// Files that have been damaged: whatever was done to one, the store says so by the file's name or
// works, and what it cannot read is an error and never an empty answer.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "base/reason.h"
#include "tests/unit/store/sqlite_fixture.h"

namespace grantkeep::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr int kRecords = 60;

class SqliteCorrupt : public SqliteFixture {
 protected:
  // A sound database of 60 records, closed in order; kept in `sound_`.
  void SetUp() override {
    Open();
    for (int i = 0; i < kRecords; ++i) {
      ASSERT_TRUE(loop_.Run(Put("g" + std::to_string(i), std::string(1500, 'v'))).ok());
    }
    store_.reset();
    sound_ = Content(options_.path);
    ASSERT_GT(sound_.size(), 20u * 4096);
  }

  static std::string Content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
  }
  void Replace(const std::string& content) {
    store_.reset();
    for (const char* suffix : {"-wal", "-shm"}) fs::remove(options_.path + suffix);
    std::ofstream(options_.path, std::ios::binary) << content;
  }

  struct Records {
    int present = 0;
    int absent = 0;  // the others cannot be read
  };
  // Opens what is there and reads every record. Nothing when the store refuses, which names the
  // file and has one of two reasons.
  std::optional<Records> OpenAndRead() {
    auto opened = SqliteStore::Open(options_, *clock_);
    if (!opened.ok()) {
      EXPECT_THAT(std::string(opened.status().message()), HasSubstr(options_.path));
      ExpectKnownReason(opened.status());
      return std::nullopt;
    }
    store_ = *std::move(opened);
    Records records;
    for (int i = 0; i < kRecords; ++i) {
      const auto record = loop_.Run(Get("g" + std::to_string(i)));
      if (!record.ok()) {
        ExpectKnownReason(record.status());
      } else {
        ++(record->has_value() ? records.present : records.absent);
      }
    }
    return records;
  }
  static void ExpectKnownReason(const absl::Status& status) {
    EXPECT_THAT(ReasonOf(status), AnyOf(Reason::kStoreCorrupt, Reason::kStoreUnavailable)) << status;
  }

  std::string sound_;
};

TEST_F(SqliteCorrupt, NoByteOfTheHeaderCrashesTheStoreOrMakesItEmpty) {
  int refused = 0;
  for (size_t byte = 0; byte < 100; ++byte) {
    SCOPED_TRACE(byte);
    std::string flipped = sound_;
    flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << byte % 8));
    Replace(flipped);
    if (const auto records = OpenAndRead(); records.has_value()) {
      EXPECT_EQ(records->absent, 0);
    } else {
      ++refused;
      EXPECT_EQ(Content(options_.path).size(), flipped.size()) << "it was left as it is";
    }
  }
  // The magic, the page size, the formats, our id and our version, at least.
  EXPECT_GT(refused, 16);
  Replace(sound_);
  EXPECT_EQ(OpenAndRead()->present, kRecords);
}

TEST_F(SqliteCorrupt, NoByteOfAPageCrashesTheStore) {
  // A prime stride touches every kind of place in every page.
  for (size_t byte = 100; byte < sound_.size(); byte += 4001) {
    SCOPED_TRACE(byte);
    std::string flipped = sound_;
    flipped[byte] = static_cast<char>(flipped[byte] ^ 0x41);
    Replace(flipped);
    OpenAndRead();
  }
}

TEST_F(SqliteCorrupt, AFileThatWasCutIsDamagedAndNotASmallerStore) {
  for (size_t pages = 0; pages * 4096 < sound_.size(); pages += 5) {
    for (const size_t more : {1u, 2000u}) {
      SCOPED_TRACE(fmt::format("{} pages and {} bytes", pages, more));
      Replace(sound_.substr(0, pages * 4096 + more));
      if (const auto records = OpenAndRead(); records.has_value()) {
        EXPECT_LT(records->present, kRecords);
        EXPECT_EQ(records->absent, 0) << "what is gone is an error";
      }
    }
  }
}

TEST_F(SqliteCorrupt, ALogThatWasCutGivesBackWhatWasCompleteInIt) {
  Open();
  constexpr int kMore = 10;
  for (int i = 0; i < kMore; ++i) ASSERT_TRUE(loop_.Run(Put("more" + std::to_string(i), "v")).ok());
  const std::string file = Content(options_.path);
  const std::string log = Content(options_.path + "-wal");
  ASSERT_GT(log.size(), 4096u * kMore);
  store_.reset();
  for (size_t size = 0; size < log.size(); size += 2999) {
    SCOPED_TRACE(size);
    Replace(file);
    std::ofstream(options_.path + "-wal", std::ios::binary) << log.substr(0, size);
    EXPECT_EQ(OpenAndRead()->present, kRecords) << "what was in the file stays";
    // In the order in which they were written: none is missing before one that is there.
    int first_missing = kMore;
    for (int i = kMore - 1; i >= 0; --i) {
      if (ValueOf("more" + std::to_string(i)) == "(absent)") first_missing = i;
    }
    for (int i = first_missing; i < kMore; ++i) EXPECT_EQ(ValueOf("more" + std::to_string(i)), "(absent)");
    EXPECT_TRUE(loop_.Run(Put("new", "v")).ok());
  }
}

TEST_F(SqliteCorrupt, TheErrorSaysWhatToDo) {
  std::string damaged = sound_;
  for (size_t i = 100; i < 4096; ++i) damaged[i] = '\xee';
  Replace(damaged);
  const auto opened = SqliteStore::Open(options_, *clock_);
  EXPECT_TRUE(HasReason(opened.status(), Reason::kStoreCorrupt)) << opened.status();
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("start with a backup in its place"));
}

TEST_F(SqliteCorrupt, ASchemaThatNoVersionHasWrittenIsRefused) {
  std::string older = sound_;
  older[63] = 0;  // user_version, the last of four bytes
  Replace(older);
  const auto opened = SqliteStore::Open(options_, *clock_);
  EXPECT_TRUE(HasReason(opened.status(), Reason::kStoreUnavailable)) << opened.status();
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("no version has written"));
}

}  // namespace
}  // namespace grantkeep::testing
