// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/this_coro.hpp>

#include "tests/conformance/store_harness.h"

namespace grantkeep::testing {
namespace {

using Outcome = TakeResult::Outcome;

Key FlowKey() { return Key::Of(Kind::kFlow, Acme(), "state"); }

Put GuardedFlow(std::string value = "flow") {
  return {.key = FlowKey(), .replaces = 0, .value = std::move(value), .ttl = std::nullopt, .guard = "guard"};
}

TEST_P(StoreConformance, TakeReturnsTheRecordAndRemovesIt) {
  Commit({GuardedFlow()});
  const TakeResult taken = Take(FlowKey(), "guard");
  EXPECT_EQ(taken.outcome, Outcome::kTaken);
  EXPECT_EQ(taken.value, "flow");
  EXPECT_EQ(taken.revision, 1u);
  EXPECT_EQ(ValueOf(FlowKey()), "(absent)");
  const TakeResult again = Take(FlowKey(), "guard");
  EXPECT_EQ(again.outcome, Outcome::kAbsent);
  EXPECT_EQ(again.value, "");
}

TEST_P(StoreConformance, TakeOfWhatWasNeverThereIsAbsent) {
  EXPECT_EQ(Take(FlowKey(), "guard").outcome, Outcome::kAbsent);
}

TEST_P(StoreConformance, Of64RacersOnSeveralThreadsExactlyOneTakesTheRecord) {
  for (int round = 0; round < 5; ++round) {
    Commit({GuardedFlow("round " + std::to_string(round))});
    std::atomic<int> taken = 0;
    std::atomic<int> absent = 0;
    Race(4, 16, [&](size_t) -> boost::asio::awaitable<void> {
      const auto result = co_await store_->Take(FlowKey(), "guard", 5, Soon());
      if (result.value().outcome == Outcome::kTaken) ++taken;
      if (result->outcome == Outcome::kAbsent && result->value.empty()) ++absent;
    });
    EXPECT_EQ(taken, 1);
    EXPECT_EQ(absent, 63);
  }
}

TEST_P(StoreConformance, Of64RacersOnOneLoopExactlyOneTakesTheRecord) {
  Commit({GuardedFlow()});
  int taken = 0;
  Race(1, 64, [&](size_t) -> boost::asio::awaitable<void> {
    const auto result = co_await store_->Take(FlowKey(), "guard", 5, Soon());
    if (result.value().outcome == Outcome::kTaken) ++taken;
  });
  EXPECT_EQ(taken, 1);
}

TEST_P(StoreConformance, AnotherGuardTakesNothingAndTheRecordStays) {
  Commit({GuardedFlow()});
  for (const std::string guard : {"guarD", "guar", "guardd", "x"}) {
    const TakeResult refused = Take(FlowKey(), guard, 10);
    EXPECT_EQ(refused.outcome, Outcome::kMismatch) << guard;
    EXPECT_EQ(refused.value, "") << guard;
  }
  EXPECT_EQ(RevisionOf(FlowKey()), 1u);
  EXPECT_EQ(Take(FlowKey(), "guard").outcome, Outcome::kTaken);
}

TEST_P(StoreConformance, TheLastAllowedMismatchBurnsTheRecord) {
  Commit({GuardedFlow()});
  for (int attempt = 1; attempt <= 4; ++attempt) {
    EXPECT_EQ(Take(FlowKey(), "wrong", 5).outcome, Outcome::kMismatch);
    EXPECT_EQ(ValueOf(FlowKey()), "flow") << attempt;
  }
  EXPECT_EQ(Take(FlowKey(), "wrong", 5).outcome, Outcome::kMismatch);
  EXPECT_EQ(ValueOf(FlowKey()), "(absent)");
  EXPECT_EQ(Take(FlowKey(), "guard", 5).outcome, Outcome::kAbsent);
}

TEST_P(StoreConformance, WrongGuardsThatRaceBurnTheRecordOnce) {
  Commit({GuardedFlow()});
  std::atomic<int> mismatches = 0;
  Race(4, 8, [&](size_t) -> boost::asio::awaitable<void> {
    const auto result = co_await store_->Take(FlowKey(), "wrong", 5, Soon());
    if (result.value().outcome == Outcome::kMismatch) ++mismatches;
  });
  EXPECT_EQ(mismatches, 5);
  EXPECT_EQ(ValueOf(FlowKey()), "(absent)");
}

TEST_P(StoreConformance, ANewRecordUnderABurntKeyStartsWithoutMismatches) {
  Commit({GuardedFlow()});
  for (int i = 0; i < 4; ++i) Take(FlowKey(), "wrong", 5);
  EXPECT_EQ(Take(FlowKey(), "guard", 5).outcome, Outcome::kTaken);
  Commit({GuardedFlow("second")});
  for (int i = 0; i < 4; ++i) Take(FlowKey(), "wrong", 5);
  EXPECT_EQ(Take(FlowKey(), "guard", 5).value, "second");
}

TEST_P(StoreConformance, ARecordWithoutAGuardIsNeverTakenOrBurnt) {
  Commit({Put{.key = FlowKey(), .replaces = 0, .value = "kept"}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Take(FlowKey(), "guard", 1).outcome, Outcome::kMismatch);
  EXPECT_EQ(ValueOf(FlowKey()), "kept");
}

TEST_P(StoreConformance, GuardsAreAnyBytes) {
  std::string guard;
  for (int byte = 0; byte < 64; ++byte) guard.push_back(static_cast<char>(byte * 4));
  Put put = GuardedFlow();
  put.guard = guard;
  Commit({put});
  EXPECT_EQ(Take(FlowKey(), std::string(1, '\0'), 5).outcome, Outcome::kMismatch);
  EXPECT_EQ(Take(FlowKey(), guard, 5).outcome, Outcome::kTaken);
}

TEST_P(StoreConformance, AnExpiredRecordCannotBeTaken) {
  Put put = GuardedFlow();
  put.ttl = Moment();
  Commit({put});
  Pass(Moment());
  EXPECT_EQ(Take(FlowKey(), "guard").outcome, Outcome::kAbsent);
}

TEST_P(DurableStoreConformance, WhatWasTakenIsGoneAfterReopeningAndMismatchesAreRemembered) {
  Commit({GuardedFlow()});
  for (int i = 0; i < 4; ++i) Take(FlowKey(), "wrong", 5);
  Reopen();
  EXPECT_EQ(Take(FlowKey(), "wrong", 5).outcome, Outcome::kMismatch);
  EXPECT_EQ(ValueOf(FlowKey()), "(absent)");
  Commit({GuardedFlow()});
  Take(FlowKey(), "guard");
  Reopen();
  EXPECT_EQ(Take(FlowKey(), "guard").outcome, Outcome::kAbsent);
}

}  // namespace
}  // namespace grantkeep::testing
