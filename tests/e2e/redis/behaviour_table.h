// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_E2E_REDIS_BEHAVIOUR_TABLE_H_
#define GRANTKEEP_TESTS_E2E_REDIS_BEHAVIOUR_TABLE_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace grantkeep::testing {

// What each call answers, in the words of the table: column and cell, in the table's order.
using Behaviour = std::vector<std::pair<std::string, std::string>>;

// The behaviour table of docs/redis.md, by the name of the test of each row: "Down at start" is held by
// DownAtStart. Throws std::runtime_error when there is no such table.
std::map<std::string, Behaviour> ReadBehaviourTable();

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_E2E_REDIS_BEHAVIOUR_TABLE_H_
