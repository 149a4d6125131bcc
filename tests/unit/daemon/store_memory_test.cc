// SPDX-License-Identifier: Apache-2.0
#include "daemon/store_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/reason.h"
#include "tests/support/temp_dir.h"

namespace grantkeep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::TempDir;

const std::string kOne(32, '1');
const std::string kTwo(32, '2');
const std::string kThree(32, '3');

class StoreMemoryTest : public ::testing::Test {
 protected:
  std::string Path() const { return (dir_ / "store.identity").string(); }
  std::unique_ptr<StoreMemory> WithFile() const {
    return StoreMemory::Open({.file = Path(), .fixed = {}}).value();
  }
  static std::unique_ptr<StoreMemory> Fixed(const RememberedStore& store) {
    return StoreMemory::Open({.file = "", .fixed = store}).value();
  }
  std::optional<RememberedStore> InFile() const { return ReadIdentityFile(Path()).value(); }

  static bool Accepts(StoreMemory& memory, const StoreIdentity& store) {
    const absl::Status verdict = memory.Judge(store);
    EXPECT_TRUE(verdict.ok() || HasReason(verdict, Reason::kStoreNotAdopted)) << verdict;
    return verdict.ok();
  }

  TempDir dir_;
};

TEST_F(StoreMemoryTest, TheFirstStoreIsTrustedAndNoOtherAfterIt) {
  EXPECT_TRUE(Accepts(*WithFile(), {.id = kOne, .epoch = 3}));
  EXPECT_EQ(InFile(), (RememberedStore{kOne, 3}));
  const auto memory = WithFile();
  EXPECT_FALSE(Accepts(*memory, {.id = kTwo, .epoch = 3}));
  EXPECT_FALSE(Accepts(*memory, {.id = kOne, .epoch = 2}));
  EXPECT_EQ(InFile(), (RememberedStore{kOne, 3})) << "what is refused is not remembered";
  EXPECT_TRUE(Accepts(*memory, {.id = kOne, .epoch = 3}));
}

TEST_F(StoreMemoryTest, AHigherEpochOfTheSameStoreIsRemembered) {
  ASSERT_TRUE(WriteIdentityFile(Path(), {kOne, 3}).ok());
  EXPECT_TRUE(Accepts(*WithFile(), {.id = kOne, .epoch = 5}));
  EXPECT_EQ(InFile(), (RememberedStore{kOne, 5}));
  EXPECT_FALSE(Accepts(*WithFile(), {.id = kOne, .epoch = 4}));
}

TEST_F(StoreMemoryTest, ARefusalSaysWhatDiffersAndTheWayOut) {
  const auto memory = Fixed({kOne, 3});
  EXPECT_THAT(std::string(memory->Judge({.id = kTwo, .epoch = 3}).message()),
              AllOf(HasSubstr(kOne), HasSubstr(kTwo), HasSubstr("grantkeep admin adopt --as restore|clone")));
  EXPECT_THAT(std::string(memory->Judge({.id = kOne, .epoch = 1}).message()),
              AllOf(HasSubstr("epoch is 1"), HasSubstr("remembered is 3"),
                    HasSubstr("grantkeep admin adopt --as restore|clone")));
}

TEST_F(StoreMemoryTest, AFixedIdentityIsNeitherTrustedAwayNorWritten) {
  const auto memory = Fixed({kOne, 3});
  EXPECT_FALSE(Accepts(*memory, {.id = kTwo, .epoch = 9}));
  EXPECT_TRUE(Accepts(*memory, {.id = kOne, .epoch = 4}));
  EXPECT_FALSE(Accepts(*memory, {.id = kOne, .epoch = 3})) << "in this process at least";
  EXPECT_EQ(InFile(), std::nullopt);
}

TEST_F(StoreMemoryTest, WithoutAMemoryAnyStoreIsAccepted) {
  const auto memory = StoreMemory::Open({}).value();
  EXPECT_TRUE(Accepts(*memory, {.id = kOne, .epoch = 3}));
  EXPECT_TRUE(Accepts(*memory, {.id = kTwo, .epoch = 1}));
  EXPECT_EQ(memory->remembered(), std::nullopt);
}

