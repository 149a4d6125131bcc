// SPDX-License-Identifier: Apache-2.0
#include "vault/static_secrets.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "base/reason.h"
#include "tests/unit/vault/vault_fixture.h"

namespace grantkeep::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Version = std::optional<uint64_t>;

class StaticSecretsInTheVault : public VaultFixture {
 protected:
  StaticSecretsInTheVault() { Restart(); }

  void Restart() {
    records_ = NewRecords();
    secrets_ = std::make_unique<StaticSecrets>(*store_, *records_, *changes_, clock_);
  }
  absl::StatusOr<StaticSecretInfo> Put(const std::string& name, std::string_view value,
                                       Version expected = {}) {
    return Run(secrets_->Put(acme_, name, Secret(value), ProviderId("discord"), expected, Soon()));
  }
  absl::StatusOr<StaticSecretValue> Get(const std::string& name, Version version = {}) {
    return Run(secrets_->Get(acme_, name, version, Soon()));
  }
  // The value, or the reason why there is none.
  std::string Read(const std::string& name, Version version = {}) {
    const auto got = Get(name, version);
    return got.ok() ? std::string(got->value.Expose())
                    : std::string(ReasonName(ReasonOf(got.status()).value()));
  }
  std::string ReadMemory(const std::string& name, Version version = {}) {
    const auto got = secrets_->FromMemory(acme_, name, version);
    if (!got.ok()) return std::string(ReasonName(ReasonOf(got.status()).value()));
    return got->has_value() ? std::string((*got)->value.Expose()) : "nothing";
  }
  absl::Status Delete(const std::string& name, Version expected = {}) {
    return Run(secrets_->Delete(acme_, name, expected, Soon()));
  }
  std::vector<std::string> ListAll(size_t limit) {
    std::vector<std::string> names;
    std::string token;
    do {
      const auto page = Run(secrets_->List(acme_, limit, token, Soon()));
      EXPECT_TRUE(page.ok()) << page.status();
      EXPECT_LE(page->secrets.size(), limit);
      for (const StaticSecretInfo& info : page->secrets) names.push_back(info.name);
      token = page->next;
    } while (!token.empty());
    return names;
  }

  std::unique_ptr<StaticSecrets> secrets_;
};

TEST_F(StaticSecretsInTheVault, AreThereOncePut) {
  EXPECT_EQ(Read("bot"), "SECRET_NOT_FOUND");
  const auto info = Put("bot", "value-1");
  EXPECT_EQ(info->name, "bot");
  EXPECT_EQ(info->version, 1u);
  EXPECT_EQ(info->create_time, clock_.Now());
  EXPECT_EQ(info->provider, ProviderId("discord"));
  EXPECT_EQ(info->size, 7u);
  const auto got = Get("bot");
  EXPECT_EQ(got->value.Expose(), "value-1");
  EXPECT_EQ(got->info.name, "bot");
  EXPECT_EQ(got->info.version, 1u);
  EXPECT_EQ(got->info.create_time, clock_.Now());
  EXPECT_EQ(got->info.provider, ProviderId("discord"));
  EXPECT_EQ(got->info.size, 7u);
}

TEST_F(StaticSecretsInTheVault, TheLatestIsInMemoryAsSoonAsItIsPut) {
  EXPECT_EQ(ReadMemory("bot"), "nothing");
  ASSERT_TRUE(Put("bot", "value-1").ok());
  ASSERT_TRUE(Put("bot", "value-2").ok());
  EXPECT_EQ(ReadMemory("bot"), "value-2");
  EXPECT_EQ(ReadMemory("bot", 2), "value-2");
  EXPECT_EQ(ReadMemory("bot", 1), "nothing");
  EXPECT_EQ(ReadMemory("bot", 3), "nothing");
  Restart();
  EXPECT_EQ(ReadMemory("bot"), "nothing");
  EXPECT_EQ(Read("bot"), "value-2");
  EXPECT_EQ(ReadMemory("bot"), "value-2");
}

TEST_F(StaticSecretsInTheVault, OlderVersionsStayReadableByNumber) {
  for (int i = 1; i <= 4; ++i) {
    ASSERT_TRUE(Put("bot", fmt::format("value-{}", i)).ok());
    clock_.Advance(std::chrono::seconds(1));
  }
  for (uint64_t i = 1; i <= 4; ++i) {
    EXPECT_EQ(Read("bot", i), fmt::format("value-{}", i));
    EXPECT_EQ(Get("bot", i)->info.version, i);
    EXPECT_EQ(Get("bot", i)->info.create_time, clock_.Now() - std::chrono::seconds(5 - i));
  }
  EXPECT_EQ(Read("bot", 0), "SECRET_VERSION_NOT_FOUND");
  EXPECT_EQ(Read("bot", 5), "SECRET_VERSION_NOT_FOUND");
}

