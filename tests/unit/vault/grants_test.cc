// SPDX-License-Identifier: Apache-2.0
#include "vault/grants.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/reason.h"
#include "tests/unit/vault/vault_fixture.h"
#include "vault/grant_listing.h"

namespace grantkeep::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Outcome = CommitResult::Outcome;

class GrantsInTheVault : public VaultFixture {
 protected:
  GrantsInTheVault() { Restart(); }

  void Restart() {
    records_ = NewRecords();
    grants_ = std::make_unique<Grants>(*store_, *records_, *changes_, clock_);
  }
  static Wiped<storage::v1::Grant> MakeGrant(const std::string& id, const std::string& subject = "alice") {
    Wiped<storage::v1::Grant> grant;
    grant->set_grant_id(id);
    grant->set_subject(subject);
    grant->set_generation(1);
    grant->set_access_token("access-1");
    grant->set_refresh_token("refresh-1");
    return grant;
  }
  absl::StatusOr<GrantCommit> Commit(Wiped<storage::v1::Grant> grant, Revision replaces,
                                     std::vector<Write> also = {}) {
    return Run(grants_->Commit(acme_, std::move(grant), replaces, std::move(also), Soon()));
  }
  void Store(const std::string& id, const std::string& subject = "alice") {
    ASSERT_EQ(Commit(MakeGrant(id, subject), 0).value().outcome, Outcome::kDone);
    ASSERT_TRUE(Run(grants_->Index(acme_, SubjectId(subject), GrantId(id), Soon())).ok());
  }
  absl::StatusOr<std::optional<StoredGrant>> Load(const std::string& id) {
    return Run(grants_->Load(acme_, GrantId(id), Soon()));
  }
  absl::StatusOr<std::optional<StoredGrant>> FromMemory(const std::string& id) {
    return grants_->FromMemory(acme_, GrantId(id));
  }
  absl::StatusOr<GrantPage> List(const std::optional<SubjectId>& subject, size_t limit, std::string token) {
    return Run(grants_->List(acme_, subject, limit, std::move(token), Soon()));
  }
  // Ids over all pages, in the order given.
  std::vector<std::string> ListAll(const std::optional<SubjectId>& subject, size_t limit) {
    std::vector<std::string> ids;
    std::string token;
    do {
      const auto page = List(subject, limit, token);
      EXPECT_TRUE(page.ok()) << page.status();
      EXPECT_LE(page->grants.size(), limit);
      for (const StoredGrant& stored : page->grants) ids.push_back(stored.grant->grant_id());
      token = page->next;
    } while (!token.empty());
    return ids;
  }

  std::unique_ptr<Grants> grants_;
};

TEST_F(GrantsInTheVault, AreInMemoryAsSoonAsTheyAreWritten) {
  EXPECT_FALSE(FromMemory("g1").value().has_value());
  const auto commit = Commit(MakeGrant("g1"), 0);
  EXPECT_EQ(commit->outcome, Outcome::kDone);
  EXPECT_EQ(commit->store_time, clock_.Now());
  EXPECT_EQ(commit->current->revision, 1u);
  EXPECT_EQ(commit->current->grant->access_token(), "access-1");
  store_->gets = 0;
  const auto stored = FromMemory("g1").value();
  EXPECT_EQ(stored->revision, 1u);
  EXPECT_EQ(stored->grant->access_token(), "access-1");
  EXPECT_EQ(stored->grant->refresh_token(), "refresh-1");
  EXPECT_EQ(store_->gets, 0);
  EXPECT_EQ(grants_->cached(), 1u);
}

TEST_F(GrantsInTheVault, AreLoadedOnceAfterARestart) {
  Store("g1");
  Restart();
  EXPECT_FALSE(FromMemory("g1").value().has_value());
  EXPECT_EQ(Load("g1").value()->grant->access_token(), "access-1");
  EXPECT_EQ(FromMemory("g1").value()->grant->access_token(), "access-1");
}

