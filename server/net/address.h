// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_NET_ADDRESS_H_
#define GRANTKEEP_NET_ADDRESS_H_

#include <boost/asio/ip/address.hpp>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace grantkeep {

// A range of IP addresses ("10.0.0.0/8", "fd00::/8").
struct CidrBlock {
  boost::asio::ip::address network;
  int prefix_length = 0;

  // Fails when `text` is not ADDRESS/LENGTH or has bits set beyond the length.
  static absl::StatusOr<CidrBlock> Parse(std::string_view text);
  // An IPv4-mapped IPv6 address is in a block that has its IPv4 address.
  bool Contains(const boost::asio::ip::address& address) const;
};

// Whether `address` is outside the public Internet: the special-use ranges of RFC 6890 and its
// successors (private, CGNAT, link-local, loopback, documentation, multicast, reserved, unique
// local), and IPv6 space that IANA has not given out. IPv4-mapped, NAT64 (64:ff9b::/96) and 6to4
// addresses are judged by the IPv4 address they lead to; all of 64:ff9b:1::/48 is special.
bool IsSpecialUse(const boost::asio::ip::address& address);

// Whether a connection to `address` is allowed: not special-use, or inside one of `allowed`.
bool MayConnect(const boost::asio::ip::address& address, const std::vector<CidrBlock>& allowed);

}  // namespace grantkeep

#endif  // GRANTKEEP_NET_ADDRESS_H_
