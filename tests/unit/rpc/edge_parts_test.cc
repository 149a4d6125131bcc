// SPDX-License-Identifier: Apache-2.0
// The small parts of the edge: reading messages, counting CPUs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "grantkeep/v1/auth.pb.h"
#include "rpc/cgroup.h"
#include "rpc/charset.h"
#include "rpc/convert.h"
#include "rpc/poller.h"
#include "rpc/wire.h"

namespace grantkeep::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

grpc::ByteBuffer Bytes(const std::vector<std::string>& pieces) {
  std::vector<grpc::Slice> slices;
  for (const std::string& piece : pieces) slices.emplace_back(piece);
  return grpc::ByteBuffer(slices.data(), slices.size());
}

TEST(Wire, AMessageMayArriveInAnyNumberOfPieces) {
  v1::RefreshRequest sent;
  sent.set_tenant("acme");
  sent.set_subject("u");
  const std::string bytes = sent.SerializeAsString();
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    grpc::ByteBuffer buffer = Bytes({bytes.substr(0, cut), bytes.substr(cut)});
    v1::RefreshRequest read;
    EXPECT_FALSE(Parse(buffer, 1000, read).has_value());
    EXPECT_EQ(read.SerializeAsString(), bytes);
  }
}

TEST(Wire, WhatIsCutShortOrNotUtf8IsInvalidArgument) {
  const std::string bad[] = {std::string("\x0a\x05"
                                         "ac"),
                             "\x0a\x02\xff\xfe", "\x0f", "\x0a"};
  for (const std::string& bytes : bad) {
    for (grpc::ByteBuffer buffer : {Bytes({bytes}), Bytes({bytes.substr(0, 1), bytes.substr(1)})}) {
      v1::RefreshRequest read;
      const std::optional<Failure> failure = Parse(buffer, 1000, read);
      ASSERT_TRUE(failure.has_value());
      EXPECT_EQ(failure->code, grpc::StatusCode::INVALID_ARGUMENT);
      EXPECT_EQ(failure->reason, "INVALID_FIELD");
      EXPECT_THAT(failure->message, HasSubstr("grantkeep.v1.RefreshRequest"));
    }
  }
}

TEST(Wire, TheLimitIsInclusive) {
  v1::RefreshRequest sent;
  sent.set_tenant(std::string(98, 'a'));
  const std::string bytes = sent.SerializeAsString();
  ASSERT_EQ(bytes.size(), 100u);
  grpc::ByteBuffer fits = Bytes({bytes});
  grpc::ByteBuffer too_large = Bytes({bytes});
  v1::RefreshRequest read;
  EXPECT_FALSE(Parse(fits, 100, read).has_value());
  const std::optional<Failure> failure = Parse(too_large, 99, read);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(failure->reason, "MESSAGE_TOO_LARGE");
}

TEST(Wire, SerializeAndParseAreInverse) {
  v1::RefreshResponse sent;
  sent.set_access_token(std::string(300, 't'));
  sent.set_generation(7);
  grpc::ByteBuffer buffer = Serialize(sent);
  v1::RefreshResponse read;
  EXPECT_FALSE(Parse(buffer, 1000, read).has_value());
  EXPECT_EQ(read.SerializeAsString(), sent.SerializeAsString());
  grpc::ByteBuffer empty = Serialize(v1::RefreshResponse());
  EXPECT_EQ(empty.Length(), 0u);
  EXPECT_FALSE(Parse(empty, 1000, read).has_value());
}

