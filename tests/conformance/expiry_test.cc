// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/store_harness.h"

namespace grantkeep::testing {
namespace {

using Outcome = CommitResult::Outcome;

TEST_P(StoreConformance, ARecordIsThereUntilItsLifetimeHasPassedAndAbsentAfterwards) {
  const Key key = GrantKey("g");
  const Time put = Commit({Put{.key = key, .replaces = 0, .value = "x", .ttl = Moment()}}).store_time;
  const bool there = Get(key).has_value();
  // A machine that stands still for the whole moment proves nothing, and is no failure.
  EXPECT_TRUE(there || store_->Now() >= put + Moment());
  Pass(Moment());
  EXPECT_EQ(ValueOf(key), "(absent)");
}

TEST_P(StoreConformance, AnExpiredRecordIsAbsentForEveryOperation) {
  const Key key = SecretKey("expired");
  Commit({Put{.key = key, .replaces = 0, .value = "x", .ttl = Moment()}});
  Pass(Moment());
  EXPECT_TRUE(Scan(key.partition, key.kind, "", 10).records.empty());
  EXPECT_EQ(OutcomeOf({Delete{.key = key, .replaces = 1}}), Outcome::kRevisionMismatch);
  const CommitResult over = Commit({Put{.key = key, .replaces = 1, .value = "y"}});
  EXPECT_EQ(over.outcome, Outcome::kRevisionMismatch);
  EXPECT_FALSE(over.current.has_value());
  Commit({TakeLease{.key = key, .owner = "one", .duration = Moment()}});
  const CommitResult leased = Commit({TakeLease{.key = key, .owner = "two", .duration = Moment()}});
  EXPECT_EQ(leased.outcome, Outcome::kLeased);
  EXPECT_FALSE(leased.current.has_value());
}

TEST_P(StoreConformance, APutOverAnExpiredRecordStartsAtRevisionOneWithNothingOfTheOld) {
  const Key key = GrantKey("g");
  Commit({Put{.key = key, .replaces = 0, .value = "old", .ttl = Moment(), .guard = "guard"}});
  Pass(Moment());
  EXPECT_EQ(OutcomeOf({Put{.key = key, .replaces = 0, .value = "new"}}), Outcome::kDone);
  Pass(Moment());
  EXPECT_EQ(ValueOf(key), "new");
  EXPECT_EQ(RevisionOf(key), 1u);
  EXPECT_EQ(Take(key, "guard", 1).outcome, TakeResult::Outcome::kMismatch);
}

TEST_P(StoreConformance, APutWithoutALifetimeEndsTheOldOne) {
  const Key key = GrantKey("g");
  Commit({Put{.key = key, .replaces = 0, .value = "short", .ttl = Moment()}});
  Commit({Put{.key = key, .replaces = 1, .value = "for ever"}});
  Pass(Moment());
  EXPECT_EQ(ValueOf(key), "for ever");
}

TEST_P(StoreConformance, APutWithALifetimeStartsItAnew) {
  const Key key = GrantKey("g");
  Commit({Put{.key = key, .replaces = 0, .value = "one", .ttl = Moment()}});
  Commit({Put{.key = key, .replaces = 1, .value = "two", .ttl = 100 * Moment()}});
  Pass(Moment());
  EXPECT_EQ(ValueOf(key), "two");
}

TEST_P(StoreConformance, ADeleteThatReplacesAnExpiredRecordByNothingHolds) {
  const Key key = GrantKey("g");
  Commit({Put{.key = key, .replaces = 0, .value = "x", .ttl = Moment()}});
  Pass(Moment());
  EXPECT_EQ(OutcomeOf({Delete{.key = key, .replaces = 0}}), Outcome::kDone);
  EXPECT_EQ(ValueOf(key), "(absent)");
}

TEST_P(DurableStoreConformance, LifetimesGoOnAfterReopening) {
  Commit({Put{.key = GrantKey("short"), .replaces = 0, .value = "x", .ttl = Moment()}});
  Commit({Put{.key = GrantKey("long"), .replaces = 0, .value = "y", .ttl = 100 * Moment()}});
  Reopen();
  Pass(Moment());
  EXPECT_EQ(ValueOf(GrantKey("short")), "(absent)");
  EXPECT_EQ(ValueOf(GrantKey("long")), "y");
}

}  // namespace
}  // namespace grantkeep::testing
