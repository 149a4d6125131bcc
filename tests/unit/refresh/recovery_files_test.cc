// SPDX-License-Identifier: Apache-2.0
#include "refresh/recovery_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "tests/support/temp_dir.h"
#include "tests/support/test_loop.h"

namespace grantkeep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class RecoveryFilesTest : public ::testing::Test {
 protected:
  RecoveryFilesTest() { Open(); }

  void Open() { files_ = RecoveryFiles::Open(folder()).value(); }
  std::string folder() const { return (dir_ / "recovery").string(); }
  std::filesystem::path PathOf(const std::string& name) const {
    return std::filesystem::path(folder()) / name;
  }

  absl::Status Write(const std::string& name, const std::string& content) {
    std::promise<absl::Status> written;
    files_->Write(name, content, [&](const absl::Status& status) { written.set_value(status); });
    return written.get_future().get();
  }
  std::vector<RecoveryFile> ReadAll() { return loop_.Run(files_->ReadAll(clock_)).value(); }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder())) {
      names.push_back(entry.path().filename());
    }
    return names;
  }
  static mode_t ModeOf(const std::filesystem::path& path) {
    struct stat info{};
    EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }

  testing::TempDir dir_;
  testing::ManualClock clock_;
  std::unique_ptr<RecoveryFiles> files_;
  testing::TestLoop loop_;
};

TEST_F(RecoveryFilesTest, FolderAndFilesAreTheOwnersOnly) {
  ASSERT_TRUE(Write("a.recovery", "content").ok());
  EXPECT_EQ(ModeOf(folder()), 0700u);
  EXPECT_EQ(ModeOf(PathOf("a.recovery")), 0600u);
  EXPECT_THAT(Names(), ElementsAre("a.recovery")) << "and nothing unfinished";
}

TEST_F(RecoveryFilesTest, WhatWasWrittenIsReadByTheNextProcess) {
  ASSERT_TRUE(Write("a.recovery", "one").ok());
  ASSERT_TRUE(Write("b.recovery", std::string("two\0more", 8)).ok());
  ASSERT_TRUE(Write("a.recovery", "replaced").ok());
  Open();
  std::map<std::string, std::string> contents;
  for (const RecoveryFile& file : ReadAll()) contents[file.name] = file.content;
  EXPECT_EQ(contents, (std::map<std::string, std::string>{{"a.recovery", "replaced"},
                                                          {"b.recovery", std::string("two\0more", 8)}}));
}

TEST_F(RecoveryFilesTest, ARemovedFileIsGoneAndOneThatIsNotThereIsNoError) {
  ASSERT_TRUE(Write("a.recovery", "one").ok());
  files_->Remove("a.recovery");
  files_->Remove("b.recovery");
  EXPECT_THAT(ReadAll(), IsEmpty());
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(RecoveryFilesTest, WhatCannotBeAFileOfOursIsSetAsideAndTheRestIsRead) {
  ASSERT_TRUE(Write("good.recovery", "one").ok());
  std::filesystem::create_symlink("/etc/passwd", PathOf("link.recovery"));
  std::filesystem::create_directory(PathOf("folder.recovery"));
  std::ofstream(PathOf("large.recovery")) << std::string(RecoveryFiles::kMaxSize + 1, 'x');
  std::ofstream(PathOf("unfinished.recovery.new")) << "half";
  std::ofstream(PathOf("readme.txt")) << "somebody else's";
  const std::vector<RecoveryFile> files = ReadAll();
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].name, "good.recovery");
  EXPECT_THAT(Names(),
              UnorderedElementsAre("good.recovery", "link.recovery.unusable", "folder.recovery.unusable",
                                   "large.recovery.unusable", "readme.txt"));
}

TEST_F(RecoveryFilesTest, AFileThatIsTooLargeIsNotWritten) {
  EXPECT_FALSE(Write("a.recovery", std::string(RecoveryFiles::kMaxSize + 1, 'x')).ok());
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(RecoveryFilesTest, NoMoreThanSoManyFilesAreThereAtOnce) {
  for (size_t i = 0; i < RecoveryFiles::kMaxFiles; ++i) {
    std::ofstream(PathOf(std::to_string(i) + ".recovery")) << "x";
  }
  Open();
  const absl::Status refused = Write("one-more.recovery", "x");
  EXPECT_THAT(std::string(refused.message()), HasSubstr("refresh.recovery_dir"));
  EXPECT_TRUE(Write("0.recovery", "replaced").ok());
  files_->Remove("1.recovery");
  EXPECT_TRUE(Write("one-more.recovery", "x").ok());
}

TEST_F(RecoveryFilesTest, AFolderThatIsGoneIsAnErrorUntilItIsBack) {
  std::filesystem::remove_all(folder());
  EXPECT_FALSE(Write("a.recovery", "one").ok());
  EXPECT_FALSE(loop_.Run(files_->ReadAll(clock_)).ok());
  std::filesystem::create_directory(folder());
  EXPECT_TRUE(Write("a.recovery", "one").ok());
}

TEST_F(RecoveryFilesTest, TheEndWaitsForWhatWasAskedFor) {
  bool written = false;
  files_->Write("a.recovery", std::string(1000, 'x'),
                [&](const absl::Status& status) { written = status.ok(); });
  files_.reset();
  EXPECT_TRUE(written);
  EXPECT_THAT(Names(), ElementsAre("a.recovery"));
}

TEST_F(RecoveryFilesTest, ADiskThatHangsDoesNotHoldUpTheEndForEver) {
  std::promise<void> hangs;
  std::promise<void> begun;
  const auto go_on = std::make_shared<std::shared_future<void>>(hangs.get_future());
  files_->Write("a.recovery", "one", [&begun, go_on](const absl::Status&) {
    begun.set_value();
    go_on->wait();
  });
  begun.get_future().wait();
  files_.reset();  // the test's timeout is the limit
  hangs.set_value();
}

TEST_F(RecoveryFilesTest, AFolderThatCannotBeUsedIsNamedAtTheStart) {
  std::ofstream(dir_ / "file") << "x";
  std::filesystem::create_directory(dir_ / "open");
  std::filesystem::permissions(dir_ / "open", std::filesystem::perms::all);
  for (const std::filesystem::path& folder : {dir_ / "file", dir_ / "open", dir_ / "absent" / "recovery",
                                              std::filesystem::path("/proc/recovery")}) {
    const auto opened = RecoveryFiles::Open(folder.string());
    ASSERT_FALSE(opened.ok()) << folder;
    EXPECT_THAT(std::string(opened.status().message()),
                ::testing::AllOf(HasSubstr("refresh.recovery_dir"), HasSubstr(folder.string())));
  }
}

}  // namespace
}  // namespace grantkeep
