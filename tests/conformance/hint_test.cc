// SPDX-License-Identifier: Apache-2.0
// Kinds whose records are their keys (IsHint).
#include <fmt/format.h>

#include <set>

#include "base/reason.h"
#include "tests/conformance/store_harness.h"

namespace grantkeep::testing {
namespace {

using Outcome = CommitResult::Outcome;

// Several of these share a partition.
Key HintKey(std::string id) { return Key::Under(Kind::kSubjectGrant, Acme(), "", std::move(id)); }
Put PutOf(std::string id) { return {.key = HintKey(std::move(id)), .value = ""}; }

TEST_P(StoreConformance, AHintIsPutOnceAndScannedAsRevisionOneWithoutAValue) {
  for (const std::string& id : {std::string("b"), std::string("a\0[(", 4), std::string("\xff")}) {
    EXPECT_EQ(OutcomeOf({PutOf(id)}), Outcome::kDone);
  }
  const Page page = Scan(HintKey("x").partition, Kind::kSubjectGrant, "", 10);
  EXPECT_FALSE(page.next.has_value());
  ASSERT_EQ(page.records.size(), 3u);
  EXPECT_EQ(page.records[0].key, HintKey(std::string("a\0[(", 4)));
  EXPECT_EQ(page.records[1].key, HintKey("b"));
  EXPECT_EQ(page.records[2].key, HintKey("\xff"));
  for (const Record& record : page.records) {
    EXPECT_EQ(record.revision, 1u);
    EXPECT_EQ(record.value, "");
  }
}

TEST_P(StoreConformance, ASecondPutOfAHintIsAMismatchThatShowsIt) {
  Commit({PutOf("a")});
  const CommitResult again = Commit({PutOf("ab"), PutOf("a")});
  EXPECT_EQ(again.outcome, Outcome::kRevisionMismatch);
  ASSERT_TRUE(again.current.has_value());
  EXPECT_EQ(again.current->key, HintKey("a"));
  EXPECT_EQ(again.current->revision, 1u);
  EXPECT_EQ(again.current->value, "");
  EXPECT_EQ(Scan(HintKey("x").partition, Kind::kSubjectGrant, "", 10).records.size(), 1u)
      << "nothing was written";
}

TEST_P(StoreConformance, AHintStandsOrFallsWithItsCommit) {
  const Key secret = SecretKey("s");
  EXPECT_EQ(OutcomeOf({PutOf("a"), Put{.key = secret, .replaces = 7, .value = "v"}}),
            Outcome::kRevisionMismatch);
  EXPECT_TRUE(Scan(secret.partition, Kind::kSubjectGrant, "", 10).records.empty());
  EXPECT_EQ(OutcomeOf({Put{.key = secret, .value = "v"}, PutOf("a")}), Outcome::kDone);
  EXPECT_EQ(ValueOf(secret), "v");
  EXPECT_EQ(Scan(secret.partition, Kind::kSubjectGrant, "", 10).records.size(), 1u);
}

TEST_P(StoreConformance, OfWritersOfOneHintExactlyOneIsFirst) {
  std::atomic<int> first = 0;
  Race(2, 4, [&](size_t) -> boost::asio::awaitable<void> {
    std::vector<Write> writes;
    writes.emplace_back(PutOf("a"));
    const auto result = co_await store_->Commit(std::move(writes), Soon());
    if (result.value().outcome == Outcome::kDone) ++first;
  });
  EXPECT_EQ(first, 1);
}

TEST_P(StoreConformance, PagesOfHintsFollowEachOtherWithoutGapOrOverlap) {
  constexpr size_t kHints = 25;
  for (size_t i = 0; i < kHints; ++i) Commit({PutOf(fmt::format("{:02}", i))});
  std::set<std::string> seen;
  std::optional<std::string> after = "";
  for (size_t pages = 0; after.has_value() && pages <= kHints; ++pages) {
    const Page page = Scan(HintKey("x").partition, Kind::kSubjectGrant, *after, 3);
    EXPECT_LE(page.records.size(), 3u);
    for (const Record& record : page.records) EXPECT_TRUE(seen.insert(record.key.id).second);
    after = page.next;
  }
  EXPECT_EQ(seen.size(), kHints);
}

TEST_P(StoreConformance, NothingElseIsDoneWithAHint) {
  const Key key = HintKey("a");
  const auto field = [&](auto task) {
    const auto result = loop_.Run(std::move(task));
    return HasReason(result.status(), Reason::kInvalidField) ? FieldOf(result.status()).value_or("none")
                                                             : result.status().ToString();
  };
  const auto commit = [&](Write write) {
    std::vector<Write> writes;
    writes.push_back(std::move(write));
    return field(store_->Commit(std::move(writes), Soon()));
  };
  EXPECT_EQ(commit(Put{.key = key, .replaces = 1, .value = ""}), "writes[0].replaces");
  EXPECT_EQ(commit(Put{.key = key, .value = "v"}), "writes[0].value");
  EXPECT_EQ(commit(Put{.key = key, .value = "", .ttl = Moment()}), "writes[0].ttl");
  EXPECT_EQ(commit(Put{.key = key, .value = "", .guard = "g"}), "writes[0].guard");
  for (const Write& write :
       {Write(Delete{key, 1}), Write(Restore{key, 1, ""}), Write(SetDue{key, store_->Now()}),
        Write(ClearDue{key}), Write(TakeLease{key, "me", Moment()}), Write(EndLease{key, "me"}),
        Write(RequireLease{key, "me"})}) {
    EXPECT_EQ(commit(write), "writes[0].key.kind") << write.index();
  }
  EXPECT_EQ(field(store_->Get(key, Soon())), "key.kind");
  EXPECT_EQ(field(store_->Take(key, "g", 1, Soon())), "key.kind");
}

TEST_P(DurableStoreConformance, AHintOutlivesTheProcess) {
  Commit({PutOf("a")});
  Reopen();
  EXPECT_EQ(OutcomeOf({PutOf("a")}), Outcome::kRevisionMismatch);
  EXPECT_EQ(Scan(HintKey("x").partition, Kind::kSubjectGrant, "", 10).records.size(), 1u);
}

}  // namespace
}  // namespace grantkeep::testing
