// SPDX-License-Identifier: Apache-2.0
#include "vault/grants.h"

#include <algorithm>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "vault/cached_records.h"
#include "vault/grant_listing.h"
#include "vault/sealed.h"
#include "vault/store_changes.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;

bool Parse(std::string_view payload, storage::v1::Grant& grant) {
  return grant.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
}

constexpr CachedRecords::Rules kRules{
    .kind = Kind::kGrant,
    .noun = "grant",
    .key_of = [](const TenantId& tenant,
                 const std::string& id) { return Grants::KeyOf(tenant, GrantId(id)); },
    .standing_of =
        [](std::string_view payload) {
          Wiped<storage::v1::Grant> grant;
          if (!Parse(payload, *grant)) return Standing();
          return Standing{.tombstone = grant->state() == storage::v1::Grant::STATE_REVOKED,
                          .generation = grant->generation()};
        },
    .final_tombstones = true,
};

}  // namespace

struct Grants::State {
  State(Store& store_ref, SealedRecords& records_ref, StoreChanges& changes, Clock& clock,
        SnapshotCache::Limits limits)
      : store(store_ref),
        records(records_ref),
        cached(kRules, store, records, changes, clock, limits),
        told(changes.OnChange(Kind::kGrant, [this](const Change& change) { waiters.Tell(change.key); })) {
    // A grant that the store has lost has often lost its hint, too.
    cached.PutBackAfter([this](const Key& key, std::string_view payload, Tick deadline) {
      Wiped<storage::v1::Grant> grant;
      if (!Parse(payload, *grant)) return Nothing();
      return Index(key.tenant, SubjectId(grant->subject()), GrantId(key.id), deadline);
    });
  }

  static awaitable<absl::Status> Nothing() { co_return absl::OkStatus(); }
  awaitable<absl::Status> Index(TenantId tenant, SubjectId subject, GrantId grant, Tick deadline) {
    std::vector<Write> writes;
    writes.emplace_back(Put{SubjectHintKey(tenant, subject, grant), 0, {}, std::nullopt, std::nullopt});
    // A revision mismatch says that the hint is there already.
    const auto committed = co_await store.Commit(std::move(writes), deadline);
    co_return Annotate(committed.status(), "indexing a grant");
  }

  // Built in place: the hot path moves no messages.
  absl::Status Read(const GrantId& id, Revision revision, std::string_view payload,
                    StoredGrant& stored) const {
    stored.revision = revision;
    if (!Parse(payload, *stored.grant)) {
      return Error(Reason::kStoreCorrupt, "a sealed grant cannot be read");
    }
    stored.grant->set_grant_id(id.value());
    if (read_rule) read_rule(*stored.grant);
    return absl::OkStatus();
  }
  absl::Status Read(const GrantId& id, const OpenedRecord& record, StoredGrant& stored) const {
    return Read(id, record.revision, record.payload.Expose(), stored);
  }

  Store& store;
  SealedRecords& records;
  // Told of a change before the waiters are: whoever they wake finds no outdated grant in it.
  CachedRecords cached;
  ChangeWaiters waiters;
  const StoreChanges::Subscription told;
  std::function<void(storage::v1::Grant&)> read_rule;
};

Grants::Grants(Store& store, SealedRecords& records, StoreChanges& changes, Clock& clock,
               SnapshotCache::Limits limits)
    : state_(std::make_unique<State>(store, records, changes, clock, limits)) {}

Grants::~Grants() = default;

void Grants::OnRead(std::function<void(storage::v1::Grant&)> rule) { state_->read_rule = std::move(rule); }

absl::Status Grants::Read(const GrantId& id, Revision revision, std::string_view payload,
                          StoredGrant& stored) const {
  return state_->Read(id, revision, payload, stored);
}

Key Grants::KeyOf(const TenantId& tenant, const GrantId& grant) {
  return Key::Of(Kind::kGrant, tenant, grant.value());
}

