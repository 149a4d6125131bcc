// SPDX-License-Identifier: Apache-2.0
// How much a provider is asked, by whom first, and when it is left alone.
#include "refresh/provider_budget.h"

#include <gtest/gtest.h>

#include "base/reason.h"
#include "net/loop.h"
#include "tests/unit/refresh/refresher_fixture.h"

namespace grantkeep {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Result = CircuitBreaker::Result;
using Taken = std::shared_ptr<std::optional<absl::StatusOr<RequestPermit>>>;

constexpr Tick kBegin{std::chrono::hours(1)};

TEST(RequestRate, NoSecondHasMoreThanTheLimitWheneverItBegins) {
  RequestRate rate;
  // After a rest, too.
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(rate.ReadyAt(3, kBegin + milliseconds(100 * i)), kBegin + milliseconds(100 * i));
    rate.Add(kBegin + milliseconds(100 * i));
  }
  EXPECT_EQ(rate.ReadyAt(3, kBegin + milliseconds(300)), kBegin + seconds(1));
  EXPECT_EQ(rate.ReadyAt(2, kBegin + milliseconds(300)), kBegin + milliseconds(1100))
      << "a smaller share waits longer";
  rate.Remove(kBegin + milliseconds(100));
  EXPECT_EQ(rate.ReadyAt(3, kBegin + milliseconds(300)), kBegin + milliseconds(300))
      << "what was not sent does not count";
}

TEST(Breaker, TenFailuresInARowOverHalfASecondOpenIt) {
  CircuitBreaker breaker;
  for (int i = 0; i < 9; ++i)
    EXPECT_FALSE(breaker.End(0, Result::kFailed, 0.5, kBegin + milliseconds(100 * i)));
  EXPECT_TRUE(breaker.MayBegin(kBegin + milliseconds(800)));
  EXPECT_TRUE(breaker.End(0, Result::kFailed, 0.5, kBegin + milliseconds(900)));
  EXPECT_FALSE(breaker.MayBegin(kBegin + milliseconds(901)));
  EXPECT_EQ(breaker.ComeBackAfter(kBegin + milliseconds(900)), seconds(1));
  EXPECT_TRUE(breaker.MayBegin(kBegin + milliseconds(1900)));
}

TEST(Breaker, ManyFailuresAtOnceAreOneTrouble) {
  CircuitBreaker breaker;
  for (int i = 0; i < 100; ++i) breaker.End(0, Result::kFailed, 0.5, kBegin + milliseconds(i));
  EXPECT_TRUE(breaker.MayBegin(kBegin + milliseconds(100))) << "connections that were reset together";
  EXPECT_TRUE(breaker.End(0, Result::kFailed, 0.5, kBegin + milliseconds(500)));
}

TEST(Breaker, AnAnswerInBetweenBeginsTheCountAnew) {
  CircuitBreaker breaker;
  for (int i = 0; i < 1000; ++i) {
    const bool fails = i % 10 != 9;
    EXPECT_FALSE(breaker.End(0, fails ? Result::kFailed : Result::kAnswered, 0.5, kBegin + seconds(i)));
  }
}

class OpenBreaker : public ::testing::Test {
 protected:
  OpenBreaker() {
    for (int i = 0; i < 10; ++i) breaker_.End(0, Result::kFailed, 0.5, kBegin + milliseconds(100 * i));
    now_ = kBegin + milliseconds(1900);
  }
  CircuitBreaker breaker_;
  Tick now_;
};

TEST_F(OpenBreaker, AFewProbesMayTry) {
  for (int i = 0; i < CircuitBreaker::kProbes; ++i) {
    ASSERT_TRUE(breaker_.MayBegin(now_));
    breaker_.Begin(now_);
  }
  EXPECT_FALSE(breaker_.MayBegin(now_));
  EXPECT_FALSE(breaker_.MayBegin(now_ + seconds(20)));
}

