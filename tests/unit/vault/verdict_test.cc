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

TEST(Verdict, TheLaterGenerationWinsWhateverTheRevisions) {
  const auto tokens = [](Revision revision, uint64_t generation) {
    return Standing{.revision = revision, .generation = generation};
  };
  EXPECT_EQ(Judge(tokens(5, 2), tokens(5, 1), true), Verdict::kRewrite);
  EXPECT_EQ(Judge(tokens(5, 2), tokens(9, 1), true), Verdict::kRewrite);
  EXPECT_EQ(Judge(tokens(5, 2), tokens(4, 1), true), Verdict::kRestore);
  EXPECT_EQ(Judge(tokens(9, 1), tokens(5, 2), true), Verdict::kStored);
  EXPECT_EQ(Judge(tokens(5, 1), tokens(5, 2), true), Verdict::kStored);
  // A revocation has no use for tokens.
  const Standing revoked{.revision = 2, .tombstone = true, .generation = 1};
  EXPECT_EQ(Judge(revoked, tokens(9, 2), true), Verdict::kBury);
  EXPECT_EQ(Judge(tokens(9, 2), revoked, true), Verdict::kStored);
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
