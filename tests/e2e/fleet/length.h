// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_E2E_FLEET_LENGTH_H_
#define GRANTKEEP_TESTS_E2E_FLEET_LENGTH_H_

#include <cstdlib>
#include <string_view>

namespace grantkeep::testing {

// `longer` with GRANTKEEP_FLEET_LENGTH=long in the environment, as the tests labelled long have it.
template <typename T>
T ByLength(T shorter, T longer) {
  const char* const length = std::getenv("GRANTKEEP_FLEET_LENGTH");
  return length != nullptr && std::string_view(length) == "long" ? longer : shorter;
}

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_E2E_FLEET_LENGTH_H_