TEST_F(GrantsInTheVault, HaveTheirIdFromTheKeyAndNotFromTheRecord) {
  Store("g1");
  const Key key = Grants::KeyOf(acme_, GrantId("g1"));
  const auto payload = Open(key, 1, Stored(key)->value);
  storage::v1::Grant sealed;
  ASSERT_TRUE(sealed.ParseFromString(std::string(payload->Expose())));
  EXPECT_EQ(sealed.subject(), "alice");
  EXPECT_EQ(sealed.grant_id(), "");
  EXPECT_EQ(Commit(MakeGrant("g1"), 1)->current->grant->grant_id(), "g1");
  EXPECT_EQ(Commit(MakeGrant("g1"), 1)->current->grant->grant_id(), "g1") << "refused";
  EXPECT_EQ(FromMemory("g1").value()->grant->grant_id(), "g1");
  EXPECT_EQ(grants_->Remembered(acme_, GrantId("g1")).value()->stored.grant->grant_id(), "g1");
  EXPECT_EQ(Load("g1").value()->grant->grant_id(), "g1");
  EXPECT_EQ(ListAll(std::nullopt, 10), std::vector<std::string>{"g1"});
}

TEST_F(GrantsInTheVault, ThatDoNotExistAreNothing) {
  EXPECT_FALSE(Load("nope").value().has_value());
  Store("g1");
  EXPECT_FALSE(Load("nope").value().has_value());
  EXPECT_FALSE(grants_->FromMemory(TenantId("other"), GrantId("g1")).value().has_value());
  EXPECT_FALSE(Run(grants_->Load(TenantId("other"), GrantId("g1"), Soon())).value().has_value());
}

TEST_F(GrantsInTheVault, AreReplacedByRevision) {
  Store("g1");
  Wiped<storage::v1::Grant> next = MakeGrant("g1");
  next->set_access_token("access-2");
  EXPECT_EQ(Commit(std::move(next), 1)->current->revision, 2u);
  EXPECT_EQ(FromMemory("g1").value()->grant->access_token(), "access-2");
  EXPECT_EQ(Load("g1").value()->grant->access_token(), "access-2");
}

TEST_F(GrantsInTheVault, ALoserIsToldWhatIsThereNow) {
  Store("g1");
  Wiped<storage::v1::Grant> next = MakeGrant("g1");
  next->set_access_token("access-2");
  ASSERT_EQ(Commit(next.Clone(), 1)->outcome, Outcome::kDone);
  next->set_access_token("access-of-the-loser");
  const auto lost = Commit(std::move(next), 1);
  EXPECT_EQ(lost->outcome, Outcome::kRevisionMismatch);
  EXPECT_EQ(lost->current->revision, 2u);
  EXPECT_EQ(lost->current->grant->access_token(), "access-2");
  EXPECT_EQ(FromMemory("g1").value()->grant->access_token(), "access-2");
}

TEST_F(GrantsInTheVault, AMismatchOnAnAbsentGrantHasNoCurrent) {
  const auto lost = Commit(MakeGrant("g1"), 4);
  EXPECT_EQ(lost->outcome, Outcome::kRevisionMismatch);
  EXPECT_FALSE(lost->current.has_value());
  EXPECT_FALSE(FromMemory("g1").value().has_value());
}

TEST_F(GrantsInTheVault, WhatAnotherProcessWroteUntoldIsLearntFromTheMismatch) {
  Store("g1");
  const auto elsewhere_records = NewRecords();
  Grants elsewhere(*store_, *elsewhere_records, *changes_, clock_);
  sqlite_->OnChange(nullptr);  // nobody is told
  Wiped<storage::v1::Grant> next = MakeGrant("g1");
  next->set_access_token("access-elsewhere");
  ASSERT_EQ(Run(elsewhere.Commit(acme_, std::move(next), 1, {}, Soon()))->outcome, Outcome::kDone);
  EXPECT_EQ(FromMemory("g1").value()->grant->access_token(), "access-1");
  EXPECT_EQ(Commit(MakeGrant("g1"), 1)->outcome, Outcome::kRevisionMismatch);
  EXPECT_EQ(FromMemory("g1").value()->grant->access_token(), "access-elsewhere");
}

