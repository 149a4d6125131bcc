// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/store_harness.h"

namespace grantkeep::testing {
namespace {

using Outcome = CommitResult::Outcome;

TEST_P(StoreConformance, ARecordThatWasNeverPutIsAbsent) { EXPECT_EQ(Get(GrantKey("g")), std::nullopt); }

TEST_P(StoreConformance, APutIsReadBackWithTheRevisionAfterTheOneItReplaced) {
  const Key key = GrantKey("g");
  EXPECT_EQ(OutcomeOf({Put{.key = key, .replaces = 0, .value = "one"}}), Outcome::kDone);
  EXPECT_EQ(RevisionOf(key), 1u);
  EXPECT_EQ(OutcomeOf({Put{.key = key, .replaces = 1, .value = "two"}}), Outcome::kDone);
  const auto record = Get(key);
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->key, key);
  EXPECT_EQ(record->revision, 2u);
  EXPECT_EQ(record->value, "two");
}

TEST_P(StoreConformance, APutOverAnotherRevisionWritesNothingAndReturnsTheRecordAndTheStoresTime) {
  const Key key = GrantKey("g");
  Commit({Put{.key = key, .replaces = 0, .value = "one"}});
  for (const Revision wrong : {0u, 2u, 7u}) {
    const Time before = store_->Now();
    const CommitResult result = Commit({Put{.key = key, .replaces = wrong, .value = "wrong"}});
    EXPECT_EQ(result.outcome, Outcome::kRevisionMismatch);
    ASSERT_TRUE(result.current.has_value());
    EXPECT_EQ(result.current->key, key);
    EXPECT_EQ(result.current->revision, 1u);
    EXPECT_EQ(result.current->value, "one");
    EXPECT_GE(result.store_time, before - std::chrono::milliseconds(50));
    EXPECT_LE(result.store_time, store_->Now() + std::chrono::milliseconds(50));
  }
  EXPECT_EQ(ValueOf(key), "one");
}

TEST_P(StoreConformance, AMismatchOnAnAbsentRecordReturnsNoRecord) {
  const CommitResult put = Commit({Put{.key = GrantKey("g"), .replaces = 1, .value = "x"}});
  EXPECT_EQ(put.outcome, Outcome::kRevisionMismatch);
  EXPECT_FALSE(put.current.has_value());
  const CommitResult erase = Commit({Delete{.key = GrantKey("g"), .replaces = 1}});
  EXPECT_EQ(erase.outcome, Outcome::kRevisionMismatch);
  EXPECT_FALSE(erase.current.has_value());
}

TEST_P(StoreConformance, StoreTimeComesWithEveryOutcomeAndDoesNotGoBack) {
  const Key key = GrantKey("g");
  const Time first = Commit({Put{.key = key, .replaces = 0, .value = "x"}}).store_time;
  const Time second = Commit({Put{.key = key, .replaces = 0, .value = "y"}}).store_time;
  Pass(std::chrono::milliseconds(20));
  const Time third = Commit({Put{.key = key, .replaces = 1, .value = "z"}}).store_time;
  EXPECT_GT(first, Time());
  EXPECT_LE(first, second);
  EXPECT_GE(third, first + std::chrono::milliseconds(20));
}

TEST_P(StoreConformance, ADeleteMakesTheRecordAbsentAndTheNextPutStartsAtRevisionOne) {
  const Key key = GrantKey("g");
  Commit({Put{.key = key, .replaces = 0, .value = "one"}});
  Commit({Put{.key = key, .replaces = 1, .value = "two"}});
  EXPECT_EQ(OutcomeOf({Delete{.key = key, .replaces = 1}}), Outcome::kRevisionMismatch);
  EXPECT_EQ(OutcomeOf({Delete{.key = key, .replaces = 2}}), Outcome::kDone);
  EXPECT_EQ(ValueOf(key), "(absent)");
  EXPECT_EQ(OutcomeOf({Put{.key = key, .replaces = 0, .value = "again"}}), Outcome::kDone);
  EXPECT_EQ(RevisionOf(key), 1u);
}

TEST_P(StoreConformance, ADeleteOfAnAbsentRecordIsAPreconditionThatHolds) {
  EXPECT_EQ(OutcomeOf({Delete{.key = GrantKey("g"), .replaces = 0}}), Outcome::kDone);
  Commit({Put{.key = GrantKey("g"), .replaces = 0, .value = "x"}});
  EXPECT_EQ(OutcomeOf({Delete{.key = GrantKey("g"), .replaces = 0}}), Outcome::kRevisionMismatch);
  EXPECT_EQ(ValueOf(GrantKey("g")), "x");
}

TEST_P(StoreConformance, WhenOnePreconditionFailsNoWriteOfTheCommitHappens) {
  const Key a = SecretKey("a");
  const Key b = SecretKey("b");
  const Key c = SecretKey("c");
  Commit({Put{.key = b, .replaces = 0, .value = "b1"}});
  // The failing one first, in the middle and last.
  const std::vector<std::vector<Write>> commits = {
      {Put{.key = b, .replaces = 5, .value = "x"}, Put{.key = a, .replaces = 0, .value = "x"}},
      {Put{.key = a, .replaces = 0, .value = "x"}, Delete{.key = b, .replaces = 5},
       Put{.key = c, .replaces = 0, .value = "x"}},
      {SetDue{.key = a, .at = store_->Now()}, TakeLease{.key = a, .owner = "me", .duration = Moment()},
       Put{.key = a, .replaces = 0, .value = "x"}, Put{.key = b, .replaces = 0, .value = "x"}},
  };
  for (const auto& writes : commits) {
    const CommitResult result = Commit(writes);
    EXPECT_EQ(result.outcome, Outcome::kRevisionMismatch);
    ASSERT_TRUE(result.current.has_value());
    EXPECT_EQ(result.current->value, "b1");
  }
  EXPECT_EQ(ValueOf(a), "(absent)");
  EXPECT_EQ(ValueOf(b), "b1");
  EXPECT_EQ(ValueOf(c), "(absent)");
  EXPECT_TRUE(ClaimDue(a.partition, 10, Moment()).empty());
  EXPECT_EQ(OutcomeOf({TakeLease{.key = a, .owner = "other", .duration = Moment()}}), Outcome::kDone);
}

TEST_P(StoreConformance, AllWritesOfACommitHappenTogether) {
  std::vector<Write> writes;
  for (size_t i = 0; i < Store::kMaxWrites; ++i) {
    writes.push_back(
        Put{.key = SecretKey(std::to_string(i)), .replaces = 0, .value = "v" + std::to_string(i)});
  }
  EXPECT_EQ(OutcomeOf(writes), Outcome::kDone);
  for (size_t i = 0; i < Store::kMaxWrites; ++i) {
    EXPECT_EQ(ValueOf(SecretKey(std::to_string(i))), "v" + std::to_string(i));
  }
}

TEST_P(StoreConformance, RecordsOfAnotherKindTenantOrIdAreOtherRecords) {
  const Key key = GrantKey("g");
  Key kind = key;
  kind.kind = Kind::kFlow;
  const Key tenant = Key::Of(Kind::kGrant, TenantId("other"), "g");
  const Key id = GrantKey("G");
  Commit({Put{.key = key, .replaces = 0, .value = "mine"}});
  for (const Key& other : {kind, tenant, id}) EXPECT_EQ(ValueOf(other), "(absent)");
  Commit({Put{.key = kind, .replaces = 0, .value = "kind"}});
  EXPECT_EQ(ValueOf(key), "mine");
}

// Two fields whose bytes look alike when they are put together.
TEST_P(StoreConformance, TenantAndIdDoNotRunIntoEachOther) {
  Key left = Key::Under(Kind::kGrant, TenantId("a"), "", "bc");
  Key right = Key::Under(Kind::kGrant, TenantId("ab"), "", "c");
  right.partition = left.partition;
  Commit({Put{.key = left, .replaces = 0, .value = "left"}});
  EXPECT_EQ(ValueOf(right), "(absent)");
}

TEST_P(StoreConformance, OfManyRacersThatReplaceOneRevisionExactlyOneSucceeds) {
  const Key key = GrantKey("g");
  Commit({Put{.key = key, .replaces = 0, .value = "start"}});
  std::atomic<int> done = 0;
  std::atomic<int> told = 0;
  Race(4, 16, [&](size_t number) -> boost::asio::awaitable<void> {
    std::vector<Write> writes;
    writes.push_back(Put{.key = key, .replaces = 1, .value = std::to_string(number)});
    const auto result = co_await store_->Commit(std::move(writes), Soon());
    if (result.value().outcome == Outcome::kDone) ++done;
    if (result->current.has_value() && result->current->revision == 2) ++told;
  });
  EXPECT_EQ(done, 1);
  EXPECT_EQ(told, 63);
  EXPECT_EQ(RevisionOf(key), 2u);
}

// Each increments until it has succeeded: no update is lost.
TEST_P(StoreConformance, IncrementsByRevisionAreAllCounted) {
  const Key key = GrantKey("counter");
  Race(4, 4, [&](size_t) -> boost::asio::awaitable<void> {
    Revision seen = 0;
    int value = 0;
    while (true) {
      std::vector<Write> writes;
      writes.push_back(Put{.key = key, .replaces = seen, .value = std::to_string(value + 1)});
      const auto result = co_await store_->Commit(std::move(writes), Soon());
      if (result.value().outcome == Outcome::kDone) co_return;
      seen = result->current->revision;
      value = std::stoi(result->current->value);
    }
  });
  EXPECT_EQ(ValueOf(key), "16");
  EXPECT_EQ(RevisionOf(key), 16u);
}

TEST_P(StoreConformance, KeysAndValuesAreAnyBytes) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  std::vector<Write> writes;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string id(1, static_cast<char>(byte));
    writes.push_back(Put{.key = SecretKey(id), .replaces = 0, .value = all + id});
    if (writes.size() < Store::kMaxWrites) continue;
    ASSERT_EQ(OutcomeOf(std::exchange(writes, {})), Outcome::kDone) << byte;
  }
  for (int byte = 0; byte < 256; ++byte) {
    const std::string id(1, static_cast<char>(byte));
    const auto record = Get(SecretKey(id));
    ASSERT_TRUE(record.has_value()) << byte;
    EXPECT_EQ(record->key.id, id);
    EXPECT_EQ(record->value, all + id);
  }
  // Ids that agree up to a NUL, a separator, or in other case.
  const std::vector<std::string> alike = {
      std::string("a\0b", 3), std::string("a\0", 2), "a:", "a", "A", "a}b", "a{b"};
  for (const std::string& id : alike) Commit({Put{.key = GrantKey("p" + id), .replaces = 0, .value = id}});
  for (const std::string& id : alike) EXPECT_EQ(ValueOf(GrantKey("p" + id)), id);
}