TEST_F(StoreMemoryTest, AStoreThatWasNotReachedYetIsUnavailableAndNotTrusted) {
  const auto memory = WithFile();
  EXPECT_TRUE(HasReason(memory->Judge({}), Reason::kStoreUnavailable));
  EXPECT_EQ(InFile(), std::nullopt);
  EXPECT_TRUE(Accepts(*memory, {.id = kOne, .epoch = 1}));
}

// Another daemon of the fleet has adopted it while this one looked on.
TEST_F(StoreMemoryTest, ARefusedStoreThatIsAdoptedElsewhereIsAcceptedUnderItsNewIdentity) {
  struct Case {
    const char* what;
    StoreIdentity refused;
    StoreIdentity adopted;
  };
  for (const Case& c : {Case{"a clone of an unknown store",
                             {.id = kTwo, .epoch = 7},
                             {.id = kThree, .epoch = 8, .cloned_in = 8, .cloned_from = kTwo}},
                        Case{"an unknown store as a backup",
                             {.id = kTwo, .epoch = 7},
                             {.id = kTwo, .epoch = 8, .restored_in = 8}},
                        Case{"a backup as a clone",
                             {.id = kOne, .epoch = 2},
                             {.id = kThree, .epoch = 3, .cloned_in = 3, .cloned_from = kOne}}}) {
    ASSERT_TRUE(WriteIdentityFile(Path(), {kOne, 3}).ok());
    const auto memory = WithFile();
    EXPECT_FALSE(Accepts(*memory, c.adopted)) << c.what << ": it was not seen before";
    const auto looked_on = WithFile();
    EXPECT_FALSE(Accepts(*looked_on, c.refused)) << c.what;
    EXPECT_TRUE(Accepts(*looked_on, c.adopted)) << c.what;
    EXPECT_EQ(InFile(), (RememberedStore{c.adopted.id, c.adopted.epoch})) << c.what;
  }
}

TEST_F(StoreMemoryTest, AStoreThatDoesNotFollowFromTheRefusedOneIsRefusedToo) {
  const auto memory = Fixed({kOne, 3});
  EXPECT_FALSE(Accepts(*memory, {.id = kTwo, .epoch = 1}));
  EXPECT_FALSE(Accepts(*memory, {.id = kThree, .epoch = 2, .cloned_in = 2, .cloned_from = kThree}));
  EXPECT_FALSE(Accepts(*memory, {.id = kTwo, .epoch = 2}));
}

TEST_F(StoreMemoryTest, AStoreThatWasInUseDoesNotBecomeItsCloneUnnoticed) {
  const auto memory = Fixed({kOne, 3});
  EXPECT_TRUE(Accepts(*memory, {.id = kOne, .epoch = 3}));
  EXPECT_FALSE(Accepts(*memory, {.id = kTwo, .epoch = 4, .cloned_in = 4, .cloned_from = kOne}));
}

TEST_F(StoreMemoryTest, AnEpochThatWasUsedOnceIsNotTakenForANewOne) {
  const auto memory = Fixed({kOne, 5});
  EXPECT_FALSE(Accepts(*memory, {.id = kOne, .epoch = 3}));
  EXPECT_FALSE(Accepts(*memory, {.id = kOne, .epoch = 4, .restored_in = 4}));
}

TEST_F(StoreMemoryTest, AFileThatCannotBeReadIsAnError) {
  std::ofstream(Path()) << "id: x\n";
  EXPECT_THAT(std::string(StoreMemory::Open({.file = Path(), .fixed = {}}).status().message()),
              HasSubstr("store.identity.file: "));
}

TEST_F(StoreMemoryTest, RememberingFailsWhenTheFileCannotBeWritten) {
  const auto memory = StoreMemory::Open({.file = (dir_ / "none" / "f").string(), .fixed = {}}).value();
  EXPECT_FALSE(memory->Remember({.id = kOne, .epoch = 2}).ok());
  EXPECT_EQ(memory->remembered(), (RememberedStore{kOne, 2}));
}

}  // namespace
}  // namespace grantkeep