TEST_F(GrantsInTheVault, LeasesTravelWithTheCommit) {
  Store("g1");
  const Key key = Grants::KeyOf(acme_, GrantId("g1"));
  EXPECT_EQ(Commit(MakeGrant("g1"), 1, {TakeLease{key, "me", std::chrono::seconds(20)}})->outcome,
            Outcome::kDone);
  const auto refused = Commit(MakeGrant("g1"), 2, {TakeLease{key, "you", std::chrono::seconds(20)}});
  EXPECT_EQ(refused->outcome, Outcome::kLeased);
  EXPECT_EQ(refused->lease_end, clock_.Now() + std::chrono::seconds(20));
  EXPECT_EQ(refused->current->revision, 2u);
  EXPECT_EQ(Commit(MakeGrant("g1"), 2, {RequireLease{key, "you"}})->outcome, Outcome::kLeaseLost);
  EXPECT_EQ(Commit(MakeGrant("g1"), 2, {RequireLease{key, "me"}})->outcome, Outcome::kDone);
}

TEST_F(GrantsInTheVault, AnAlteredRecordIsCorruptAndNotRemembered) {
  Store("g1");
  const Key key = Grants::KeyOf(acme_, GrantId("g1"));
  std::string value = Stored(key)->value;
  value.back() = static_cast<char>(value.back() ^ 1);
  Overwrite(key, value);
  Restart();
  const auto loaded = Load("g1");
  EXPECT_TRUE(HasReason(loaded.status(), Reason::kStoreCorrupt)) << loaded.status();
  EXPECT_THAT(std::string(loaded.status().message()), HasSubstr("g1"));
  EXPECT_FALSE(FromMemory("g1").value().has_value());
}

TEST_F(GrantsInTheVault, AnOldRecordPutBackUnderANewRevisionIsCorrupt) {
  Store("g1");
  const Key key = Grants::KeyOf(acme_, GrantId("g1"));
  const std::string old = Stored(key)->value;
  ASSERT_EQ(Commit(MakeGrant("g1"), 1)->outcome, Outcome::kDone);
  Overwrite(key, old);
  EXPECT_TRUE(HasReason(Load("g1").status(), Reason::kStoreCorrupt));
}

TEST_F(GrantsInTheVault, StoreErrorsComeUpWithContext) {
  Store("g1");
  store_->failure = Error(Reason::kStoreUnavailable, "disk on fire");
  for (const absl::Status& status :
       {Load("g1").status(), Commit(MakeGrant("g1"), 1).status(), List(std::nullopt, 10, "").status(),
        List(SubjectId("alice"), 10, "").status(),
        Run(grants_->Index(acme_, SubjectId("alice"), GrantId("g1"), Soon()))}) {
    EXPECT_TRUE(HasReason(status, Reason::kStoreUnavailable)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("grant"));
    EXPECT_THAT(std::string(status.message()), HasSubstr(": disk on fire"));
  }
  EXPECT_TRUE(FromMemory("g1").value().has_value()) << "memory does not need the store";
}

TEST_F(GrantsInTheVault, ListsEachOfATenantOnceWhateverThePageSize) {
  std::multiset<std::string> expected;
  for (int i = 0; i < 40; ++i) {
    Store(fmt::format("g{}", i), fmt::format("user{}", i % 3));
    expected.insert(fmt::format("g{}", i));
  }
  ASSERT_EQ(Run(grants_->Commit(TenantId("other"), MakeGrant("foreign"), 0, {}, Soon()))->outcome,
            Outcome::kDone);
  for (const size_t limit : {1, 7, 40, 1000}) {
    const auto ids = ListAll(std::nullopt, limit);
    EXPECT_EQ(std::multiset<std::string>(ids.begin(), ids.end()), expected) << limit;
  }
}

