// SPDX-License-Identifier: Apache-2.0
#include "vault/keyring.h"

#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/reason.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "net/event.h"
#include "tests/unit/vault/vault_fixture.h"
#include "vault/fields.h"
#include "vault/sealed_format.h"

namespace grantkeep::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class KeyringOfATenant : public VaultFixture {
 protected:
  using Sealing = std::shared_ptr<std::optional<absl::StatusOr<std::string>>>;

  Sealing StartSeal(SealedRecords& records, Tick deadline) {
    return loop_.Start(records.Seal(key_, 1, "payload", deadline));
  }
  // Reads wait until the returned event happens.
  Event HoldGets() {
    Event gate;
    store_->before_get = [this, gate]() mutable -> boost::asio::awaitable<void> {
      co_await gate.Wait(clock_, Tick::max());
    };
    return gate;
  }
  void Finish(const std::vector<Sealing>& sealings) {
    loop_.RunUntil([&] {
      for (const Sealing& sealing : sealings) {
        if (!sealing->has_value()) return false;
      }
      return true;
    });
  }

  const Key key_ = Key::Of(Kind::kGrant, acme_, "grant-1");
  const Key keyring_key_ = Key::Of(Kind::kKeyring, acme_, "keyring");
};

TEST_F(KeyringOfATenant, IsMadeByTheFirstWriteOnly) {
  EXPECT_FALSE(Stored(keyring_key_).has_value());
  Seal(key_, 1, "payload");
  Seal(Key::Of(Kind::kFlow, acme_, "flow-1"), 1, "payload");
  EXPECT_EQ(Stored(keyring_key_)->revision, 1u);
  EXPECT_EQ(store_->commits, 1);
}

TEST_F(KeyringOfATenant, IsNotMadeByReading) {
  const std::string sealed = Seal(key_, 1, "payload");
  const auto opened = Open(Key::Of(Kind::kGrant, TenantId("nobody"), "grant-1"), 1, sealed);
  EXPECT_TRUE(HasReason(opened.status(), Reason::kKeyUnavailable)) << opened.status();
  EXPECT_FALSE(Stored(Key::Of(Kind::kKeyring, TenantId("nobody"), "keyring")).has_value());
}

TEST_F(KeyringOfATenant, IsTheSameForTwoWritersThatCreateItAtOnce) {
  const auto other = NewRecords();
  const Sealing first = StartSeal(*records_, Soon());
  const Sealing second = StartSeal(*other, Soon());
  Finish({first, second});
  EXPECT_EQ(store_->commits, 2) << "both have tried to create it";
  EXPECT_EQ(Stored(keyring_key_)->revision, 1u);
  EXPECT_EQ(Run(other->Open(key_, 1, (*first)->value(), Soon())).value().Expose(), "payload");
  EXPECT_EQ(Open(key_, 1, (*second)->value()).value().Expose(), "payload");
}

TEST_F(KeyringOfATenant, IsLoadedOnceForAllWhoWantItAtOnce) {
  Seal(key_, 1, "payload");
  const auto restarted = NewRecords();
  store_->gets = 0;
  std::vector<Sealing> sealings;
  sealings.reserve(50);
  for (int i = 0; i < 50; ++i) sealings.push_back(StartSeal(*restarted, Soon()));
  Finish(sealings);
  EXPECT_EQ(store_->gets, 1);
  for (const Sealing& sealing : sealings) EXPECT_TRUE((*sealing)->ok());
}

