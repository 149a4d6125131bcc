// SPDX-License-Identifier: Apache-2.0
#include "net/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grantkeep {
namespace {

boost::asio::ip::address Address(const char* text) { return boost::asio::ip::make_address(text); }

CidrBlock Block(std::string_view text) {
  absl::StatusOr<CidrBlock> block = CidrBlock::Parse(text);
  EXPECT_TRUE(block.ok()) << text;
  return *block;
}

class SpecialUse : public ::testing::TestWithParam<const char*> {};
TEST_P(SpecialUse, IsRefused) { EXPECT_TRUE(IsSpecialUse(Address(GetParam()))); }

// First and last address of every range.
INSTANTIATE_TEST_SUITE_P(V4, SpecialUse,
                         ::testing::Values("0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255",
                                           "100.64.0.0", "100.127.255.255", "127.0.0.0", "127.0.0.1",
                                           "127.255.255.255", "169.254.0.0", "169.254.169.254",
                                           "169.254.255.255", "172.16.0.0", "172.31.255.255", "192.0.0.0",
                                           "192.0.0.255", "192.0.2.0", "192.0.2.255", "192.88.99.0",
                                           "192.88.99.255", "192.168.0.0", "192.168.255.255", "198.18.0.0",
                                           "198.19.255.255", "198.51.100.0", "198.51.100.255", "203.0.113.0",
                                           "203.0.113.255", "224.0.0.0", "239.255.255.255", "240.0.0.0",
                                           "255.255.255.255"));
INSTANTIATE_TEST_SUITE_P(V6, SpecialUse,
                         ::testing::Values("::", "::1", "::2", "100::", "100::ffff:ffff:ffff:ffff",
                                           "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
                                           "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                                           "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
                                           "5f00::", "5f00:ffff::1", "fc00::", "fd00:ec2::254", "fdff::1",
                                           "fe80::1", "febf::1", "fec0::1", "feff::1", "ff00::", "ff02::1",
                                           "ffff::1", "4000::1", "1fff::1"));
// The embedded IPv4 address decides, however it is wrapped.
INSTANTIATE_TEST_SUITE_P(Embedded, SpecialUse,
                         ::testing::Values("::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:169.254.169.254",
                                           "::ffff:0.0.0.0", "::ffff:255.255.255.255", "::ffff:100.64.0.1",
                                           "64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1",
                                           "64:ff9b::169.254.169.254", "2002:7f00:1::", "2002:a00:1::1",
                                           "2002:c0a8:101::1",
                                           // Always special: IPv4-compatible and the local-use NAT64 prefix.
                                           "::10.0.0.1", "::8.8.8.8", "64:ff9b:1::8.8.8.8",
                                           "64:ff9b:1:ffff::1"));

class PublicAddress : public ::testing::TestWithParam<const char*> {};
TEST_P(PublicAddress, IsNotSpecialUse) { EXPECT_FALSE(IsSpecialUse(Address(GetParam()))); }

// The neighbours of the ranges above.
INSTANTIATE_TEST_SUITE_P(All, PublicAddress,
                         ::testing::Values("1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255",
                                           "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
                                           "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255",
                                           "192.0.1.0", "192.0.3.0", "192.88.98.255", "192.88.100.0",
                                           "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
                                           "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0",
                                           "223.255.255.255", "8.8.8.8", "2000::1", "2001:200::1",
                                           "2001:4860:4860::8888", "2001:db7:ffff::1", "2001:db9::1",
                                           "2606:4700::1111", "3ffe:ffff::1", "3fff:1000::1",
                                           "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"));

struct CidrCase {
  const char* block;
  const char* inside;
  const char* outside;
};
class CidrTest : public ::testing::TestWithParam<CidrCase> {};

TEST_P(CidrTest, ContainsExactlyItsRange) {
  const CidrBlock block = Block(GetParam().block);
  EXPECT_TRUE(block.Contains(Address(GetParam().inside)));
  EXPECT_FALSE(block.Contains(Address(GetParam().outside)));
}

INSTANTIATE_TEST_SUITE_P(
    All, CidrTest,
    ::testing::Values(CidrCase{"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
                      CidrCase{"10.1.2.3/32", "10.1.2.3", "10.1.2.2"},
                      CidrCase{"0.0.0.0/0", "255.255.255.255", "::1"},
                      CidrCase{"172.16.0.0/12", "172.31.0.1", "172.32.0.1"},
                      CidrCase{"192.168.1.128/25", "192.168.1.200", "192.168.1.127"},
                      CidrCase{"10.0.0.0/8", "::ffff:10.0.0.1", "::ffff:11.0.0.1"},
                      CidrCase{"10.0.0.0/8", "::ffff:10.0.0.1", "::10.0.0.1"},
                      CidrCase{"fd00::/8", "fdff::1", "fc00::1"},
                      CidrCase{"fd12:3456::/33", "fd12:3456:7fff::1", "fd12:3456:8000::"},
                      CidrCase{"::1/128", "::1", "::2"}, CidrCase{"::/0", "ffff::", "10.0.0.1"}));

TEST(CidrParseTest, MalformedBlocksAreRefusedWithTheReason) {
  for (const char* text :
       {"", "/", "10.0.0.0", "10.0.0.0/", "/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08",
        "10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0.0/8x", "10.0.0.0/8/8", "10.0.0/8", "010.0.0.0/8", "localhost/8",
        "::/129", "fe80::1%1/128", "10.0.0.0/4294967304"}) {
    EXPECT_EQ(CidrBlock::Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  for (const char* text : {"10.0.0.1/8", "192.168.1.129/25", "fd00::1/8", "::1/127"}) {
    EXPECT_THAT(std::string(CidrBlock::Parse(text).status().message()),
                ::testing::HasSubstr("bits are set beyond the length"))
        << text;
  }
}

TEST(MayConnectTest, SpecialUseNeedsToBeAllowedByABlockThatHasIt) {
  const std::vector<CidrBlock> allowed = {Block("10.1.0.0/16"), Block("fd00::/8")};
  EXPECT_TRUE(MayConnect(Address("8.8.8.8"), {}));
  EXPECT_TRUE(MayConnect(Address("8.8.8.8"), allowed));
  EXPECT_FALSE(MayConnect(Address("10.1.0.1"), {}));
  EXPECT_TRUE(MayConnect(Address("10.1.0.1"), allowed));
  EXPECT_TRUE(MayConnect(Address("::ffff:10.1.0.1"), allowed));
  EXPECT_FALSE(MayConnect(Address("10.2.0.1"), allowed));
  EXPECT_TRUE(MayConnect(Address("fd12::1"), allowed));
  EXPECT_FALSE(MayConnect(Address("fe80::1"), allowed));
}

}  // namespace
}  // namespace grantkeep