TEST_P(StoreConformance, AnEmptyValueIsARecord) {
  const Key key = GrantKey("g");
  Commit({Put{.key = key, .replaces = 0, .value = ""}});
  const auto record = Get(key);
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->value, "");
  EXPECT_EQ(record->revision, 1u);
}

TEST_P(StoreConformance, AnOperationWhoseDeadlineHasPassedIsNotBegun) {
  const Key key = GrantKey("g");
  std::vector<Write> writes;
  writes.push_back(Put{.key = key, .replaces = 0, .value = "x"});
  const Tick past = harness_->clock().Steady() - std::chrono::milliseconds(1);
  const auto result = loop_.Run(store_->Commit(std::move(writes), past));
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ValueOf(key), "(absent)");
}

TEST_P(DurableStoreConformance, RecordsAndRevisionsAreThereAfterReopening) {
  Commit({Put{.key = GrantKey("g"), .replaces = 0, .value = "one"}});
  Commit({Put{.key = GrantKey("g"), .replaces = 1, .value = "two"}});
  Commit({Put{.key = GrantKey("gone"), .replaces = 0, .value = "x"}});
  Commit({Delete{.key = GrantKey("gone"), .replaces = 1}});
  Reopen();
  EXPECT_EQ(ValueOf(GrantKey("g")), "two");
  EXPECT_EQ(RevisionOf(GrantKey("g")), 2u);
  EXPECT_EQ(ValueOf(GrantKey("gone")), "(absent)");
}

}  // namespace
}  // namespace grantkeep::testing
