// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/store_harness.h"

namespace grantkeep::testing {
namespace {

using Outcome = CommitResult::Outcome;

class Owner {
 public:
  Owner(std::string name, Duration duration) : name_(std::move(name)), duration_(duration) {}
  TakeLease Takes(const Key& key) const { return {.key = key, .owner = name_, .duration = duration_}; }
  EndLease Ends(const Key& key) const { return {.key = key, .owner = name_}; }
  RequireLease Requires(const Key& key) const { return {.key = key, .owner = name_}; }

 private:
  std::string name_;
  Duration duration_;
};

TEST_P(StoreConformance, WhileOneOwnerHoldsTheLeaseAnotherIsToldWhoWhenAndWhat) {
  const Key key = GrantKey("g");
  const Owner alice("alice", Moment());
  const Owner bob("bob", Moment());
  Commit({Put{.key = key, .replaces = 0, .value = "grant"}});
  const CommitResult taken = Commit({alice.Takes(key)});
  EXPECT_EQ(taken.outcome, Outcome::kDone);
  const CommitResult refused = Commit({Put{.key = key, .replaces = 1, .value = "bob's"}, bob.Takes(key)});
  ASSERT_EQ(refused.outcome, Outcome::kLeased);
  EXPECT_GE(refused.lease_end, taken.store_time + Moment() - std::chrono::milliseconds(1));
  EXPECT_LE(refused.lease_end, taken.store_time + Moment() + std::chrono::milliseconds(1));
  EXPECT_GE(refused.store_time, taken.store_time);
  ASSERT_TRUE(refused.current.has_value());
  EXPECT_EQ(refused.current->value, "grant");
  EXPECT_EQ(ValueOf(key), "grant");
}

TEST_P(StoreConformance, ALeaseCanBeTakenOnAnAbsentRecord) {
  EXPECT_EQ(OutcomeOf({Owner("alice", Moment()).Takes(GrantKey("g"))}), Outcome::kDone);
  const CommitResult refused = Commit({Owner("bob", Moment()).Takes(GrantKey("g"))});
  EXPECT_EQ(refused.outcome, Outcome::kLeased);
  EXPECT_FALSE(refused.current.has_value());
}

TEST_P(StoreConformance, TheOwnerRenewsItsLease) {
  const Key key = GrantKey("g");
  Commit({Owner("alice", Moment()).Takes(key)});
  const CommitResult renewed = Commit({Owner("alice", 100 * Moment()).Takes(key)});
  EXPECT_EQ(renewed.outcome, Outcome::kDone);
  Pass(Moment());
  const CommitResult refused = Commit({Owner("bob", Moment()).Takes(key)});
  EXPECT_EQ(refused.outcome, Outcome::kLeased);
  EXPECT_GE(refused.lease_end, renewed.store_time + 99 * Moment());
}

TEST_P(StoreConformance, ALeaseEndsByItself) {
  const Key key = GrantKey("g");
  Commit({Owner("alice", Moment()).Takes(key)});
  Pass(Moment());
  EXPECT_EQ(OutcomeOf({Owner("alice", Moment()).Requires(key)}), Outcome::kLeaseLost);
  EXPECT_EQ(OutcomeOf({Owner("bob", Moment()).Takes(key)}), Outcome::kDone);
}

TEST_P(StoreConformance, ALeaseGivenUpIsFree) {
  const Key key = GrantKey("g");
  Commit({Owner("alice", 100 * Moment()).Takes(key)});
  EXPECT_EQ(OutcomeOf({Owner("alice", Moment()).Ends(key)}), Outcome::kDone);
  EXPECT_EQ(OutcomeOf({Owner("bob", Moment()).Takes(key)}), Outcome::kDone);
}

TEST_P(StoreConformance, EndingALeaseThatOneDoesNotHoldDoesNothing) {
  const Key key = GrantKey("g");
  EXPECT_EQ(OutcomeOf({Owner("alice", Moment()).Ends(key)}), Outcome::kDone);
  Commit({Owner("bob", 100 * Moment()).Takes(key)});
  EXPECT_EQ(OutcomeOf({Owner("alice", Moment()).Ends(key)}), Outcome::kDone);
  EXPECT_EQ(OutcomeOf({Owner("bob", Moment()).Requires(key)}), Outcome::kDone);
}

TEST_P(StoreConformance, ACommitThatRequiresALeaseWritesOnlyForItsOwner) {
  const Key key = GrantKey("g");
  const Put put{.key = key, .replaces = 0, .value = "x"};
  EXPECT_EQ(OutcomeOf({put, Owner("alice", Moment()).Requires(key)}), Outcome::kLeaseLost);
  Commit({Owner("bob", 100 * Moment()).Takes(key)});
  EXPECT_EQ(OutcomeOf({put, Owner("alice", Moment()).Requires(key)}), Outcome::kLeaseLost);
  EXPECT_EQ(ValueOf(key), "(absent)");
  EXPECT_EQ(OutcomeOf({put, Owner("bob", Moment()).Requires(key)}), Outcome::kDone);
  EXPECT_EQ(ValueOf(key), "x");
}

TEST_P(StoreConformance, ARequirementIsJudgedByWhatHoldsBeforeTheCommit) {
  const Key key = GrantKey("g");
  const Owner alice("alice", Moment());
  EXPECT_EQ(OutcomeOf({alice.Takes(key), alice.Requires(key)}), Outcome::kLeaseLost);
  EXPECT_EQ(OutcomeOf({alice.Takes(key)}), Outcome::kDone);
  EXPECT_EQ(OutcomeOf({alice.Ends(key), alice.Requires(key)}), Outcome::kDone);
  EXPECT_EQ(OutcomeOf({alice.Requires(key)}), Outcome::kLeaseLost);
}

TEST_P(StoreConformance, ALeaseAndTheWritesBesideItAreOne) {
  const Key key = GrantKey("g");
  const Owner alice("alice", Moment());
  Commit({Put{.key = key, .replaces = 0, .value = "one"}});
  EXPECT_EQ(OutcomeOf({alice.Takes(key), Put{.key = key, .replaces = 9, .value = "x"}}),
            Outcome::kRevisionMismatch);
  EXPECT_EQ(OutcomeOf({alice.Requires(key)}), Outcome::kLeaseLost);
  EXPECT_EQ(OutcomeOf({alice.Takes(key), Put{.key = key, .replaces = 1, .value = "two"}}), Outcome::kDone);
  EXPECT_EQ(OutcomeOf({alice.Requires(key)}), Outcome::kDone);
}

TEST_P(StoreConformance, ALeaseDoesNotKeepOthersFromReadingOrWriting) {
  const Key key = GrantKey("g");
  Commit({Owner("alice", Moment()).Takes(key)});
  EXPECT_EQ(OutcomeOf({Put{.key = key, .replaces = 0, .value = "x"}}), Outcome::kDone);
  EXPECT_EQ(ValueOf(key), "x");
}

TEST_P(StoreConformance, OfManyRacersExactlyOneTakesTheLease) {
  const Key key = GrantKey("g");
  std::atomic<int> won = 0;
  Race(4, 16, [&](size_t number) -> boost::asio::awaitable<void> {
    std::vector<Write> writes;
    writes.push_back(Owner("racer " + std::to_string(number), 100 * Moment()).Takes(key));
    const auto result = co_await store_->Commit(std::move(writes), Soon());
    if (result.value().outcome == Outcome::kDone) ++won;
  });
  EXPECT_EQ(won, 1);
}

}  // namespace
}  // namespace grantkeep::testing
