// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "store/store.h"

namespace grantkeep {
namespace {

// Fixed in the schema: were these to change, existing records would not be found.
// printf '\0\0\0\4acme\0\0\0\2g1' | sha256sum
TEST(Key, ThePartitionIsTheFirstByteOfTheDigestOfLengthPrefixedFields) {
  EXPECT_EQ(Key::Of(Kind::kGrant, TenantId("acme"), "g1").partition, 0x95);
  EXPECT_EQ(Key::Under(Kind::kStaticSecret, TenantId("acme"), "", "bot").partition, 0xe6);
}

TEST(Key, RecordsOfOneTenantAndRootShareAPartition) {
  const TenantId acme("acme");
  const Key a = Key::Under(Kind::kStaticSecret, acme, "root", "a");
  const Key b = Key::Under(Kind::kStaticSecretVersion, acme, "root", "b");
  EXPECT_EQ(a.partition, b.partition);
  EXPECT_EQ(a.partition, Key::Of(Kind::kGrant, acme, "root").partition);
  EXPECT_EQ(a.id, "a");
  EXPECT_EQ(b.kind, Kind::kStaticSecretVersion);
  EXPECT_EQ(b.tenant, acme);
}

TEST(Key, FieldsDoNotRunIntoEachOther) {
  // Were they merely joined, every pair would have the same partition.
  int differ = 0;
  for (int i = 0; i < 16; ++i) {
    const std::string tail = std::to_string(i);
    const Key left = Key::Of(Kind::kGrant, TenantId("ab"), "c" + tail);
    const Key right = Key::Of(Kind::kGrant, TenantId("a"), "bc" + tail);
    differ += left.partition != right.partition ? 1 : 0;
  }
  EXPECT_GT(differ, 8);
}

TEST(Key, PartitionsAreUsedEvenly) {
  std::set<Partition> used;
  for (int i = 0; i < 4000; ++i) {
    const Partition partition = Key::Of(Kind::kGrant, TenantId("acme"), std::to_string(i)).partition;
    ASSERT_LT(partition, kPartitions);
    used.insert(partition);
  }
  EXPECT_EQ(used.size(), kPartitions);
}

}  // namespace
}  // namespace grantkeep
