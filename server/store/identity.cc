// SPDX-License-Identifier: Apache-2.0
#include "store/identity.h"

#include <fmt/format.h>

#include <array>

namespace grantkeep {
namespace {

std::string RandomId(Random& random) {
  std::array<uint8_t, 16> bytes{};
  random.Fill(bytes);
  std::string id;
  for (const uint8_t byte : bytes) id += fmt::format("{:02x}", byte);
  return id;
}

}  // namespace

StoreIdentity NewIdentity(Random& random) { return {.id = RandomId(random), .epoch = 1}; }

StoreIdentity NextIdentity(StoreIdentity identity, Adoption as, Random& random) {
  ++identity.epoch;
  if (as == Adoption::kClone) {
    identity.cloned_from = identity.id;
    identity.id = RandomId(random);
    identity.cloned_in = identity.epoch;
  } else {
    identity.restored_in = identity.epoch;
  }
  return identity;
}

}  // namespace grantkeep