absl::StatusOr<std::optional<StoredGrant>> Grants::FromMemory(const TenantId& tenant, const GrantId& grant) {
  absl::StatusOr<std::optional<StoredGrant>> result(std::nullopt);
  const auto record = state_->cached.FromMemory(tenant.value(), grant.value());
  if (!record.ok()) return record.status();
  if (record->has_value()) RETURN_IF_ERROR(state_->Read(grant, **record, result->emplace()));
  return result;
}

absl::StatusOr<std::optional<RememberedGrant>> Grants::Remembered(const TenantId& tenant,
                                                                  const GrantId& grant) {
  Duration unproven_for(0);
  const auto record = state_->cached.FromMemory(tenant.value(), grant.value(), unproven_for);
  if (!record.ok()) return record.status();
  if (!record->has_value()) return std::optional<RememberedGrant>();
  RememberedGrant remembered;
  remembered.unproven_for = unproven_for;
  RETURN_IF_ERROR(state_->Read(grant, **record, remembered.stored));
  return std::optional<RememberedGrant>(std::move(remembered));
}

awaitable<absl::StatusOr<std::optional<StoredGrant>>> Grants::Load(TenantId tenant, GrantId grant,
                                                                   Tick deadline) {
  Key key = KeyOf(tenant, grant);
  const auto record = co_await state_->cached.Load(std::move(key), deadline);
  if (!record.ok()) co_return record.status();
  if (!record->has_value()) co_return std::optional<StoredGrant>();
  StoredGrant stored;
  const absl::Status read = state_->Read(grant, **record, stored);
  if (!read.ok()) co_return read;
  co_return std::optional<StoredGrant>(std::move(stored));
}

awaitable<absl::StatusOr<GrantCommit>> Grants::Commit(TenantId tenant, Wiped<storage::v1::Grant> grant,
                                                      Revision replaces, std::vector<Write> also,
                                                      Tick deadline) {
  const GrantId id(grant->grant_id());
  const Key key = KeyOf(tenant, id);
  grant->set_store_epoch(state_->store.identity().epoch);
  grant->clear_grant_id();
  const Secret payload = Secret::Take(grant->SerializeAsString());
  grant->set_grant_id(id.value());
  auto committed = co_await state_->cached.Commit(key, replaces, payload.Expose(), std::move(also), deadline);
  if (!committed.ok()) co_return committed.status();
  GrantCommit commit;
  commit.outcome = committed->outcome;
  commit.store_time = committed->store_time;
  commit.lease_end = committed->lease_end;
  if (commit.outcome == CommitResult::Outcome::kDone) {
    commit.current.emplace(StoredGrant{replaces + 1, std::move(grant)});
  } else if (committed->current.has_value()) {
    const absl::Status read = state_->Read(id, *committed->current, commit.current.emplace());
    if (!read.ok()) co_return read;
  }
  co_return commit;
}

ChangeWaiters::Armed Grants::ChangeOf(const TenantId& tenant, const GrantId& grant) const {
  return state_->waiters.Arm(KeyOf(tenant, grant));
}

awaitable<absl::Status> Grants::Index(TenantId tenant, SubjectId subject, GrantId grant, Tick deadline) {
  return state_->Index(std::move(tenant), std::move(subject), std::move(grant), deadline);
}

awaitable<absl::StatusOr<GrantPage>> Grants::List(TenantId tenant, std::optional<SubjectId> subject,
                                                  size_t limit, std::string page_token, Tick deadline) {
  GrantListing listing{state_->store,     state_->records, *this,
                       std::move(tenant), deadline,        std::clamp<size_t>(limit, 1, Store::kMaxPage)};
  if (subject.has_value()) co_return co_await listing.OfSubject(std::move(*subject), std::move(page_token));
  co_return co_await listing.OfTenant(std::move(page_token));
}

size_t Grants::cached() const { return state_->cached.size(); }

CachedRecords& Grants::cached_records() { return state_->cached; }

}  // namespace grantkeep
