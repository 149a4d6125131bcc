// SPDX-License-Identifier: Apache-2.0
// A provider that does not answer for ten minutes, and many callers on one grant.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "base/reason.h"
#include "tests/unit/refresh/due_work_fixture.h"

namespace grantkeep {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Yaml;
using Result = absl::StatusOr<AccessToken>;

class ProviderOutage : public testing::DueWorkTest {};

TEST_F(ProviderOutage, OfTenMinutesCostsNoValidTokenAndEndsWithinTheBudget) {
  constexpr int kGrants = 200;
  constexpr size_t kBudget = 10;
  Start(Yaml("strict\n    request_budget: {per_second: 10, concurrent: 64}"));
  // They expire one after the other, from 3 min to 13 min from now.
  for (int i = 0; i < kGrants; ++i) Keep("g" + std::to_string(i), minutes(3) + seconds(3) * i);
  provider_answers_ = false;
  due_work_->Start();
  const Tick begin = rooms_->clock.Steady();
  int served = 0;
  int refused = 0;
  const auto call_all = [&] {
    for (int i = 0; i < kGrants; ++i) {
      const bool valid = rooms_->clock.Steady() - begin < minutes(3) + seconds(3) * i;
      RefreshRequest request = RequestFor("g" + std::to_string(i));
      request.min_ttl = Duration(0);
      std::optional<Result> answer = refresher_->FromMemory(request);
      if (!answer.has_value()) {
        EXPECT_FALSE(valid) << i << ": a valid token is served from memory";
        const auto call = rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(), request));
        Settle();
        ASSERT_TRUE(call->has_value()) << "it is told at once";
        answer = std::move(**call);
      }
      EXPECT_EQ(answer->ok(), valid) << i << ": " << answer->status();
      if (answer->ok()) {
        ++served;
        continue;
      }
      ++refused;
      EXPECT_EQ(answer->status().code(), absl::StatusCode::kUnavailable) << answer->status();
      EXPECT_TRUE(RetryAfterOf(answer->status()).has_value()) << answer->status();
    }
  };
  for (int minute = 0; minute < 10; ++minute) {
    Pass(minutes(1));
    call_all();
  }
  std::cout << served << " served, " << refused << " refused, " << asked_.size() << " requests" << std::endl;
  EXPECT_GT(served, 0);
  EXPECT_GT(refused, 0);
  EXPECT_LT(asked_.size(), 400u) << "a provider that is down is not asked for each of them";

  asked_.clear();
  provider_answers_ = true;
  Pass(minutes(2) + seconds(10));
  EXPECT_LE(MostInASecond(), kBudget);
  for (int i = 0; i < kGrants; ++i) {
    EXPECT_GE(GenerationOf("g" + std::to_string(i)), 2u) << i;
    EXPECT_TRUE((*refresher_->FromMemory(RequestFor("g" + std::to_string(i)))).ok()) << i;
  }
}

class ThousandCallers : public testing::DueWorkTest {
 protected:
  static constexpr int kCallers = 1000;

  // Until all have their answers; how long that took after `go`.
  microseconds TimeOf(const std::function<void()>& go) {
    std::vector<std::shared_ptr<std::optional<Result>>> calls;
    calls.reserve(kCallers);
    for (int i = 0; i < kCallers; ++i) {
      calls.push_back(rooms_->loop.Start(refresher_->Refresh(rooms_->NewCall(), Request())));
    }
    Settle();
    const auto begin = std::chrono::steady_clock::now();
    go();
    for (const auto& call : calls) rooms_->loop.RunUntil([&] { return call->has_value(); });
    const auto end = std::chrono::steady_clock::now();
    for (const auto& call : calls) EXPECT_TRUE((*call)->ok()) << (*call)->status();
    return std::chrono::duration_cast<microseconds>(end - begin);
  }
};

TEST_F(ThousandCallers, OnOneExpiredGrantCostOneRequestAndAreAnsweredWithIt) {
  Start(testing::kStrict);
  Keep("g", seconds(60));
  Leap(seconds(61));
  rooms_->http.Hold();
  const microseconds waited = TimeOf([&] { rooms_->http.Release(); });
  EXPECT_EQ(asked_.size(), 1u);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kCallers; ++i) EXPECT_TRUE(refresher_->FromMemory(Request())->ok());
  const auto from_memory = std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now() - begin);
  std::cout << "a thousand answers: " << waited.count() << " us after the provider's, " << from_memory.count()
            << " us from memory" << std::endl;
  EXPECT_LT(waited, milliseconds(5) + 3 * from_memory);
}

}  // namespace
}  // namespace grantkeep
