// SPDX-License-Identifier: Apache-2.0
#include "net/connect_rules.h"

#include <fmt/format.h>

#include <algorithm>

namespace grantkeep {

bool ConnectRules::Allow(const boost::asio::ip::address& address) const {
  return (allow_loopback && address.is_loopback()) || MayConnect(address, allow_private);
}

std::string ConnectRules::Key() const {
  std::vector<std::string> blocks;
  blocks.reserve(allow_private.size());
  for (const CidrBlock& block : allow_private) {
    blocks.push_back(fmt::format("{}/{}", block.network.to_string(), block.prefix_length));
  }
  std::ranges::sort(blocks);
  const auto repeated = std::ranges::unique(blocks);
  blocks.erase(repeated.begin(), repeated.end());
  return fmt::format("{} {}", allow_loopback ? "loopback" : "-", fmt::join(blocks, " "));
}

}  // namespace grantkeep