TEST_F(StaticSecretsInTheVault, TheLastTenVersionsAreKept) {
  for (int i = 1; i <= 13; ++i) ASSERT_TRUE(Put("bot", fmt::format("value-{}", i)).ok());
  for (uint64_t i = 1; i <= 3; ++i) EXPECT_EQ(Read("bot", i), "SECRET_VERSION_NOT_FOUND") << i;
  for (uint64_t i = 4; i <= 13; ++i) EXPECT_EQ(Read("bot", i), fmt::format("value-{}", i));
  const Partition partition = Key::Under(Kind::kStaticSecretVersion, acme_, "", "x").partition;
  const auto left = Run(sqlite_->Scan(partition, Kind::kStaticSecretVersion, acme_, "", 100, Soon()));
  EXPECT_EQ(left->records.size(), 9u) << "what is not kept is gone from the store, too";
}

TEST_F(StaticSecretsInTheVault, APutIsOneCommit) {
  for (int i = 1; i <= 10; ++i) ASSERT_TRUE(Put("bot", "value").ok());
  store_->commits = 0;
  ASSERT_TRUE(Put("bot", "value").ok());
  EXPECT_EQ(store_->commits, 1);
  EXPECT_EQ(store_->last_commit.size(), 3u) << "the head, the version before, the version that is dropped";
}

TEST_F(StaticSecretsInTheVault, HoldAnyBytesUpTo64KiB) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  for (const std::string& value : {all, std::string(1, '\0'), std::string(65536, '\xff')}) {
    ASSERT_TRUE(Put("bot", value).ok());
    EXPECT_EQ(Read("bot"), value);
    EXPECT_EQ(ReadMemory("bot"), value);
  }
  EXPECT_EQ(Read("bot", 1), all);
  for (const std::string& value : {std::string(), std::string(65537, 'x')}) {
    const auto refused = Put("bot", value);
    EXPECT_TRUE(HasReason(refused.status(), Reason::kInvalidField));
    EXPECT_EQ(FieldOf(refused.status()), "value");
  }
  EXPECT_EQ(Get("bot")->info.version, 3u);
}

TEST_F(StaticSecretsInTheVault, ArePutOnlyOnTheExpectedVersion) {
  EXPECT_TRUE(HasReason(Put("bot", "x", 1).status(), Reason::kVersionMismatch));
  EXPECT_EQ(Put("bot", "value-1", 0)->version, 1u);
  const auto refused = Put("bot", "x", 0);
  EXPECT_TRUE(HasReason(refused.status(), Reason::kVersionMismatch));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("the latest version is 1, not 0"));
  EXPECT_EQ(Put("bot", "value-2", 1)->version, 2u);
  EXPECT_EQ(Read("bot"), "value-2");
}

TEST_F(StaticSecretsInTheVault, KeepTheirProviderUntilAnotherIsGivenOrTheyAreDeleted) {
  const auto put = [this](const std::string& provider) {
    return Run(secrets_->Put(acme_, "bot", Secret("v"), ProviderId(provider), std::nullopt, Soon()))
        .value()
        .provider.value();
  };
  EXPECT_EQ(put("discord"), "discord");
  EXPECT_EQ(put(""), "discord");
  EXPECT_EQ(put("slack"), "slack");
  EXPECT_EQ(put(""), "slack");
  EXPECT_TRUE(Delete("bot").ok());
  EXPECT_EQ(put(""), "");
}

TEST_F(StaticSecretsInTheVault, ADeleteLeavesNothingButTheNumber) {
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(Put("bot", fmt::format("value-{}", i)).ok());
  EXPECT_TRUE(Delete("bot").ok());
  EXPECT_EQ(Read("bot"), "SECRET_NOT_FOUND");
  EXPECT_EQ(ReadMemory("bot"), "SECRET_NOT_FOUND");
  for (uint64_t i = 1; i <= 3; ++i) EXPECT_EQ(Read("bot", i), "SECRET_NOT_FOUND");
  const Partition partition = Key::Under(Kind::kStaticSecretVersion, acme_, "", "x").partition;
  EXPECT_THAT(Run(sqlite_->Scan(partition, Kind::kStaticSecretVersion, acme_, "", 100, Soon()))->records,
              IsEmpty());
  EXPECT_TRUE(HasReason(Delete("bot"), Reason::kSecretNotFound));

  EXPECT_EQ(Put("bot", "value-4", 0)->version, 4u) << "numbers are not used twice";
  EXPECT_EQ(Read("bot"), "value-4");
  EXPECT_EQ(Read("bot", 3), "SECRET_VERSION_NOT_FOUND");
}