TEST_F(OpenBreaker, OneAnswerClosesIt) {
  const auto first = breaker_.Begin(now_);
  const auto second = breaker_.Begin(now_);
  EXPECT_FALSE(breaker_.End(first, Result::kFailed, 0.5, now_));
  breaker_.End(second, Result::kAnswered, 0.5, now_);
  EXPECT_TRUE(breaker_.is_closed());
  EXPECT_TRUE(breaker_.MayBegin(now_));
}

TEST_F(OpenBreaker, WhenAllProbesFailThePauseDoublesUpToItsLimit) {
  for (const int pause : {2, 4, 8, 16, 30, 30}) {
    for (int i = 0; i < CircuitBreaker::kProbes; ++i) {
      const auto ticket = breaker_.Begin(now_);
      EXPECT_EQ(breaker_.End(ticket, Result::kFailed, 0.5, now_), i == CircuitBreaker::kProbes - 1);
    }
    EXPECT_EQ(breaker_.ComeBackAfter(now_), seconds(pause));
    now_ += seconds(pause);
  }
}

TEST_F(OpenBreaker, AProbeThatWasNotSentLeavesItsPlaceToAnother) {
  for (int i = 0; i < 10; ++i) breaker_.End(breaker_.Begin(now_), Result::kUnused, 0.5, now_);
  EXPECT_TRUE(breaker_.MayBegin(now_));
  EXPECT_FALSE(breaker_.is_closed());
}

TEST_F(OpenBreaker, FailuresOfRequestsFromBeforeDoNotProlongIt) {
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(breaker_.End(0, Result::kFailed, 0.5, now_ - milliseconds(1)));
  EXPECT_TRUE(breaker_.MayBegin(now_));
}

TEST(Pause, A429IsAboutItsGrantUntilThreeGrantsAreToldSo) {
  Throttling throttling;
  for (int i = 0; i < 5; ++i) throttling.Throttled(GrantId("a"), seconds(60), kBegin);
  throttling.Throttled(GrantId("b"), seconds(60), kBegin);
  EXPECT_LT(throttling.paused_until(), kBegin);
  throttling.Throttled(GrantId("c"), seconds(30), kBegin + seconds(1));
  EXPECT_EQ(throttling.paused_until(), kBegin + seconds(31));
}

TEST(Pause, Three429sFarApartAreAboutTheirGrants) {
  Throttling throttling;
  for (const char* id : {"a", "b", "c", "d"}) {
    throttling.Throttled(GrantId(id), seconds(60), kBegin + (id[0] - 'a') * seconds(6));
  }
  EXPECT_LT(throttling.paused_until(), kBegin);
}

// Some providers limit each user: of many, a few have always had too much.
TEST(Pause, A429InEveryThirdAnswerIsAboutItsGrant) {
  Throttling throttling;
  for (int i = 0; i < 300; ++i) {
    throttling.Throttled(GrantId(std::to_string(i)), seconds(60), kBegin);
    throttling.Answered(kBegin);
    throttling.Answered(kBegin);
  }
  EXPECT_LT(throttling.paused_until(), kBegin);
}

TEST(Pause, AfterAThousandRightAnswersElevenGrantsAreEnough) {
  Throttling throttling;
  for (int i = 0; i < 1000; ++i) throttling.Answered(kBegin);
  for (int i = 0; i < 10; ++i) throttling.Throttled(GrantId(std::to_string(i)), seconds(60), kBegin);
  EXPECT_LT(throttling.paused_until(), kBegin);
  throttling.Throttled(GrantId("k"), seconds(60), kBegin);
  EXPECT_EQ(throttling.paused_until(), kBegin + seconds(60));
}

TEST(Pause, WithoutRetryAfterItDoubles) {
  Throttling throttling;
  Tick now = kBegin;
  for (const int pause : {1, 2, 4, 8, 16, 32, 60, 60}) {
    // Those that were under way together are told the same.
    for (const char* id : {"a", "b", "c"}) throttling.Throttled(GrantId(id), std::nullopt, now);
    EXPECT_EQ(throttling.paused_until(), now + seconds(pause));
    now = throttling.paused_until();
  }
  throttling.Answered(now);
  for (const char* id : {"a", "b", "c"}) throttling.Throttled(GrantId(id), std::nullopt, now);
  EXPECT_EQ(throttling.paused_until(), now + seconds(1)) << "an answer ends the doubling";
}