TEST_F(KeyringOfATenant, LoadFailsTogetherForAllWhoWait) {
  Event gate = HoldGets();
  store_->failure = Error(Reason::kStoreUnavailable, "disk on fire");
  std::vector<Sealing> sealings;
  sealings.reserve(10);
  for (int i = 0; i < 10; ++i) sealings.push_back(StartSeal(*records_, Soon()));
  loop_.RunReady();
  gate.Set();
  Finish(sealings);
  EXPECT_EQ(store_->gets, 1);
  for (const Sealing& sealing : sealings) {
    EXPECT_TRUE(HasReason((*sealing)->status(), Reason::kStoreUnavailable));
    EXPECT_THAT(std::string((*sealing)->status().message()), HasSubstr("disk on fire"));
  }
  store_->failure.reset();
  EXPECT_EQ(Open(key_, 1, Seal(key_, 1, "later")).value().Expose(), "later");
}

TEST_F(KeyringOfATenant, IsWaitedForUpToTheWaitersOwnDeadline) {
  Event gate = HoldGets();
  const Sealing patient = StartSeal(*records_, Soon());
  const Sealing hasty = StartSeal(*records_, clock_.Steady() + std::chrono::seconds(1));
  loop_.RunReady();
  clock_.Advance(std::chrono::seconds(2));
  loop_.RunUntil([&] { return hasty->has_value(); });
  EXPECT_TRUE(HasReason((*hasty)->status(), Reason::kDeadline)) << (*hasty)->status();
  EXPECT_FALSE(patient->has_value());
  gate.Set();
  Finish({patient});
  EXPECT_TRUE((*patient)->ok());
}

TEST_F(KeyringOfATenant, IsLoadedAgainWhenOnlyTheFirstCallersTimeRanOut) {
  Event gate = HoldGets();
  const Sealing hasty = StartSeal(*records_, clock_.Steady() + std::chrono::seconds(1));
  const Sealing patient = StartSeal(*records_, Soon());
  loop_.RunReady();
  store_->failure = Error(Reason::kDeadline, "too late");
  gate.Set();
  loop_.RunUntil([&] { return hasty->has_value(); });
  store_->failure.reset();
  Finish({patient});
  EXPECT_TRUE(HasReason((*hasty)->status(), Reason::kDeadline));
  EXPECT_TRUE((*patient)->ok()) << (*patient)->status();
}

TEST_F(KeyringOfATenant, NeedsTheRootKeyThatWrappedIt) {
  const std::string sealed = Seal(key_, 1, "payload");
  const std::string right_id = root_->key_id();
  root_ = NewRootKey("another.key");
  records_ = NewRecords();
  for (const absl::Status& status :
       {Open(key_, 1, sealed).status(), Run(records_->Seal(key_, 2, "payload", Soon())).status()}) {
    EXPECT_TRUE(HasReason(status, Reason::kKeyUnavailable)) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("acme"), HasSubstr(right_id), HasSubstr(root_->key_id())));
  }
  EXPECT_EQ(Stored(keyring_key_)->revision, 1u) << "the keyring is left alone";
}

TEST_F(KeyringOfATenant, IsNotNeededToSeeThatTheStoreHasAnotherRootKey) {
  ASSERT_TRUE(Run(records_->CheckRootKey(Soon())).ok());
  records_ = NewRecords();
  EXPECT_TRUE(Run(records_->CheckRootKey(Soon())).ok());
  root_ = NewRootKey("another.key");
  records_ = NewRecords();
  EXPECT_TRUE(HasReason(Run(records_->CheckRootKey(Soon())), Reason::kKeyUnavailable));
}

TEST_F(KeyringOfATenant, IsRefusedWithAnyBitOfAWrappedKeyFlipped) {
  const std::string sealed = Seal(key_, 1, "payload");
  storage::v1::Keyring keyring;
  ASSERT_TRUE(keyring.ParseFromString(Stored(keyring_key_)->value));
  const std::string wrapped = keyring.keks(0).wrapped_kek();
  for (size_t byte = 0; byte < wrapped.size(); ++byte) {
    std::string altered = wrapped;
    altered[byte] = static_cast<char>(altered[byte] ^ 0x10);
    keyring.mutable_keks(0)->set_wrapped_kek(altered);
    Overwrite(keyring_key_, keyring.SerializeAsString());
    records_ = NewRecords();
    EXPECT_TRUE(HasReason(Open(key_, 1, sealed).status(), Reason::kStoreCorrupt)) << byte;
  }
}

