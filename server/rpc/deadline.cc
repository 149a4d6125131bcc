// SPDX-License-Identifier: Apache-2.0
#include "rpc/deadline.h"

namespace grantkeep::rpc {

Tick DeadlineIn(gpr_timespec deadline, Tick now) {
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) return now + kDefaultDeadline;
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  if (left.tv_sec >= std::chrono::duration_cast<std::chrono::seconds>(kLongestDeadline).count()) {
    return now + kLongestDeadline;
  }
  return now + std::chrono::seconds(left.tv_sec) + std::chrono::nanoseconds(left.tv_nsec);
}

}  // namespace grantkeep::rpc
