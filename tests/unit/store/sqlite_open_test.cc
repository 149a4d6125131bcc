// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/reason.h"
#include "net/loop.h"
#include "store/sqlite/database.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_loop.h"

namespace grantkeep {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

std::string Content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

void Fill(const fs::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

mode_t ModeOf(const fs::path& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

class SqliteOpen : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<SqliteStore>> Open() { return OpenAt(path_); }
  absl::StatusOr<std::unique_ptr<SqliteStore>> OpenAt(const fs::path& path) {
    SqliteStore::Options options;
    options.path = path.string();
    return SqliteStore::Open(std::move(options), clock_);
  }
  // Runs `sql` on the file, past the store.
  void Alter(const std::string& sql) {
    auto database = Database::Open(path_.string(), Database::Access::kReadWrite).value();
    ASSERT_TRUE(database.Run(sql.c_str()).ok());
  }

  SystemClock clock_;
  testing::TempDir folder_;
  const fs::path path_ = folder_ / "store.db";
};

TEST_F(SqliteOpen, EveryFileIsForItsOwnerOnly) {
  const mode_t before = umask(0);
  const auto store = Open();
  umask(before);
  ASSERT_TRUE(store.ok()) << store.status();
  for (const std::string suffix : {"", "-wal", "-shm", ".lock"}) {
    EXPECT_EQ(ModeOf(path_.string() + suffix), 0600u) << suffix;
  }
}

TEST_F(SqliteOpen, AnOrderlyCloseLeavesOneFileAndTheLock) {
  Open().value().reset();
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_.path())) names.insert(entry.path().filename());
  EXPECT_THAT(names, ::testing::ElementsAre("store.db", "store.db.lock"));
}

TEST_F(SqliteOpen, ASecondOwnerIsRefusedAndToldWhoAndWhere) {
  auto first = Open();
  ASSERT_TRUE(first.ok());
  const auto second = Open();
  EXPECT_TRUE(HasReason(second.status(), Reason::kStoreUnavailable));
  EXPECT_THAT(Message(second.status()),
              AllOf(HasSubstr(path_.string() + ".lock"), HasSubstr(fmt::format("process {}", getpid()))));
  first->reset();
  EXPECT_TRUE(Open().ok());
}

TEST_F(SqliteOpen, ALockFileThatIsLeftBehindDoesNotHinder) {
  Fill(path_.string() + ".lock", "1\n");
  EXPECT_TRUE(Open().ok());
}

TEST_F(SqliteOpen, ANewerSchemaIsRefusedAndTheFileLeftAsItIs) {
  Open().value().reset();
  Alter("PRAGMA user_version = 7");
  const std::string before = Content(path_);
  const auto store = Open();
  EXPECT_TRUE(HasReason(store.status(), Reason::kStoreUnavailable));
  EXPECT_THAT(Message(store.status()),
              AllOf(HasSubstr(path_.string()), HasSubstr("newer version"), HasSubstr("7")));
  EXPECT_EQ(Content(path_), before);
}

TEST_F(SqliteOpen, AFileThatIsNoDatabaseIsRefusedAndLeftAsItIs) {
  for (const size_t size : {1u, 15u, 100u, 5000u, 100000u}) {
    const std::string garbage(size, 'g');
    Fill(path_, garbage);
    const auto store = Open();
    EXPECT_TRUE(HasReason(store.status(), Reason::kStoreUnavailable)) << size;
    EXPECT_THAT(Message(store.status()), AllOf(HasSubstr(path_.string()), HasSubstr("is not a database")));
    EXPECT_EQ(Content(path_), garbage);
  }
}

TEST_F(SqliteOpen, ADatabaseOfAnotherProgramIsRefusedAndLeftAsItIs) {
  Fill(path_, "");
  Alter("CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('x')");
  const std::string before = Content(path_);
  const auto store = Open();
  EXPECT_TRUE(HasReason(store.status(), Reason::kStoreUnavailable));
  EXPECT_THAT(Message(store.status()), AllOf(HasSubstr(path_.string()), HasSubstr("another program")));
  EXPECT_EQ(Content(path_), before);
}

TEST_F(SqliteOpen, ADamagedFirstPageIsAnErrorAndNotAnEmptyStore) {
  Open().value().reset();
  std::string content = Content(path_);
  for (size_t i = 100; i < 4096; ++i) content[i] = '\xee';
  Fill(path_, content);
  const auto store = Open();
  EXPECT_TRUE(HasReason(store.status(), Reason::kStoreCorrupt)) << store.status();
  EXPECT_THAT(Message(store.status()), HasSubstr(path_.string()));
}

TEST_F(SqliteOpen, AnEmptyFileBecomesAStore) {
  Fill(path_, "");
  EXPECT_TRUE(Open().ok());
}

TEST_F(SqliteOpen, AMissingDirectoryIsNamed) {
  const fs::path path = folder_ / "missing" / "store.db";
  const auto store = OpenAt(path);
  EXPECT_TRUE(HasReason(store.status(), Reason::kStoreUnavailable));
  EXPECT_THAT(Message(store.status()),
              AllOf(HasSubstr(path.string()), HasSubstr("No such file or directory")));
}

TEST_F(SqliteOpen, ADirectoryIsNoStore) {
  fs::create_directory(path_);
  const auto store = Open();
  EXPECT_TRUE(HasReason(store.status(), Reason::kStoreUnavailable));
  EXPECT_THAT(Message(store.status()), HasSubstr(path_.string()));
}

TEST_F(SqliteOpen, AnEmptyPathIsRefused) {
  EXPECT_TRUE(HasReason(OpenAt("").status(), Reason::kStoreUnavailable));
}

// Opens the store as a user who may read but not write; root's rights are laid down on this thread.
class SqliteReadOnly : public SqliteOpen {
 protected:
  absl::Status OpenWithoutRights() {
    absl::Status status;
    std::thread([&] {
      setfsuid(65534);
      status = Open().status();
    }).join();
    return status;
  }
};

TEST_F(SqliteReadOnly, ADirectoryThatCannotBeWrittenIsNamed) {
  fs::permissions(folder_.path(), fs::perms(0555));
  const absl::Status status = OpenWithoutRights();
  fs::permissions(folder_.path(), fs::perms(0700));
  EXPECT_TRUE(HasReason(status, Reason::kStoreUnavailable)) << status;
  EXPECT_THAT(Message(status), AllOf(HasSubstr(path_.string()), HasSubstr("Permission denied")));
}

TEST_F(SqliteReadOnly, AFileThatCannotBeWrittenIsRefused) {
  Open().value().reset();
  fs::permissions(folder_.path(), fs::perms(0777));
  fs::permissions(path_.string() + ".lock", fs::perms(0666));
  fs::permissions(path_, fs::perms(0444));
  const absl::Status status = OpenWithoutRights();
  fs::permissions(folder_.path(), fs::perms(0700));
  EXPECT_TRUE(HasReason(status, Reason::kStoreUnavailable)) << status;
  EXPECT_THAT(Message(status), AllOf(HasSubstr(path_.string()), HasSubstr("cannot be written")));
}

TEST_F(SqliteOpen, APathIsNeverReadAsAUri) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_.path());
  EXPECT_TRUE(OpenAt("file:memory?mode=memory").ok());
  fs::current_path(before);
  EXPECT_TRUE(fs::exists(folder_ / "file:memory?mode=memory"));
}

}  // namespace
}  // namespace grantkeep
