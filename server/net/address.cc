// SPDX-License-Identifier: Apache-2.0
#include "net/address.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>
#include <charconv>
#include <cstdint>
#include <span>
#include <string>

namespace grantkeep {
namespace {

using boost::asio::ip::address;
using boost::asio::ip::address_v4;
using boost::asio::ip::address_v6;

// A range as it is written in the tables below; IPv4 uses the first four bytes.
struct Range {
  std::array<uint8_t, 16> network;
  int prefix_length;
};

bool SamePrefix(std::span<const uint8_t> a, std::span<const uint8_t> b, int bits) {
  const size_t whole = static_cast<size_t>(bits) / 8;
  for (size_t i = 0; i < whole; ++i) {
    if (a[i] != b[i]) return false;
  }
  const int rest = bits % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

// The IANA IPv4 Special-Purpose Address Registry without the entries that are globally
// reachable, plus multicast (RFC 5771) and the deprecated 6to4 relays (RFC 7526).
constexpr Range kSpecialV4[] = {
    {{0, 0, 0, 0}, 8},        // "this network"
    {{10, 0, 0, 0}, 8},       // private use
    {{100, 64, 0, 0}, 10},    // shared address space of carrier-grade NAT
    {{127, 0, 0, 0}, 8},      // loopback
    {{169, 254, 0, 0}, 16},   // link local, cloud metadata services among them
    {{172, 16, 0, 0}, 12},    // private use
    {{192, 0, 0, 0}, 24},     // IETF protocol assignments
    {{192, 0, 2, 0}, 24},     // documentation
    {{192, 88, 99, 0}, 24},   // 6to4 relays
    {{192, 168, 0, 0}, 16},   // private use
    {{198, 18, 0, 0}, 15},    // benchmarking
    {{198, 51, 100, 0}, 24},  // documentation
    {{203, 0, 113, 0}, 24},   // documentation
    {{224, 0, 0, 0}, 4},      // multicast
    {{240, 0, 0, 0}, 4},      // reserved, and the limited broadcast address
};

// IPv6 addresses that carry the IPv4 address which a packet ends up at.
constexpr Range kMapped = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};  // ::ffff:0:0/96
constexpr Range kNat64 = {{0x00, 0x64, 0xff, 0x9b}, 96};                     // 64:ff9b::/96
constexpr Range k6to4 = {{0x20, 0x02}, 16};                                  // 2002::/16

// All global unicast addresses that IANA has given out. What lies outside (unspecified,
// loopback, IPv4-compatible, 64:ff9b:1::/48, 100::/64, 5f00::/16, fc00::/7, fe80::/10,
// fec0::/10, ff00::/8 and the unassigned rest) is special, or nobody's.
constexpr Range kGlobalUnicast = {{0x20}, 3};  // 2000::/3

constexpr Range kSpecialInGlobalUnicast[] = {
    {{0x20, 0x01, 0x00}, 23},        // 2001::/23: IETF protocol assignments, Teredo among them
    {{0x20, 0x01, 0x0d, 0xb8}, 32},  // 2001:db8::/32: documentation
    {{0x3f, 0xff, 0x00}, 20},        // 3fff::/20: documentation
};

bool In(const address_v4& address, const Range& range) {
  return SamePrefix(address.to_bytes(), range.network, range.prefix_length);
}

bool In(const address_v6& address, const Range& range) {
  return SamePrefix(address.to_bytes(), range.network, range.prefix_length);
}

address_v4 EmbeddedV4(const address_v6& address, size_t offset) {
  const address_v6::bytes_type bytes = address.to_bytes();
  return address_v4({bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]});
}

bool IsSpecialV4(const address_v4& address) {
  for (const Range& range : kSpecialV4) {
    if (In(address, range)) return true;
  }
  return false;
}

bool IsSpecialV6(const address_v6& address) {
  if (In(address, kMapped) || In(address, kNat64)) return IsSpecialV4(EmbeddedV4(address, 12));
  if (In(address, k6to4)) return IsSpecialV4(EmbeddedV4(address, 2));
  if (!In(address, kGlobalUnicast)) return true;
  for (const Range& range : kSpecialInGlobalUnicast) {
    if (In(address, range)) return true;
  }
  return false;
}

absl::Status Malformed(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(fmt::format("'{}' is not an address range: {}", text, why));
}

// Whether `network` has a bit set behind its first `bits`.
template <typename Bytes>
bool HasHostBits(const Bytes& network, int bits) {
  for (int i = bits; i < static_cast<int>(network.size()) * 8; ++i) {
    if ((network[static_cast<size_t>(i) / 8] >> (7 - i % 8)) & 1) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<CidrBlock> CidrBlock::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return Malformed(text, "expected ADDRESS/LENGTH");
  boost::system::error_code error;
  CidrBlock block;
  block.network = boost::asio::ip::make_address(std::string(text.substr(0, slash)), error);
  if (error || (block.network.is_v6() && block.network.to_v6().scope_id() != 0)) {
    return Malformed(text, "the address is malformed");
  }
  const std::string_view digits = text.substr(slash + 1);
  const auto [end, failure] =
      std::from_chars(digits.data(), digits.data() + digits.size(), block.prefix_length);
  const int longest = block.network.is_v4() ? 32 : 128;
  if (failure != std::errc() || end != digits.data() + digits.size() || block.prefix_length < 0 ||
      block.prefix_length > longest || (digits.size() > 1 && digits[0] == '0')) {
    return Malformed(text, fmt::format("the length must be a number from 0 to {}", longest));
  }
  const bool host_bits = block.network.is_v4()
                             ? HasHostBits(block.network.to_v4().to_bytes(), block.prefix_length)
                             : HasHostBits(block.network.to_v6().to_bytes(), block.prefix_length);
  if (host_bits) return Malformed(text, "bits are set beyond the length");
  return block;
}

bool CidrBlock::Contains(const address& candidate) const {
  if (network.is_v4()) {
    if (candidate.is_v4()) {
      return SamePrefix(candidate.to_v4().to_bytes(), network.to_v4().to_bytes(), prefix_length);
    }
    const address_v6 v6 = candidate.to_v6();
    return In(v6, kMapped) &&
           SamePrefix(EmbeddedV4(v6, 12).to_bytes(), network.to_v4().to_bytes(), prefix_length);
  }
  return candidate.is_v6() &&
         SamePrefix(candidate.to_v6().to_bytes(), network.to_v6().to_bytes(), prefix_length);
}

bool IsSpecialUse(const address& candidate) {
  return candidate.is_v4() ? IsSpecialV4(candidate.to_v4()) : IsSpecialV6(candidate.to_v6());
}

bool MayConnect(const address& candidate, const std::vector<CidrBlock>& allowed) {
  if (!IsSpecialUse(candidate)) return true;
  for (const CidrBlock& block : allowed) {
    if (block.Contains(candidate)) return true;
  }
  return false;
}

}  // namespace grantkeep
