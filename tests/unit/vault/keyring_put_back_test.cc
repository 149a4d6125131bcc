// SPDX-License-Identifier: Apache-2.0
// A tenant's keyring in a store that may have lost it. Without it none of the tenant's records opens.
#include <gtest/gtest.h>

#include "base/reason.h"
#include "grantkeep/storage/v1/records.pb.h"
#include "tests/unit/vault/coherence_fixture.h"
#include "vault/sealed_format.h"

namespace grantkeep::testing {
namespace {

using std::chrono::seconds;

class LostKeyring : public CoherenceFixture {
 protected:
  absl::StatusOr<bool> PutBack() { return Run(records_->PutKeyringBack(acme_, Soon())); }
  // The keyring with one more key, as rotation writes it.
  std::string WithAnotherKey(const std::string& record) {
    storage::v1::Keyring keyring;
    EXPECT_TRUE(keyring.ParseFromString(record));
    auto& second = *keyring.add_keks();
    second.set_version(2);
    const Fields aad = KekAad("acme", 2);
    second.set_wrapped_kek(Run(root_->Wrap(std::string(32, 'k'), aad.view(), Soon())).value());
    keyring.set_primary_version(2);
    return keyring.SerializeAsString();
  }
  // One that has never been in this store.
  std::string AnotherKeyring() {
    const Record ours = *Stored(keyring_);
    Lose(keyring_);
    const auto elsewhere = NewRecords();
    EXPECT_TRUE(Run(elsewhere->Seal(record_, 1, "payload", Soon())).ok());
    const std::string theirs = Stored(keyring_)->value;
    Lose(keyring_, ours);
    return theirs;
  }

  const Key keyring_ = Key::Of(Kind::kKeyring, acme_, "keyring");
  const Key record_ = Key::Of(Kind::kGrant, acme_, "g1");
};

TEST_F(LostKeyring, IsPutBack) {
  const std::string sealed = Seal(record_, 1, "payload");
  const std::string before = Stored(keyring_)->value;
  EXPECT_FALSE(PutBack().value()) << "nothing is lost yet";
  Lose(keyring_);
  EXPECT_TRUE(PutBack().value());
  EXPECT_EQ(Stored(keyring_)->value, before);
  EXPECT_EQ(Run(NewRecords()->Open(record_, 1, sealed, Soon())).value().Expose(), "payload");
}

TEST_F(LostKeyring, IsPutBackOverAnOlderFormOfIt) {
  Seal(record_, 1, "payload");
  const Record older = *Stored(keyring_);
  Overwrite(keyring_, WithAnotherKey(older.value));
  records_ = NewRecords();
  Seal(record_, 1, "payload");
  Lose(keyring_, older);
  EXPECT_TRUE(PutBack().value());
  EXPECT_EQ(Stored(keyring_)->revision, 2u);
}

TEST_F(LostKeyring, ThatTheStoreHasInANewerFormIsLearnt) {
  Seal(record_, 1, "payload");
  Overwrite(keyring_, WithAnotherKey(Stored(keyring_)->value));
  EXPECT_FALSE(PutBack().value());
  const std::string sealed = Run(NewRecords()->Seal(record_, 1, "payload", Soon())).value();
  EXPECT_TRUE(records_->OpenFromMemory(record_, 1, sealed).value().has_value());
}

TEST_F(LostKeyring, GivesWayToAnotherThatTheStoreHasNow) {
  Seal(record_, 1, "payload");
  const std::string theirs = AnotherKeyring();
  Lose(keyring_, Record{keyring_, 1, theirs});
  EXPECT_FALSE(PutBack().value());
  EXPECT_EQ(Stored(keyring_)->value, theirs);
  // What is sealed from now on can be read by those who come later.
  const std::string sealed = Seal(record_, 2, "new");
  EXPECT_EQ(Run(NewRecords()->Open(record_, 2, sealed, Soon())).value().Expose(), "new");
}

TEST_F(LostKeyring, OfWhichMemoryKnowsNothingIsLeftAlone) {
  EXPECT_FALSE(PutBack().value());
  EXPECT_FALSE(Stored(keyring_).has_value());
  EXPECT_EQ(records_->keyrings().size(), 0u);
  Seal(record_, 1, "payload");
  EXPECT_EQ(records_->keyrings(), std::vector<TenantId>{acme_});
}

TEST_F(LostKeyring, IsNotMadeAnewWhileThoseWhoRememberItArePuttingItBack) {
  Seal(record_, 1, "payload");
  Lose(keyring_);
  store_->hold_until = clock_.Steady() + seconds(5);
  const auto fresh = NewRecords();
  const auto sealing = loop_.Start(fresh->Seal(record_, 2, "payload", Soon()));
  loop_.RunUntil([&] { return clock_.sleepers() > 0; });
  EXPECT_TRUE(PutBack().value());
  clock_.Advance(seconds(5));
  loop_.RunUntil([&] { return sealing->has_value(); });
  EXPECT_EQ(Open(record_, 2, (*sealing)->value()).value().Expose(), "payload") << "one keyring, not two";
}

TEST_F(LostKeyring, ThatIsWaitedForTooLongIsUnavailableForTheTimeThatIsLeft) {
  store_->hold_until = clock_.Steady() + seconds(5);
  const auto sealed = Run(records_->Seal(record_, 1, "payload", clock_.Steady() + seconds(1)));
  EXPECT_TRUE(HasReason(sealed.status(), Reason::kStoreUnavailable)) << sealed.status();
  EXPECT_EQ(RetryAfterOf(sealed.status()), Duration(seconds(5)));
  EXPECT_FALSE(Stored(keyring_).has_value());
}

}  // namespace
}  // namespace grantkeep::testing
