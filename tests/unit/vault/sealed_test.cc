// SPDX-License-Identifier: Apache-2.0
#include "vault/sealed.h"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>
#include <string>

#include "base/reason.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "tests/unit/vault/vault_fixture.h"
#include "vault/sealed_format.h"

namespace grantkeep::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kPayload[] = "a payload with a planted-5ecret in it";
constexpr Revision kRevision = 7;

class Sealed : public VaultFixture {
 protected:
  void ExpectCorrupt(const Key& key, Revision revision, std::string_view sealed, const std::string& what) {
    const auto opened = Open(key, revision, sealed);
    ASSERT_FALSE(opened.ok()) << what;
    EXPECT_TRUE(HasReason(opened.status(), Reason::kStoreCorrupt)) << what << ": " << opened.status();
    const auto from_memory = records_->OpenFromMemory(key, revision, sealed);
    if (from_memory.ok()) {
      EXPECT_FALSE(from_memory->has_value()) << what;
    } else {
      EXPECT_TRUE(HasReason(from_memory.status(), Reason::kStoreCorrupt)) << what;
    }
  }

  const Key key_ = Key::Of(Kind::kGrant, acme_, "grant-1");
  const std::string sealed_ = Seal(key_, kRevision, kPayload);
};

TEST_F(Sealed, OpensUnderItsOwnNameAndRevision) {
  EXPECT_EQ(Open(key_, kRevision, sealed_).value().Expose(), kPayload);
  EXPECT_EQ(records_->OpenFromMemory(key_, kRevision, sealed_).value().value().Expose(), kPayload);
}

TEST_F(Sealed, OpensInAnotherProcessWithTheSameRootKey) {
  records_ = NewRecords();
  EXPECT_FALSE(records_->OpenFromMemory(key_, kRevision, sealed_).value().has_value())
      << "no keyring in memory yet";
  EXPECT_EQ(Open(key_, kRevision, sealed_).value().Expose(), kPayload);
  EXPECT_TRUE(records_->OpenFromMemory(key_, kRevision, sealed_).value().has_value());
}

TEST_F(Sealed, HoldsAnyPayload) {
  for (const std::string& payload : {std::string(), std::string("\0\xff", 2), std::string(200'000, 'x')}) {
    EXPECT_EQ(Open(key_, 1, Seal(key_, 1, payload)).value().Expose(), payload);
  }
}

TEST_F(Sealed, IsRefusedWithAnyBitFlipped) {
  for (size_t bit = 0; bit < 8 * sealed_.size(); ++bit) {
    std::string altered = sealed_;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << (bit % 8)));
    ExpectCorrupt(key_, kRevision, altered, "bit " + std::to_string(bit));
  }
}

TEST_F(Sealed, IsRefusedCutAtEveryLength) {
  for (size_t size = 0; size < sealed_.size(); ++size) {
    ExpectCorrupt(key_, kRevision, sealed_.substr(0, size), "first " + std::to_string(size));
    ExpectCorrupt(key_, kRevision, sealed_.substr(sealed_.size() - size), "last " + std::to_string(size));
  }
}

TEST_F(Sealed, IsRefusedWithAnythingAdded) {
  storage::v1::SealedRecord record;
  ASSERT_TRUE(record.ParseFromString(sealed_));
  ExpectCorrupt(key_, kRevision, sealed_ + '\0', "a byte");
  ExpectCorrupt(key_, kRevision, sealed_ + "\x28\x01", "an unknown field");
  ExpectCorrupt(key_, kRevision, sealed_ + sealed_, "the record again");
  ExpectCorrupt(key_, kRevision, std::string("\x08\x81\x00", 3) + sealed_.substr(2),
                "a longer form of a number");
  ExpectCorrupt(key_, kRevision, sealed_.substr(2) + sealed_.substr(0, 2), "another order of the fields");
}

TEST_F(Sealed, DoesNotOpenAsAnotherRecord) {
  const TenantId other("other");
  Seal(Key::Of(Kind::kGrant, other, "grant-1"), 1, "so that the tenant has a keyring");
  ExpectCorrupt(Key::Of(Kind::kGrant, other, "grant-1"), kRevision, sealed_, "another tenant");
  ExpectCorrupt(Key::Of(Kind::kGrant, acme_, "grant-2"), kRevision, sealed_, "another id");
  ExpectCorrupt(Key::Of(Kind::kFlow, acme_, "grant-1"), kRevision, sealed_, "another kind");
  for (const Revision revision : {Revision{0}, kRevision - 1, kRevision + 1}) {
    ExpectCorrupt(key_, revision, sealed_, "another revision");
  }
}

