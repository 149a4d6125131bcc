// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_CONFORMANCE_CRASH_RECORDS_H_
#define GRANTKEEP_TESTS_CONFORMANCE_CRASH_RECORDS_H_

#include <fmt/format.h>

#include <string>

#include "store/store.h"

namespace grantkeep::testing {

// What the program that is killed writes, and the test then looks for: pairs of records, both
// written by one commit, so that they always have the same revision.
inline constexpr int kCrashWriters = 8;

inline Key CrashKey(int writer, char half) {
  return Key::Under(Kind::kGrant, TenantId("acme"), fmt::format("{}", writer),
                    fmt::format("{}{}", writer, half));
}

// Differs with every revision, and from small to several pages long.
inline std::string CrashValue(const Key& key, Revision revision) {
  return fmt::format("{}:{}:", key.id, revision) + std::string(revision * 37 % 9000, 'v');
}

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_CONFORMANCE_CRASH_RECORDS_H_
