// SPDX-License-Identifier: Apache-2.0
#include "vault/verdict.h"

#include <gtest/gtest.h>

namespace grantkeep {
namespace {

constexpr Standing Live(Revision revision) { return {.revision = revision, .tombstone = false}; }
constexpr Standing Dead(Revision revision) { return {.revision = revision, .tombstone = true}; }

TEST(Verdict, TheHigherRevisionWins) {
  for (const bool final_tombstones : {false, true}) {
    EXPECT_EQ(Judge(Live(5), Live(6), final_tombstones), Verdict::kStored);
    EXPECT_EQ(Judge(Live(5), Live(4), final_tombstones), Verdict::kRestore);
    EXPECT_EQ(Judge(Dead(5), Dead(6), final_tombstones), Verdict::kStored);
    EXPECT_EQ(Judge(Dead(5), Dead(4), final_tombstones), Verdict::kRestore);
    EXPECT_EQ(Judge(Live(5), Live(5), final_tombstones), Verdict::kStored);
  }
}

TEST(Verdict, WhatOneSideDoesNotHaveItCannotInsistOn) {
  for (const bool final_tombstones : {false, true}) {
    EXPECT_EQ(Judge({}, Live(1), final_tombstones), Verdict::kStored);
    EXPECT_EQ(Judge({}, {}, final_tombstones), Verdict::kStored);
    EXPECT_EQ(Judge(Live(5), {}, final_tombstones), Verdict::kRestore);
    EXPECT_EQ(Judge(Dead(5), {}, final_tombstones), Verdict::kRestore);
  }
}

TEST(Verdict, ATombstoneWinsATie) {
  for (const bool final_tombstones : {false, true}) {
    EXPECT_EQ(Judge(Dead(5), Live(5), final_tombstones), Verdict::kBury);
    EXPECT_EQ(Judge(Live(5), Dead(5), final_tombstones), Verdict::kStored);
  }
}

TEST(Verdict, ATombstoneThatIsFinalWinsWhateverTheRevisions) {
  EXPECT_EQ(Judge(Dead(5), Live(9), true), Verdict::kBury);
  EXPECT_EQ(Judge(Dead(5), Live(4), true), Verdict::kRestore);
  EXPECT_EQ(Judge(Live(5), Dead(4), true), Verdict::kStored);
  EXPECT_EQ(Judge(Live(5), Dead(9), true), Verdict::kStored);
}

TEST(Verdict, ATombstoneThatIsNotFinalIsARevisionLikeAnyOther) {
  EXPECT_EQ(Judge(Dead(5), Live(6), false), Verdict::kStored) << "it was put again";
  EXPECT_EQ(Judge(Live(5), Dead(4), false), Verdict::kRestore);
}

}  // namespace
}  // namespace grantkeep