TEST_F(StaticSecretsInTheVault, AreDeletedOnlyAtTheExpectedVersion) {
  EXPECT_TRUE(HasReason(Delete("bot"), Reason::kSecretNotFound));
  ASSERT_TRUE(Put("bot", "value-1").ok());
  EXPECT_TRUE(HasReason(Delete("bot", 2), Reason::kVersionMismatch));
  EXPECT_EQ(Read("bot"), "value-1");
  EXPECT_TRUE(Delete("bot", 1).ok());
}

TEST_F(StaticSecretsInTheVault, ConcurrentPutsAllSucceedInSomeOrder) {
  std::vector<std::shared_ptr<std::optional<absl::StatusOr<StaticSecretInfo>>>> puts;
  for (int i = 0; i < 8; ++i) {
    Secret value(fmt::format("value-of-{}", i));
    puts.push_back(
        loop_.Start(secrets_->Put(acme_, "bot", std::move(value), ProviderId(), std::nullopt, Soon())));
  }
  loop_.RunUntil([&] { return std::ranges::all_of(puts, [](const auto& put) { return put->has_value(); }); });
  std::vector<bool> seen(9);
  for (int i = 0; i < 8; ++i) {
    const auto& info = **puts[static_cast<size_t>(i)];
    ASSERT_TRUE(info.ok()) << info.status();
    ASSERT_LE(info->version, 8u);
    EXPECT_FALSE(seen[info->version]);
    seen[info->version] = true;
    EXPECT_EQ(Read("bot", info->version), fmt::format("value-of-{}", i));
  }
}

TEST_F(StaticSecretsInTheVault, APutOvertakenByAnotherIsTriedAgain) {
  ASSERT_TRUE(Put("bot", "value-1").ok());
  store_->before_next_commit = [this]() -> boost::asio::awaitable<void> {
    Secret value("overtaking");
    const auto put =
        co_await secrets_->Put(acme_, "bot", std::move(value), ProviderId(), std::nullopt, Soon());
    EXPECT_EQ(put->version, 2u);
  };
  EXPECT_EQ(Put("bot", "value-3")->version, 3u);
  EXPECT_EQ(Read("bot", 2), "overtaking");
  EXPECT_EQ(ReadMemory("bot"), "value-3");
}

TEST_F(StaticSecretsInTheVault, AConditionalPutOvertakenByAnotherIsRefused) {
  ASSERT_TRUE(Put("bot", "value-1").ok());
  store_->before_next_commit = [this]() -> boost::asio::awaitable<void> {
    EXPECT_TRUE((co_await secrets_->Delete(acme_, "bot", std::nullopt, Soon())).ok());
  };
  EXPECT_TRUE(HasReason(Put("bot", "value-2", 1).status(), Reason::kVersionMismatch));
  EXPECT_EQ(Read("bot"), "SECRET_NOT_FOUND");
}

TEST_F(StaticSecretsInTheVault, ADeleteOvertakenByAPutIsTriedAgain) {
  ASSERT_TRUE(Put("bot", "value-1").ok());
  store_->before_next_commit = [this]() -> boost::asio::awaitable<void> {
    Secret value("value-2");
    EXPECT_TRUE(
        (co_await secrets_->Put(acme_, "bot", std::move(value), ProviderId(), std::nullopt, Soon())).ok());
  };
  EXPECT_TRUE(Delete("bot").ok());
  EXPECT_EQ(Read("bot"), "SECRET_NOT_FOUND");
}

TEST_F(StaticSecretsInTheVault, AVersionRecordThatTheStoreHasLostDoesNotStopNewVersions) {
  for (int i = 1; i <= 10; ++i) ASSERT_TRUE(Put("bot", "value").ok());
  const Key version =
      Key::Under(Kind::kStaticSecretVersion, acme_, "", std::string("bot\0\0\0\0\0\0\0\0\1", 12));
  ASSERT_TRUE(Stored(version).has_value());
  std::vector<Write> writes;
  writes.emplace_back(grantkeep::Delete{version, 1});
  ASSERT_TRUE(Run(sqlite_->Commit(std::move(writes), Soon())).ok());
  EXPECT_EQ(Read("bot", 1), "SECRET_VERSION_NOT_FOUND");
  EXPECT_EQ(Put("bot", "value")->version, 11u);
}

TEST_F(StaticSecretsInTheVault, AVersionRecordThatShouldNotBeThereIsDamageAndNotRetriedForEver) {
  ASSERT_TRUE(Put("bot", "value").ok());
  Overwrite(Key::Under(Kind::kStaticSecretVersion, acme_, "", std::string("bot\0\0\0\0\0\0\0\0\1", 12)),
            "somebody's");
  EXPECT_TRUE(HasReason(Put("bot", "value").status(), Reason::kStoreCorrupt));
}