TEST(Charset, IsExactlyWhatTheProtoSays) {
  for (int c = 0; c < 256; ++c) {
    const std::string after_a = std::string("a") + static_cast<char>(c);
    const bool alphanumeric = c < 128 && std::isalnum(c) != 0;
    const bool id =
        alphanumeric || (c != 0 && std::string("._-:@/+=~|").find(static_cast<char>(c)) != std::string::npos);
    EXPECT_EQ(InCharset(v1::CHARSET_ID, after_a), id) << c;
    EXPECT_EQ(InCharset(v1::CHARSET_ID, std::string(1, static_cast<char>(c))), alphanumeric) << c;
    EXPECT_EQ(InCharset(v1::CHARSET_SCOPE, after_a), c > 0x20 && c < 0x7F && c != '"' && c != '\\') << c;
    EXPECT_EQ(InCharset(v1::CHARSET_URL, after_a), c > 0x20 && c < 0x7F) << c;
    EXPECT_EQ(InCharset(v1::CHARSET_UNSPECIFIED, after_a), c >= 0x20 && c != 0x7F) << c;
  }
}

TEST(Cgroup, FindsItsPathsInBothVersions) {
  std::istringstream lines("4:memory:/m\n3:cpu,cpuacct:/a/b\n0::/unified/x\nnonsense\n");
  const CgroupPaths paths = ParseCgroups(lines);
  EXPECT_EQ(paths.cpu, "/a/b");
  EXPECT_EQ(paths.unified, "/unified/x");
  std::istringstream nothing("");
  EXPECT_EQ(ParseCgroups(nothing).unified, "/");
}

TEST(Cgroup, AQuotaIsAShareOfItsPeriod) {
  EXPECT_EQ(ParseCpuMax("150000 100000"), 1.5);
  EXPECT_EQ(ParseCpuMax("max 100000"), std::nullopt);
  EXPECT_EQ(ParseCpuMax("-1 100000"), std::nullopt);
  EXPECT_EQ(ParseCpuMax("150000"), std::nullopt);
  EXPECT_EQ(ParseCpuMax(""), std::nullopt);
}

TEST(Cgroup, AQuotaOfAnAncestorCounts) {
  EXPECT_THAT(AncestorsOf("/m", "/a/b"), ElementsAre("/m/a/b", "/m/a", "/m"));
  EXPECT_THAT(AncestorsOf("/m", "/"), ElementsAre("/m"));
}

TEST(Pollers, AreOneForEveryTwoCpusAndAtLeastOne) {
  EXPECT_EQ(DefaultPollers(1), 1);
  EXPECT_EQ(DefaultPollers(2), 1);
  EXPECT_EQ(DefaultPollers(3), 2);
  EXPECT_EQ(DefaultPollers(16), 8);
  EXPECT_GE(UsableCpus(), 1);
}

TEST(Convert, ATimeBeforeTheEpochHasNonNegativeNanos) {
  google::protobuf::Timestamp timestamp;
  SetTimestamp(FromMicros(-1), timestamp);
  EXPECT_EQ(timestamp.seconds(), -1);
  EXPECT_EQ(timestamp.nanos(), 999'999'000);
}

TEST(Convert, AGrantAsCallersSeeItHoldsNoToken) {
  storage::v1::Grant stored;
  stored.set_access_token("canary-at");
  stored.set_refresh_token("canary-rt");
  stored.set_state(storage::v1::Grant::STATE_IN_DOUBT);
  stored.set_grant_id("g");
  const v1::Grant grant = GrantToProto(TenantId("acme"), stored);
  EXPECT_THAT(grant.SerializeAsString(), ::testing::Not(HasSubstr("canary")));
  EXPECT_TRUE(grant.refreshable());
  EXPECT_EQ(grant.state(), v1::GRANT_STATE_IN_DOUBT);
  EXPECT_FALSE(grant.has_access_token_expire_time()) << "a lifetime that is unknown has no end";
}

TEST(Convert, APageHoldsAHundredUnlessAskedOtherwiseAndAThousandAtMost) {
  EXPECT_EQ(PageSize(0).value(), 100u);
  EXPECT_EQ(PageSize(1000).value(), 1000u);
  EXPECT_FALSE(PageSize(1001).ok());
}

}  // namespace
}  // namespace grantkeep::rpc