class Budget : public testing::RefresherTest {
 protected:
  void Start(const std::string& budget) {
    RefresherTest::Start(testing::Yaml("none\n    request_budget: " + budget));
    budget_ = std::make_shared<ProviderBudget>(*rooms_->catalogue->Find(ProviderId("p")), rooms_->clock,
                                               rooms_->random);
  }
  ~Budget() override {
    if (rooms_ != nullptr) rooms_->loop.Stop();
  }
  Taken Take(Urgency urgency, Duration patience = seconds(30)) {
    return Take(std::make_shared<Turn>(urgency, rooms_->clock.Steady() + patience));
  }
  Taken Take(std::shared_ptr<Turn> turn) {
    auto taken = std::make_shared<std::optional<absl::StatusOr<RequestPermit>>>();
    Spawn(rooms_->loop.context(), Keep(budget_->Take(std::move(turn)), taken));
    rooms_->loop.RunReady();
    return taken;
  }
  std::vector<Taken> TakeMany(size_t count, Urgency urgency) {
    std::vector<Taken> taken(count);
    for (Taken& one : taken) one = Take(urgency);
    return taken;
  }
  void Advance(Duration by) {
    rooms_->clock.Advance(by);
    rooms_->loop.RunReady();
  }
  void GiveBack(const Taken& taken) {
    taken->reset();
    rooms_->loop.RunReady();
  }
  static bool Has(const Taken& taken) { return taken->has_value() && (*taken)->ok(); }
  void Fail(const Taken& taken) {
    TokenOutcome outcome;
    outcome.kind = TokenOutcome::Kind::kInDoubt;
    outcome.status = Error(Reason::kProviderError, "reset");
    (**taken)->Report(outcome, GrantId("g"));
    GiveBack(taken);
  }

  std::shared_ptr<ProviderBudget> budget_;

 private:
  static boost::asio::awaitable<void> Keep(boost::asio::awaitable<absl::StatusOr<RequestPermit>> take,
                                           Taken taken) {
    absl::StatusOr<RequestPermit> permit = co_await std::move(take);
    taken->emplace(std::move(permit));
  }
};

TEST_F(Budget, AheadLeavesAFifthToCallers) {
  Start("{per_second: 10, concurrent: 100}");
  std::vector<Taken> taken = TakeMany(10, Urgency::kAhead);
  EXPECT_EQ(std::ranges::count_if(taken, Has), 8);
  for (const bool has : {true, true, false}) {
    taken.push_back(Take(Urgency::kCallerWaits));
    EXPECT_EQ(Has(taken.back()), has) << "ten in all";
  }
}

TEST_F(Budget, AheadLeavesAtLeastOnePlaceFree) {
  Start("{per_second: 1000, concurrent: 2}");
  const Taken first = Take(Urgency::kAhead);
  const Taken second = Take(Urgency::kAhead);
  EXPECT_TRUE(Has(first));
  EXPECT_FALSE(Has(second));
  const Taken caller = Take(Urgency::kCallerWaits);
  EXPECT_TRUE(Has(caller));
  GiveBack(first);
  EXPECT_FALSE(Has(second)) << "one is under way";
  GiveBack(caller);
  EXPECT_TRUE(Has(second));
}

TEST_F(Budget, CallersComeFirst) {
  Start("{per_second: 1000, concurrent: 2}");
  Taken first = Take(Urgency::kCallerWaits);
  Taken second = Take(Urgency::kCallerWaits);
  const Taken ahead = Take(Urgency::kAhead);
  const Taken caller = Take(Urgency::kCallerWaits);
  GiveBack(first);
  EXPECT_TRUE(Has(caller));
  EXPECT_FALSE(Has(ahead));
}