TEST_F(GrantsInTheVault, ListsOneSubjectsInOrderOfId) {
  for (int i = 0; i < 12; ++i) Store(fmt::format("g{:02}", i), i % 2 == 0 ? "alice" : "bob");
  for (const size_t limit : {1, 2, 5, 6, 1000}) {
    EXPECT_THAT(ListAll(SubjectId("alice"), limit), ElementsAre("g00", "g02", "g04", "g06", "g08", "g10"))
        << limit;
  }
  EXPECT_THAT(ListAll(SubjectId("carol"), 10), IsEmpty());
  EXPECT_THAT(ListAll(SubjectId("ali"), 10), IsEmpty());
}

TEST_F(GrantsInTheVault, ListsASubjectsAfterARestart) {
  Store("g1");
  Restart();
  EXPECT_THAT(ListAll(SubjectId("alice"), 10), ElementsAre("g1"));
}

TEST_F(GrantsInTheVault, AHintIsOnlyBelievedWhenTheGrantConfirmsIt) {
  Store("g1");
  Store("g2", "bob");
  // One that leads to another subject's grant, one that leads nowhere.
  for (const char* id : {"g2", "gone"}) {
    ASSERT_TRUE(Run(grants_->Index(acme_, SubjectId("alice"), GrantId(id), Soon())).ok());
  }
  EXPECT_THAT(ListAll(SubjectId("alice"), 10), ElementsAre("g1"));
  EXPECT_THAT(ListAll(SubjectId("alice"), 1), ElementsAre("g1"));
}

TEST_F(GrantsInTheVault, IndexingTwiceIsFine) {
  Store("g1");
  EXPECT_TRUE(Run(grants_->Index(acme_, SubjectId("alice"), GrantId("g1"), Soon())).ok());
  EXPECT_THAT(ListAll(SubjectId("alice"), 10), ElementsAre("g1"));
}

TEST_F(GrantsInTheVault, HintsShowNoSubject) {
  EXPECT_EQ(SubjectHintKey(acme_, SubjectId("alice"), GrantId("g1")).id.find("alice"), std::string::npos);
}

TEST_F(GrantsInTheVault, APageTokenIsForItsOwnListing) {
  for (int i = 0; i < 4; ++i) Store(fmt::format("g{}", i));
  const std::string all = List(std::nullopt, 1, "")->next;
  const std::string alices = List(SubjectId("alice"), 1, "")->next;
  ASSERT_FALSE(all.empty());
  ASSERT_FALSE(alices.empty());
  const auto wrong = {List(SubjectId("alice"), 1, all).status(), List(std::nullopt, 1, alices).status(),
                      List(SubjectId("bob"), 1, alices).status(), List(std::nullopt, 1, "nonsense").status(),
                      Run(grants_->List(TenantId("other"), std::nullopt, 1, all, Soon())).status()};
  for (const absl::Status& status : wrong) {
    EXPECT_TRUE(HasReason(status, Reason::kInvalidField));
    EXPECT_EQ(FieldOf(status), "page_token");
  }
}

TEST_F(GrantsInTheVault, AreReadFromMemoryOnAnyThreadWhileTheyAreWritten) {
  Store("g1");
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  readers.reserve(2);
  for (int t = 0; t < 2; ++t) {
    readers.emplace_back([&] {
      uint64_t last = 0;
      while (!done) {
        const auto stored = grants_->FromMemory(acme_, GrantId("g1"));
        if (!stored.ok() || !stored->has_value() || (*stored)->grant->generation() < last) {
          ++wrong;
          continue;
        }
        last = (*stored)->grant->generation();
        if ((*stored)->grant->access_token() != fmt::format("access-{}", last)) ++wrong;
      }
    });
  }
  for (uint64_t generation = 2; generation < 200; ++generation) {
    Wiped<storage::v1::Grant> next = MakeGrant("g1");
    next->set_generation(generation);
    next->set_access_token(fmt::format("access-{}", generation));
    EXPECT_EQ(Commit(std::move(next), generation - 1)->outcome, Outcome::kDone);
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace grantkeep::testing
