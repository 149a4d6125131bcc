// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_E2E_HEALTH_H_
#define GRANTKEEP_TESTS_E2E_HEALTH_H_

#include <optional>
#include <string>

namespace grantkeep::testing {

// What grpc.health.v1 says of `service` at a daemon: whether it is serving; nothing when there is no
// answer.
std::optional<bool> HealthOf(const std::string& address, const std::string& service);

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_E2E_HEALTH_H_
