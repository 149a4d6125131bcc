// SPDX-License-Identifier: Apache-2.0
#include "daemon/store_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace grantkeep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::TempDir;

const std::string kOne(32, '1');
const std::string kTwo(32, '2');

TEST(CompareIdentity, AnIdIsKnownOrNotAndAnEpochNeverGoesBack) {
  struct Case {
    StoreIdentity store;
    IdentityMatch match;
  };
  for (const Case& c :
       {Case{{.id = kOne, .epoch = 3}, IdentityMatch::kSame},
        Case{{.id = kOne, .epoch = 4, .restored_in = 4}, IdentityMatch::kNewer},
        Case{{.id = kOne, .epoch = 9}, IdentityMatch::kNewer},
        Case{{.id = kOne, .epoch = 2}, IdentityMatch::kOlderEpoch},
        Case{{.id = kOne, .epoch = 2, .restored_in = 2}, IdentityMatch::kOlderEpoch},
        Case{{.id = kTwo, .epoch = 3}, IdentityMatch::kUnknownId},
        Case{{.id = kTwo, .epoch = 1}, IdentityMatch::kUnknownId},
        Case{{.id = kTwo, .epoch = 4, .cloned_in = 4, .cloned_from = kOne}, IdentityMatch::kUnknownId}}) {
    EXPECT_EQ(CompareIdentity(c.store, {kOne, 3}), c.match) << c.store.id << " " << c.store.epoch;
  }
}

TEST(WasAdoptedSince, OnlyWhatFollowsFromTheStoreThatWasSeenByAnAdoption) {
  const StoreIdentity seen{.id = kOne, .epoch = 3, .restored_in = 2};
  struct Case {
    const char* what;
    StoreIdentity now;
    bool adopted;
  };
  for (const Case& c :
       {Case{"unchanged", seen, false}, Case{"restored", {.id = kOne, .epoch = 4, .restored_in = 4}, true},
        Case{"restored twice", {.id = kOne, .epoch = 6, .restored_in = 6}, true},
        Case{"raised by hand", {.id = kOne, .epoch = 4, .restored_in = 2}, false},
        Case{"cloned", {.id = kTwo, .epoch = 4, .restored_in = 2, .cloned_in = 4, .cloned_from = kOne}, true},
        Case{"cloned, then restored",
             {.id = kTwo, .epoch = 5, .restored_in = 5, .cloned_in = 4, .cloned_from = kOne},
             true},
        Case{"another store's clone", {.id = kTwo, .epoch = 4, .cloned_in = 4, .cloned_from = kTwo}, false},
        Case{"cloned before", {.id = kTwo, .epoch = 3, .cloned_in = 3, .cloned_from = kOne}, false},
        Case{"another store", {.id = kTwo, .epoch = 4}, false}}) {
    EXPECT_EQ(WasAdoptedSince(seen, c.now), c.adopted) << c.what;
  }
}

class IdentityFile : public ::testing::Test {
 protected:
  std::string Path() const { return (dir_ / "store.identity").string(); }
  void Put(const std::string& text) const { std::ofstream(Path()) << text; }
  std::string ErrorOf(const std::string& text) const {
    Put(text);
    const auto read = ReadIdentityFile(Path());
    return read.ok() ? "accepted" : std::string(read.status().message());
  }

  TempDir dir_;
};

TEST_F(IdentityFile, WhatIsWrittenIsReadAgainAndIsItsOwnersAlone) {
  ASSERT_EQ(ReadIdentityFile(Path()).value(), std::nullopt) << "there is no file";
  for (const uint64_t epoch : {1u, 7u}) {
    const RememberedStore store{kOne, epoch};
    ASSERT_TRUE(WriteIdentityFile(Path(), store).ok());
    EXPECT_EQ(ReadIdentityFile(Path()).value(), store);
  }
  struct stat info{};
  ASSERT_EQ(stat(Path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_ / ""), {}), 1) << "nothing else is left";
}

TEST_F(IdentityFile, WhatAnInterruptedWriteHasLeftIsInNobodysWay) {
  std::ofstream(Path() + ".new") << "id: half of";
  chmod((Path() + ".new").c_str(), 0666);
  ASSERT_TRUE(WriteIdentityFile(Path(), {kOne, 2}).ok());
  struct stat info{};
  ASSERT_EQ(stat(Path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(ReadIdentityFile(Path()).value(), (RememberedStore{kOne, 2}));
}

TEST_F(IdentityFile, ADamagedOneIsAnErrorThatNamesTheFileAndTheField) {
  const std::string id = "id: " + kOne + "\n";
  struct Case {
    std::string text;
    const char* what;
  };
  for (const Case& c :
       {Case{"", "id: must be 32"}, Case{"epoch: 1\n", "id: must be 32"},
        Case{"id: short\nepoch: 1\n", "id: must be 32"},
        Case{"id: " + std::string(32, 'A') + "\nepoch: 1\n", "id: must be 32"},
        Case{id, "epoch: must be 1 or more"}, Case{id + "epoch: 0\n", "epoch: must be 1 or more"},
        Case{id + "epoch: -1\n", "epoch: "}, Case{id + "epoch: many\n", "epoch: "},
        Case{id + "epoch: 1\nfile: x\n", "file: does not belong here"},
        Case{id + "epoch: 1\nother: x\n", "other"}, Case{"\x01\x02{", ""}}) {
    EXPECT_THAT(ErrorOf(c.text),
                AllOf(HasSubstr("store.identity.file: "), HasSubstr(Path()), HasSubstr(c.what)))
        << c.text;
  }
}

TEST_F(IdentityFile, AFolderThatCannotBeWrittenIsNamed) {
  const absl::Status written = WriteIdentityFile((dir_ / "none" / "f").string(), {kOne, 1});
  EXPECT_THAT(std::string(written.message()),
              AllOf(HasSubstr("store.identity.file: "), HasSubstr("none/f"), HasSubstr("No such file")));
  const auto read = ReadIdentityFile((dir_ / "").string());
  EXPECT_FALSE(read.ok()) << "a folder is no file";
}

}  // namespace
}  // namespace grantkeep