TEST_F(Budget, ACallerWhoJoinsMovesTheFlightUp) {
  Start("{per_second: 1000, concurrent: 2}");
  Taken first = Take(Urgency::kCallerWaits);
  Taken second = Take(Urgency::kCallerWaits);
  const Taken before = Take(Urgency::kAhead);
  const auto turn = std::make_shared<Turn>(Urgency::kAhead, rooms_->clock.Steady() + seconds(1));
  const Taken joined = Take(turn);
  turn->CallerWaits(rooms_->clock.Steady() + seconds(30));
  Advance(seconds(2));
  EXPECT_FALSE(joined->has_value()) << "it has the caller's patience, too";
  GiveBack(first);
  EXPECT_TRUE(Has(joined));
  EXPECT_FALSE(Has(before));
}

TEST_F(Budget, WhoeverQueuesIsServedAsTheSecondsPass) {
  Start("{per_second: 2, concurrent: 100}");
  std::vector<Taken> taken = TakeMany(7, Urgency::kCallerWaits);
  for (const int served : {2, 4, 6, 7}) {
    EXPECT_EQ(std::ranges::count_if(taken, Has), served);
    Advance(seconds(1));
  }
}

TEST_F(Budget, WhoCannotHaveItsTurnInTimeIsToldAtOnce) {
  Start("{per_second: 1, concurrent: 100}");
  std::vector<Taken> taken = TakeMany(3, Urgency::kCallerWaits);
  const Taken hasty = Take(Urgency::kCallerWaits, milliseconds(1500));
  ASSERT_TRUE(hasty->has_value());
  EXPECT_TRUE(HasReason((*hasty)->status(), Reason::kProviderThrottled)) << (*hasty)->status();
  EXPECT_GE(RetryAfterOf((*hasty)->status()), seconds(1));
}

TEST_F(Budget, WhoseTurnDoesNotComeIsToldAtItsDeadline) {
  Start("{per_second: 1000, concurrent: 1}");
  const Taken first = Take(Urgency::kCallerWaits);
  const Taken second = Take(Urgency::kCallerWaits, seconds(5));
  Advance(seconds(5));
  ASSERT_TRUE(second->has_value());
  EXPECT_TRUE(HasReason((*second)->status(), Reason::kProviderThrottled));
  EXPECT_TRUE(RetryAfterOf((*second)->status()).has_value());
}

TEST_F(Budget, WhatIsNotUsedIsGivenBackWhole) {
  Start("{per_second: 1, concurrent: 1}");
  for (int i = 0; i < 5; ++i) {
    const Taken taken = Take(Urgency::kCallerWaits);
    EXPECT_TRUE(Has(taken));
    GiveBack(taken);
  }
}

TEST_F(Budget, ThoseWhoQueueAreToldAtOnceThatTheProviderDoesNotAnswer) {
  Start("{per_second: 1000, concurrent: 10}");
  std::vector<Taken> taken = TakeMany(10, Urgency::kCallerWaits);
  const Taken queued = Take(Urgency::kCallerWaits);
  Fail(taken[0]);
  GiveBack(queued);
  const Taken again = Take(Urgency::kCallerWaits);
  Advance(seconds(1));
  for (int i = 1; i < 9; ++i) Fail(taken[i]);
  std::vector<Taken> more = TakeMany(8, Urgency::kCallerWaits);
  const Taken waits = Take(Urgency::kCallerWaits);
  EXPECT_FALSE(waits->has_value());
  Fail(taken[9]);
  for (const Taken& told : {waits, Take(Urgency::kAhead)}) {
    ASSERT_TRUE(told->has_value());
    EXPECT_TRUE(HasReason((*told)->status(), Reason::kProviderError)) << (*told)->status();
    EXPECT_TRUE(RetryAfterOf((*told)->status()).has_value());
  }
  EXPECT_GT(budget_->ClosedUntil(rooms_->clock.Steady()), rooms_->clock.Steady());
}

}  // namespace
}  // namespace grantkeep
