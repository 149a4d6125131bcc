// SPDX-License-Identifier: Apache-2.0
// Static secrets over a store that other processes write to, that does not answer, or has lost writes.
#include <gtest/gtest.h>

#include "base/reason.h"
#include "tests/unit/vault/coherence_fixture.h"
#include "vault/static_secrets.h"

namespace grantkeep::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class StaticSecretsInAnOutage : public CoherenceFixture {
 protected:
  void Put(std::string_view value) {
    ASSERT_TRUE(Run(secrets_->Put(acme_, "bot", Secret(value), ProviderId(), std::nullopt, Soon())).ok());
  }
  // "value", with a question mark when it is unverified; or the reason why there is none.
  std::string Read(std::optional<uint64_t> version = {}) {
    const auto got = Run(secrets_->Get(acme_, "bot", version, Soon()));
    if (!got.ok()) return std::string(ReasonName(ReasonOf(got.status()).value()));
    return std::string(got->value.Expose()) + (got->unverified ? "?" : "");
  }
  std::string ReadMemory() {
    const auto got = secrets_->FromMemory(acme_, "bot", std::nullopt);
    if (!got.ok()) return std::string(ReasonName(ReasonOf(got.status()).value()));
    return got->has_value() ? std::string((*got)->value.Expose()) : "nothing";
  }
  // The store does not answer, and from now on nothing is provably the newest.
  void StoreGoesAway() {
    store_->failure = Error(Reason::kStoreUnavailable, "away");
    store_->current_until = clock_.Steady();
  }
  void Restart(StaticSecrets::Options options) {
    secrets_ = std::make_unique<StaticSecrets>(*store_, *records_, *changes_, clock_, options);
  }

  const Key key_ = Key::Under(Kind::kStaticSecret, acme_, "", "bot");
  std::unique_ptr<StaticSecrets> secrets_ =
      std::make_unique<StaticSecrets>(*store_, *records_, *changes_, clock_);
};

TEST_F(StaticSecretsInAnOutage, AnInvalidationTakesTheSecretOutOfMemory) {
  Put("value");
  store_->Tell(key_);
  EXPECT_EQ(ReadMemory(), "nothing");
  store_->before_get = [this]() -> boost::asio::awaitable<void> {
    store_->Tell(key_);
    co_return;
  };
  EXPECT_EQ(Read(), "value");
  EXPECT_EQ(ReadMemory(), "nothing");
  store_->before_get = nullptr;
  EXPECT_EQ(Read(), "value");
  EXPECT_EQ(ReadMemory(), "value");
}

TEST_F(StaticSecretsInAnOutage, TheNewestIsAnsweredUnverifiedForAsLongAsIsAllowed) {
  Put("value");
  StoreGoesAway();
  EXPECT_EQ(ReadMemory(), "nothing");
  EXPECT_EQ(Read(), "value?");
  clock_.Advance(minutes(5));
  EXPECT_EQ(Read(), "value?");
  EXPECT_EQ(Read(1), "value?") << "by its number as well";
  clock_.Advance(milliseconds(1));
  EXPECT_EQ(Read(), "STORE_UNAVAILABLE");
  store_->failure.reset();
  store_->current_until.reset();
  EXPECT_EQ(Read(), "value");
}

TEST_F(StaticSecretsInAnOutage, NothingIsAnsweredUnverifiedWhenThatIsNotAllowed) {
  Restart({.outage_serve = Duration(0)});
  Put("value");
  StoreGoesAway();
  EXPECT_EQ(Read(), "STORE_UNAVAILABLE");
}

TEST_F(StaticSecretsInAnOutage, WhatIsKnownToBeDeletedIsNotAnswered) {
  Put("value");
  ASSERT_TRUE(Run(secrets_->Delete(acme_, "bot", std::nullopt, Soon())).ok());
  StoreGoesAway();
  EXPECT_EQ(Read(), "SECRET_NOT_FOUND");
}

TEST_F(StaticSecretsInAnOutage, AnOlderVersionIsNotInMemory) {
  Put("first");
  Put("second");
  StoreGoesAway();
  EXPECT_EQ(Read(1), "STORE_UNAVAILABLE");
  EXPECT_EQ(Read(2), "second?");
}

TEST_F(StaticSecretsInAnOutage, AFailureThatSaysWhatTheStoreHoldsIsPassedOn) {
  Put("value");
  StoreGoesAway();
  store_->failure = Error(Reason::kStoreCorrupt, "damaged");
  EXPECT_EQ(Read(), "STORE_CORRUPT");
}

TEST_F(StaticSecretsInAnOutage, AStoreThatHangsIsNotWaitedForWhenThereIsAnAnswer) {
  Put("value");
  store_->current_until = clock_.Steady();
  store_->before_get = [this]() -> boost::asio::awaitable<void> {
    co_await clock_.SleepUntil(clock_.Steady() + milliseconds(500));
    store_->failure = Error(Reason::kDeadline, "no answer");
  };
  const auto got = loop_.Start(secrets_->Get(acme_, "bot", std::nullopt, Soon()));
  loop_.RunReady();
  clock_.Advance(milliseconds(500));
  loop_.RunUntil([&] { return got->has_value(); });
  EXPECT_TRUE((**got)->unverified);
}

TEST_F(StaticSecretsInAnOutage, WhatTheStoreHasLostIsPutBackByItsNextUse) {
  Put("first");
  const Record older = *Stored(key_);
  Put("second");
  Lose(key_, older);
  EXPECT_EQ(Read(), "second");
  EXPECT_EQ(Stored(key_)->revision, 2u);
  Lose(key_);
  EXPECT_EQ(Read(), "second");
}

TEST_F(StaticSecretsInAnOutage, WhatWasPutAgainElsewhereAfterADeleteStays) {
  Put("value");
  ASSERT_TRUE(Run(secrets_->Delete(acme_, "bot", std::nullopt, Soon())).ok());
  storage::v1::StaticSecret again;
  again.set_name("bot");
  again.set_version(2);
  again.set_value("again");
  Lose(key_, Sealed(key_, 3, again));
  EXPECT_EQ(Read(), "again");
}

}  // namespace
}  // namespace grantkeep::testing
