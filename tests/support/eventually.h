// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_EVENTUALLY_H_
#define GRANTKEEP_TESTS_SUPPORT_EVENTUALLY_H_

#include <chrono>
#include <functional>
#include <thread>

namespace grantkeep::testing {

// Tries `condition` every 10 ms until it holds; false when it does not within `limit`. For what
// only time can bring about in another process, such as the expiry of a token. Without the pause the
// tries would take the processor from the very process that they wait for.
inline bool Eventually(const std::function<bool()>& condition,
                       std::chrono::seconds limit = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_SUPPORT_EVENTUALLY_H_