TEST_F(Sealed, DoesNotOpenWithPartsOfAnotherRecord) {
  storage::v1::SealedRecord mine;
  storage::v1::SealedRecord newer;
  ASSERT_TRUE(mine.ParseFromString(sealed_));
  ASSERT_TRUE(newer.ParseFromString(Seal(key_, kRevision + 1, "newer")));
  storage::v1::SealedRecord mixed = mine;
  mixed.set_payload(newer.payload());
  ExpectCorrupt(key_, kRevision, mixed.SerializeAsString(), "payload of another revision");
  mixed = mine;
  mixed.set_wrapped_dek(newer.wrapped_dek());
  ExpectCorrupt(key_, kRevision, mixed.SerializeAsString(), "key of another revision");
  mixed = mine;
  mixed.set_kek_version(2);
  ExpectCorrupt(key_, kRevision, mixed.SerializeAsString(), "a key version that does not exist");
  mixed = mine;
  mixed.set_format(2);
  ExpectCorrupt(key_, kRevision, mixed.SerializeAsString(), "a format that does not exist");
}

TEST(SealedFormat, HasNoKeyVersionZero) {
  // Written out, which no protobuf writer does.
  const std::string record =
      std::string("\x08\x01\x10\x00\x1a\x3c", 6) + std::string(60, 'w') + "\x22\x20" + std::string(32, 'p');
  EXPECT_FALSE(ParseSealed(record).has_value());
  std::string version_one = record;
  version_one[3] = 1;
  EXPECT_TRUE(ParseSealed(version_one).has_value());
}

TEST_F(Sealed, HasNewKeysAndNoncesEachTime) {
  storage::v1::SealedRecord first;
  storage::v1::SealedRecord second;
  ASSERT_TRUE(first.ParseFromString(sealed_));
  ASSERT_TRUE(second.ParseFromString(Seal(key_, kRevision, kPayload)));
  EXPECT_NE(first.wrapped_dek(), second.wrapped_dek());
  EXPECT_NE(first.wrapped_dek().substr(0, 12), second.wrapped_dek().substr(0, 12));
  EXPECT_NE(first.payload().substr(0, 12), second.payload().substr(0, 12));
  EXPECT_NE(first.payload().substr(12), second.payload().substr(12));
}

TEST_F(Sealed, ErrorsNameKindAndTenantAndNoContent) {
  const auto opened = Open(key_, kRevision + 1, sealed_);
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("grant record of tenant acme"));
  EXPECT_THAT(std::string(opened.status().message()), Not(HasSubstr("planted")));
}

TEST_F(Sealed, ShowsNothingOfThePayload) { EXPECT_THAT(sealed_, Not(HasSubstr("planted"))); }

// The documented layout, followed by hand: what was sealed once must open for ever.
TEST_F(Sealed, FollowsTheDocumentedFormat) {
  const auto text = [](std::string_view value) {
    return std::string{'\0', '\0', '\0', static_cast<char>(value.size())}.append(value);
  };
  const auto number = [](char value) { return std::string(7, '\0') + value; };

  std::ifstream file(folder_ / "root.key");
  std::stringstream digits;
  digits << file.rdbuf();
  const std::string hex = digits.str().substr(0, 64);
  const AesGcm root = AesGcm::Create(Secret(HexDecode(hex).value())).value();

  storage::v1::Keyring keyring;
  ASSERT_TRUE(keyring.ParseFromString(Stored(Key::Of(Kind::kKeyring, acme_, "keyring"))->value));
  EXPECT_EQ(keyring.format(), 1u);
  EXPECT_EQ(keyring.root_key_id(), root_->key_id());
  EXPECT_EQ(keyring.primary_version(), 1u);
  ASSERT_EQ(keyring.keks_size(), 1);
  EXPECT_EQ(keyring.keks(0).version(), 1u);
  EXPECT_EQ(FromMicros(keyring.keks(0).create_time_us()), clock_.Now());
  auto kek_bytes =
      root.Open(keyring.keks(0).wrapped_kek(), text("grantkeep/kek") + number(1) + text("acme") + number(1));
  const AesGcm kek = AesGcm::Create(std::move(kek_bytes).value()).value();

  storage::v1::SealedRecord record;
  ASSERT_TRUE(record.ParseFromString(sealed_));
  EXPECT_EQ(record.format(), 1u);
  EXPECT_EQ(record.kek_version(), 1u);
  const std::string kind_grant = number(3);
  auto dek_bytes = kek.Open(record.wrapped_dek(), text("grantkeep/dek") + number(1) + kind_grant +
                                                      text("acme") + text("grant-1") + number(1));
  const AesGcm dek = AesGcm::Create(std::move(dek_bytes).value()).value();
  const auto payload =
      dek.Open(record.payload(), text("grantkeep/payload") + number(1) + kind_grant + text("acme") +
                                     text("grant-1") + number(static_cast<char>(kRevision)));
  EXPECT_EQ(payload.value().Expose(), kPayload);
}

}  // namespace
}  // namespace grantkeep::testing
