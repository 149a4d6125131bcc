// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_UNIT_VAULT_COHERENCE_FIXTURE_H_
#define GRANTKEEP_TESTS_UNIT_VAULT_COHERENCE_FIXTURE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/vault/vault_fixture.h"
#include "vault/grants.h"

namespace grantkeep::testing {

// A vault over a store that other processes write to, and that loses what it has acknowledged.
class CoherenceFixture : public VaultFixture {
 protected:
  static Wiped<storage::v1::Grant> MakeGrant(const std::string& id, const std::string& access_token,
                                             storage::v1::Grant::State state) {
    Wiped<storage::v1::Grant> grant;
    grant->set_grant_id(id);
    grant->set_subject("alice");
    grant->set_generation(1);
    grant->set_access_token(access_token);
    grant->set_state(state);
    return grant;
  }
  static Wiped<storage::v1::Grant> MakeGrant(const std::string& id, const std::string& access_token) {
    return MakeGrant(id, access_token, storage::v1::Grant::STATE_ACTIVE);
  }
  static Key KeyOf(const std::string& id) { return Grants::KeyOf(TenantId("acme"), GrantId(id)); }

  absl::StatusOr<GrantCommit> Commit(Wiped<storage::v1::Grant> grant, Revision replaces) {
    return Run(grants_->Commit(acme_, std::move(grant), replaces, {}, Soon()));
  }
  // Writes the grant so often that it is at `revision`; its token is "access-<revision>".
  void StoreUpTo(const std::string& id, Revision revision) {
    for (Revision r = 0; r < revision; ++r) {
      const auto commit = Commit(MakeGrant(id, "access-" + std::to_string(r + 1)), r);
      ASSERT_TRUE(commit.ok() && commit->outcome == CommitResult::Outcome::kDone);
    }
  }
  absl::StatusOr<std::optional<StoredGrant>> Load(const std::string& id) {
    return Run(grants_->Load(acme_, GrantId(id), Soon()));
  }
  // "access token@revision", "nothing" or "error".
  static std::string Describe(const absl::StatusOr<std::optional<StoredGrant>>& grant) {
    if (!grant.ok()) return "error";
    if (!grant->has_value()) return "nothing";
    return (*grant)->grant->access_token() + "@" + std::to_string((*grant)->revision);
  }
  std::string LoadText(const std::string& id = "g1") { return Describe(Load(id)); }
  std::string MemoryText(const std::string& id = "g1") {
    return Describe(grants_->FromMemory(acme_, GrantId(id)));
  }

  // Alice's grants, as her hints lead to them. Nothing that StoreUpTo writes has one.
  std::vector<std::string> Listed() {
    std::vector<std::string> ids;
    const auto page = Run(grants_->List(acme_, SubjectId("alice"), 100, "", Soon()));
    EXPECT_TRUE(page.ok()) << page.status();
    for (const StoredGrant& stored : page->grants) ids.push_back(stored.grant->grant_id());
    return ids;
  }

  // What a failover does: the record is as it was once (absent: it is not there), and nobody is told.
  void Lose(const Key& key, const std::optional<Record>& to = std::nullopt) {
    sqlite_->OnChange(nullptr);
    std::vector<Write> writes;
    writes.emplace_back(Delete{key, Stored(key)->revision});
    ASSERT_TRUE(Run(sqlite_->Commit(std::move(writes), Soon())).ok());
    if (to.has_value()) {
      writes.clear();
      writes.emplace_back(Restore{key, to->revision, to->value});
      ASSERT_TRUE(Run(sqlite_->Commit(std::move(writes), Soon())).ok());
    }
    ++store_->current_epoch;
  }
  // A record of this key as another process would write it.
  Record Sealed(const Key& key, Revision revision, const google::protobuf::Message& payload) {
    return {key, revision, Seal(key, revision, payload.SerializeAsString())};
  }

  std::unique_ptr<Grants> grants_ = std::make_unique<Grants>(*store_, *records_, *changes_, clock_);
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_UNIT_VAULT_COHERENCE_FIXTURE_H_