TEST_F(KeyringOfATenant, IsNeverUsedDamaged) {
  const std::string sealed = Seal(key_, 1, "payload");
  const std::string value = Stored(keyring_key_)->value;
  for (size_t size = 0; size < value.size(); size += 3) {
    Overwrite(keyring_key_, value.substr(0, size));
    records_ = NewRecords();
    const auto opened = Open(key_, 1, sealed);
    ASSERT_FALSE(opened.ok()) << size;
    EXPECT_TRUE(HasReason(opened.status(), Reason::kStoreCorrupt) ||
                HasReason(opened.status(), Reason::kKeyUnavailable))
        << opened.status();
  }
}

TEST_F(KeyringOfATenant, DoesNotServeAnotherTenant) {
  const std::string sealed = Seal(key_, 1, "payload");
  const TenantId other("other");
  Overwrite(Key::Of(Kind::kKeyring, other, "keyring"), Stored(keyring_key_)->value);
  const auto opened = Open(Key::Of(Kind::kGrant, other, "grant-1"), 1, sealed);
  EXPECT_TRUE(HasReason(opened.status(), Reason::kStoreCorrupt)) << opened.status();
}

TEST_F(KeyringOfATenant, IsReadAgainForAKeyThatAnotherProcessAdded) {
  Seal(key_, 1, "payload");  // so that the keyring is in memory
  storage::v1::Keyring keyring;
  ASSERT_TRUE(keyring.ParseFromString(Stored(keyring_key_)->value));
  auto& second = *keyring.add_keks();
  second.set_version(2);
  const Fields aad = KekAad("acme", 2);
  const std::string kek(32, 'k');
  second.set_wrapped_kek(Run(root_->Wrap(kek, aad.view(), Soon())).value());
  keyring.set_primary_version(2);
  Overwrite(keyring_key_, keyring.SerializeAsString());

  const auto other = NewRecords();
  const std::string sealed = Run(other->Seal(key_, 2, "under the second key", Soon())).value();
  EXPECT_FALSE(records_->OpenFromMemory(key_, 2, sealed).value().has_value());
  EXPECT_EQ(Open(key_, 2, sealed).value().Expose(), "under the second key");
  EXPECT_TRUE(records_->OpenFromMemory(key_, 2, sealed).value().has_value());
}

std::shared_ptr<const Keyring> MakeKeyring(Revision revision) {
  std::vector<Keyring::Kek> keks;
  keks.push_back({1, AesGcm::Create(Secret::OfSize(32)).value()});
  return std::make_shared<const Keyring>(revision, 1, std::move(keks));
}

TEST(KeyringCache, NeverGoesBackInRevision) {
  KeyringCache cache;
  EXPECT_EQ(cache.Find("acme"), nullptr);
  const auto second = MakeKeyring(2);
  EXPECT_EQ(cache.Insert("acme", second), second);
  EXPECT_EQ(cache.Insert("acme", MakeKeyring(1)), second);
  EXPECT_EQ(cache.Find("acme"), second);
  const auto third = MakeKeyring(3);
  EXPECT_EQ(cache.Insert("acme", third), third);
  EXPECT_EQ(cache.Find("acme"), third);
  EXPECT_EQ(cache.Find("acm"), nullptr);
}

TEST(KeyringCache, IsUsedFromManyThreads) {
  KeyringCache cache;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (Revision t = 1; t <= 4; ++t) {
    threads.emplace_back([&, t] {
      Revision last = 0;
      for (Revision i = 0; i < 500; ++i) {
        cache.Insert("acme", MakeKeyring(4 * i + t));
        const Revision now = cache.Find("acme")->revision();
        EXPECT_GE(now, last);
        last = now;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace grantkeep::testing