TEST_F(StaticSecretsInTheVault, AreListedByNameWithoutTombstones) {
  EXPECT_THAT(ListAll(10), IsEmpty());
  for (const char* name : {"d", "b", "a", "e", "c", "ab"}) ASSERT_TRUE(Put(name, "value").ok());
  ASSERT_TRUE(Put("b", "longer value").ok());
  ASSERT_TRUE(Delete("c").ok());
  ASSERT_TRUE(Run(secrets_->Put(TenantId("other"), "foreign", Secret("x"), ProviderId(), {}, Soon())).ok());
  for (const size_t limit : {1, 2, 3, 5, 1000}) {
    EXPECT_THAT(ListAll(limit), ElementsAre("a", "ab", "b", "d", "e")) << limit;
  }
  const auto page = Run(secrets_->List(acme_, 10, "", Soon()));
  EXPECT_EQ(page->secrets[2].name, "b");
  EXPECT_EQ(page->secrets[2].version, 2u);
  EXPECT_EQ(page->secrets[2].size, 12u);
}

TEST_F(StaticSecretsInTheVault, AreListedBeyondOneScanOfTheStore) {
  std::vector<std::string> expected;
  for (int i = 0; i < 150; ++i) {
    expected.push_back(fmt::format("s{:03}", i));
    ASSERT_TRUE(Put(expected.back(), "value").ok());
  }
  for (int i = 0; i < 70; ++i) {
    ASSERT_TRUE(Delete(expected.front()).ok());
    expected.erase(expected.begin());
  }
  EXPECT_EQ(ListAll(1000), expected);
  EXPECT_EQ(ListAll(33), expected);
}

TEST_F(StaticSecretsInTheVault, APageTokenIsForItsTenant) {
  ASSERT_TRUE(Put("a", "x").ok());
  ASSERT_TRUE(Put("b", "x").ok());
  const std::string token = Run(secrets_->List(acme_, 1, "", Soon()))->next;
  ASSERT_FALSE(token.empty());
  for (const absl::Status& status : {Run(secrets_->List(TenantId("other"), 1, token, Soon())).status(),
                                     Run(secrets_->List(acme_, 1, token + "A", Soon())).status()}) {
    EXPECT_TRUE(HasReason(status, Reason::kInvalidField));
    EXPECT_EQ(FieldOf(status), "page_token");
  }
}

TEST_F(StaticSecretsInTheVault, OfOneTenantAreNotAnothers) {
  ASSERT_TRUE(Put("bot", "value").ok());
  const auto got = Run(secrets_->Get(TenantId("other"), "bot", {}, Soon()));
  EXPECT_TRUE(HasReason(got.status(), Reason::kSecretNotFound));
  EXPECT_FALSE(secrets_->FromMemory(TenantId("other"), "bot", {}).value().has_value());
}

TEST_F(StaticSecretsInTheVault, StoreErrorsComeUpWithContext) {
  ASSERT_TRUE(Put("bot", "value").ok());
  Restart();
  store_->failure = Error(Reason::kStoreUnavailable, "disk on fire");
  for (const absl::Status& status : {Get("bot").status(), Put("bot", "x").status(), Delete("bot"),
                                     Run(secrets_->List(acme_, 1, "", Soon())).status()}) {
    EXPECT_TRUE(HasReason(status, Reason::kStoreUnavailable)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("static secret"));
    EXPECT_THAT(std::string(status.message()), HasSubstr(": disk on fire"));
  }
}

TEST_F(StaticSecretsInTheVault, InMemoryNeedNoStore) {
  ASSERT_TRUE(Put("bot", "value").ok());
  store_->failure = Error(Reason::kStoreUnavailable, "disk on fire");
  EXPECT_EQ(ReadMemory("bot"), "value");
  EXPECT_EQ(Read("bot"), "value");
  EXPECT_FALSE(Get("bot")->unverified) << "nobody else writes to this store";
}

TEST_F(StaticSecretsInTheVault, AreNotAnsweredFromMemoryAfterAPutThatMayHaveHappened) {
  ASSERT_TRUE(Put("bot", "old").ok());
  store_->commit_answers_lost = 1;
  EXPECT_FALSE(Put("bot", "new").ok());
  EXPECT_EQ(ReadMemory("bot"), "nothing");
  EXPECT_EQ(Read("bot"), "new");
}

TEST_F(StaticSecretsInTheVault, AnAlteredRecordIsCorrupt) {
  ASSERT_TRUE(Put("bot", "value").ok());
  const Key key = Key::Under(Kind::kStaticSecret, acme_, "", "bot");
  std::string value = Stored(key)->value;
  value.back() = static_cast<char>(value.back() ^ 1);
  Overwrite(key, value);
  EXPECT_EQ(Read("bot"), "STORE_CORRUPT");
}

}  // namespace
}  // namespace grantkeep::testing
