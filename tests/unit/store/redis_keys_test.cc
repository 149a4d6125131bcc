// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "store/redis/keys.h"
#include "store/redis/operations.h"

namespace grantkeep {
namespace {

Key KeyAt(Partition partition, Kind kind, std::string tenant, std::string id) {
  return {.partition = partition, .kind = kind, .tenant = TenantId(std::move(tenant)), .id = std::move(id)};
}

std::vector<Key> HardKeys() {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  return {KeyAt(0, Kind::kGrant, "acme", "g"),
          KeyAt(255, Kind::kKeyring, "", "keyring"),
          KeyAt(7, Kind::kStaticSecret, "a:b", ":"),
          KeyAt(7, Kind::kStaticSecret, "a", "b::"),
          KeyAt(7, Kind::kFlow, "{p001}", "}{"),
          KeyAt(8, Kind::kGrant, all.substr(0, 128), all),
          KeyAt(9, Kind::kStaticSecretVersion, "1:", "2:x:")};
}

TEST(RedisKeys, AreAsDocumented) {
  const RedisKeys keys("grantkeep");
  const Key key = KeyAt(7, Kind::kGrant, "acme", "ID");
  EXPECT_EQ(keys.Record(key), "grantkeep:g:{p007}:4:acme:ID");
  EXPECT_EQ(keys.Lease(key), "grantkeep:lease:{p007}:g:4:acme:ID");
  EXPECT_EQ(keys.Due(7), "grantkeep:due:{p007}");
  EXPECT_EQ(keys.Index(7, Kind::kGrant, TenantId("acme")), "grantkeep:index:{p007}:g:acme");
  EXPECT_EQ(keys.Index(7, Kind::kSubjectGrant, TenantId("acme")), "grantkeep:index:{p007}:h:acme");
  EXPECT_EQ(keys.Meta("identity"), "grantkeep:{meta}:identity");
  EXPECT_EQ(keys.KindPrefix(Kind::kGrant), "grantkeep:g:");
}

TEST(RedisKeys, NamesOfRecordsAreReadBackAndDifferWhereKeysDiffer) {
  const RedisKeys keys("grantkeep");
  std::set<std::string> names;
  for (const Key& key : HardKeys()) {
    EXPECT_EQ(keys.ParseRecord(keys.Record(key)), key);
    EXPECT_EQ(ParseDueMember(key.partition, DueMember(key)), key);
    EXPECT_TRUE(keys.Record(key).starts_with(keys.KindPrefix(key.kind)));
    names.insert(keys.Record(key));
    names.insert(keys.Lease(key));
  }
  EXPECT_EQ(names.size(), 2 * HardKeys().size());
}

TEST(RedisKeys, WhatIsNoNameOfARecordIsNotTakenForOne) {
  const RedisKeys keys("grantkeep");
  for (const std::string_view name :
       {"", "grantkeep", "grantkeep:", "grantkeep:g:", "grantkeep:x:{p007}:4:acme:ID",
        "grantkeep:g:{p7}:4:acme:ID", "grantkeep:g:{p256}:4:acme:ID", "grantkeep:g:{p-01}:4:acme:ID",
        "grantkeep:g:{p007}:9:acme:ID", "grantkeep:g:{p007}:4:acme", "grantkeep:g:{p007}:4:acme:",
        "grantkeep:g:{p007}:-4:acme:ID", "grantkeep:g:{p007}:99999999999999999999:acme:ID",
        "other:g:{p007}:4:acme:ID", "grantkeep:due:{p007}"}) {
    EXPECT_EQ(keys.ParseRecord(name), std::nullopt) << name;
  }
  for (const std::string_view member : {"", "g", "g:", "g:4", "g:4:", "x:4:acme:ID", "g:5:acme:ID"}) {
    EXPECT_EQ(ParseDueMember(1, member), std::nullopt) << member;
  }
}

TEST(RedisRecord, IsReadBack) {
  for (const Revision revision : {Revision{1}, Revision{255}, Revision{1} << 40, ~Revision{0}}) {
    const std::string bytes = EncodeRecord(revision, "guard", "value");
    EXPECT_EQ(ParseRevisionBytes(bytes.substr(0, 8)), revision);
    const auto record = ParseRedisRecord(bytes);
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->revision, revision);
    EXPECT_EQ(record->value, "value");
    EXPECT_EQ(bytes[12], 5);
  }
}

TEST(RedisRecord, CutOrStrangeBytesAreNone) {
  const std::string bytes = EncodeRecord(3, "guard", "value");
  for (size_t size = 0; size < 13 + 5; ++size) {
    EXPECT_FALSE(ParseRedisRecord(std::string_view(bytes).substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(ParseRedisRecord(std::string(40, '\0')).has_value());  // revision 0
}

TEST(RedisIdentity, IsReadBackAndAnythingElseIsNone) {
  const StoreIdentity identity{.id = std::string(32, 'a'), .epoch = 3, .restored_in = 2, .cloned_in = 3};
  EXPECT_EQ(ParseIdentity(EncodeIdentity(identity)), identity);
  StoreIdentity clone = identity;
  clone.cloned_from = std::string(32, 'b');
  EXPECT_EQ(ParseIdentity(EncodeIdentity(clone)), clone);
  const std::string text = EncodeIdentity(identity);
  for (size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(ParseIdentity(text.substr(0, size)), std::nullopt) << size;
  }
  EXPECT_EQ(ParseIdentity(std::string(32, 'A') + " 1 0 0 -"), std::nullopt);
  EXPECT_EQ(ParseIdentity(std::string(32, 'a') + " 0 0 0 -"), std::nullopt);
  EXPECT_EQ(ParseIdentity(std::string(32, 'a') + " x 0 0 -"), std::nullopt);
}

}  // namespace
}  // namespace grantkeep
