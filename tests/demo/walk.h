// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_DEMO_WALK_H_
#define GRANTKEEP_TESTS_DEMO_WALK_H_

#include <filesystem>

#include "absl/status/status.h"
#include "tests/demo/house.h"
#include "tests/demo/narrator.h"

namespace grantkeep::demo {

// Walks through what the service does, telling each step and its time: StartAuth, sign-in,
// CompleteAuth, Refresh from memory, an expired token refreshed, a static secret, a refused flow,
// and the search for plaintext in everything that the daemon wrote. Ends the daemon before the
// search. Fails at the first step that does not go as it should.
absl::Status Walk(const Narrator& narrator, House& house, const std::filesystem::path& folder,
                  const std::filesystem::path& data);

}  // namespace grantkeep::demo

#endif  // GRANTKEEP_TESTS_DEMO_WALK_H_
