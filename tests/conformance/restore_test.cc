// SPDX-License-Identifier: Apache-2.0
#include "base/reason.h"
#include "tests/conformance/store_harness.h"

namespace grantkeep::testing {
namespace {

using Outcome = CommitResult::Outcome;

TEST_P(StoreConformance, ARecordThatTheStoreHasLostIsPutBackAsTheRevisionThatItHad) {
  const Key key = GrantKey("g");
  EXPECT_EQ(OutcomeOf({Restore{.key = key, .revision = 7, .value = "seven"}}), Outcome::kDone);
  EXPECT_EQ(RevisionOf(key), 7u);
  EXPECT_EQ(ValueOf(key), "seven");
  EXPECT_EQ(OutcomeOf({Put{.key = key, .replaces = 7, .value = "eight"}}), Outcome::kDone);
  EXPECT_EQ(RevisionOf(key), 8u);
}

TEST_P(StoreConformance, ARestoreReplacesOnlyTheRevisionThatItNames) {
  const Key key = GrantKey("g");
  Commit({Put{.key = key, .replaces = 0, .value = "one"}});
  Commit({Put{.key = key, .replaces = 1, .value = "two"}});
  for (const Revision another : {0u, 1u, 3u}) {
    const CommitResult refused =
        Commit({Restore{.key = key, .replaces = another, .revision = 7, .value = "seven"}});
    EXPECT_EQ(refused.outcome, Outcome::kRevisionMismatch);
    ASSERT_TRUE(refused.current.has_value());
    EXPECT_EQ(refused.current->revision, 2u);
    EXPECT_EQ(refused.current->value, "two");
  }
  EXPECT_EQ(OutcomeOf({Restore{.key = key, .replaces = 2, .revision = 7, .value = "seven"}}), Outcome::kDone);
  EXPECT_EQ(ValueOf(key), "seven");
  EXPECT_EQ(RevisionOf(key), 7u);
}

TEST_P(StoreConformance, ARestoreToARevisionThatIsNotHigherIsRefused) {
  const Key key = GrantKey("g");
  for (const Revision not_higher : {0u, 1u, 2u}) {
    std::vector<Write> writes;
    writes.emplace_back(Restore{.key = key, .replaces = 2, .revision = not_higher, .value = "old"});
    const auto refused = loop_.Run(store_->Commit(std::move(writes), Soon()));
    EXPECT_TRUE(HasReason(refused.status(), Reason::kInvalidField)) << refused.status();
  }
}

TEST_P(StoreConformance, ARestoredRecordIsFoundByAScan) {
  Commit({Restore{.key = SecretKey("a"), .revision = 4, .value = "v"}});
  const Page page = Scan(SecretKey("a").partition, Kind::kStaticSecret, "", 10);
  ASSERT_EQ(page.records.size(), 1u);
  EXPECT_EQ(page.records[0].revision, 4u);
}

TEST_P(StoreConformance, AnAdoptedBackupIsTheSameStoreInItsNextEpochAndAnAdoptedCloneIsAnother) {
  const StoreIdentity first = store_->identity();
  EXPECT_EQ(first.restored_in, 0u);
  EXPECT_EQ(first.cloned_in, 0u);
  const StoreIdentity restored = Run(store_->Adopt(Adoption::kRestore, Soon()));
  EXPECT_EQ(restored, store_->identity());
  EXPECT_EQ(restored.id, first.id);
  EXPECT_EQ(restored.epoch, first.epoch + 1);
  EXPECT_EQ(restored.restored_in, restored.epoch);
  const StoreIdentity cloned = Run(store_->Adopt(Adoption::kClone, Soon()));
  EXPECT_NE(cloned.id, first.id);
  EXPECT_EQ(cloned.epoch, restored.epoch + 1);
  EXPECT_EQ(cloned.cloned_in, cloned.epoch);
  EXPECT_EQ(cloned.restored_in, restored.epoch);
  EXPECT_EQ(cloned.cloned_from, first.id);
}

TEST_P(DurableStoreConformance, AnAdoptionIsRememberedAfterReopening) {
  for (const Adoption as : {Adoption::kRestore, Adoption::kClone}) {
    const StoreIdentity adopted = Run(store_->Adopt(as, Soon()));
    Reopen();
    EXPECT_EQ(store_->identity(), adopted);
  }
}

}  // namespace
}  // namespace grantkeep::testing
