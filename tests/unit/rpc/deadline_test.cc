// SPDX-License-Identifier: Apache-2.0
#include "rpc/deadline.h"

#include <gtest/gtest.h>

namespace grantkeep::rpc {
namespace {

using std::chrono::seconds;

gpr_timespec In(int64_t seconds) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(seconds, GPR_TIMESPAN));
}

TEST(DeadlineIn, IsAsFarAwayAsTheCallersOwn) {
  const Tick now = Tick(std::chrono::hours(1));
  const Tick deadline = DeadlineIn(In(5), now);
  EXPECT_LE(deadline, now + seconds(5));
  EXPECT_GT(deadline, now + seconds(4));
  EXPECT_LE(DeadlineIn(In(-5), now), now - seconds(5)) << "one that has passed stays so";
}

TEST(DeadlineIn, WithoutOneIsTheDefault) {
  const Tick now = Tick(std::chrono::hours(1));
  EXPECT_EQ(DeadlineIn(gpr_inf_future(GPR_CLOCK_MONOTONIC), now), now + kDefaultDeadline);
}

TEST(DeadlineIn, AThousandYearsOrMoreDoesNotOverflow) {
  const Tick now = Tick(std::chrono::hours(1));
  for (const int64_t years : {1000LL, 100'000LL, 1'000'000'000LL}) {
    EXPECT_EQ(DeadlineIn(In(years * 365 * 24 * 60 * 60), now), now + kLongestDeadline) << years;
  }
}

}  // namespace
}  // namespace grantkeep::rpc
