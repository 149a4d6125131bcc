// SPDX-License-Identifier: Apache-2.0
#include "vault/grants.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "vault/grant_listing.h"
#include "vault/sealed.h"
#include "vault/snapshot_cache.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;

absl::Status Unreadable() { return Error(Reason::kStoreCorrupt, "a sealed grant cannot be read"); }

bool Parse(const Secret& payload, storage::v1::Grant& grant) {
  return grant.ParseFromArray(payload.Expose().data(), static_cast<int>(payload.size()));
}

}  // namespace

struct Grants::State {
  State(Store& store_ref, SealedRecords& records_ref) : store(store_ref), records(records_ref), cache({}) {}

  void Remember(const Key& key, Revision revision, std::string_view sealed) {
    cache.Insert(std::make_shared<const Snapshot>(key.tenant.value(), key.id, revision, sealed));
  }
  // Opens what the store has and remembers it.
  awaitable<absl::StatusOr<StoredGrant>> Open(Record record, Tick deadline);
  awaitable<absl::StatusOr<GrantCommit>> Refused(CommitResult result, Tick deadline);

  Store& store;
  void ApplyReadRule(storage::v1::Grant& grant) const {
    if (read_rule) read_rule(grant);
  }

  SealedRecords& records;
  SnapshotCache cache;
  std::function<void(storage::v1::Grant&)> read_rule;
};

Grants::Grants(Store& store, SealedRecords& records) : state_(std::make_unique<State>(store, records)) {}

Grants::~Grants() = default;

void Grants::OnRead(std::function<void(storage::v1::Grant&)> rule) { state_->read_rule = std::move(rule); }

void Grants::ApplyReadRule(storage::v1::Grant& grant) const { state_->ApplyReadRule(grant); }

Key Grants::KeyOf(const TenantId& tenant, const GrantId& grant) {
  return Key::Of(Kind::kGrant, tenant, grant.value());
}

absl::StatusOr<std::optional<StoredGrant>> Grants::FromMemory(const TenantId& tenant, const GrantId& grant) {
  // Built in place: the hot path moves no messages.
  absl::StatusOr<std::optional<StoredGrant>> result(std::nullopt);
  const std::shared_ptr<const Snapshot> snapshot = state_->cache.Find(tenant.value(), grant.value());
  if (snapshot == nullptr) return result;
  const RecordName name{Kind::kGrant, tenant.value(), grant.value()};
  const auto payload = state_->records.OpenFromMemory(name, snapshot->revision(), snapshot->sealed());
  if (!payload.ok()) return payload.status();
  if (!payload->has_value()) return result;
  StoredGrant& stored = result->emplace();
  stored.revision = snapshot->revision();
  if (!Parse(**payload, *stored.grant)) return Unreadable();
  state_->ApplyReadRule(*stored.grant);
  return result;
}

awaitable<absl::StatusOr<std::optional<StoredGrant>>> Grants::Load(TenantId tenant, GrantId grant,
                                                                   Tick deadline) {
  const Key key = KeyOf(tenant, grant);
  auto record = co_await state_->store.Get(key, deadline);
  if (!record.ok()) co_return Annotate(record.status(), "reading a grant");
  if (!record->has_value()) co_return std::optional<StoredGrant>();
  ASSIGN_OR_CO_RETURN(StoredGrant stored, co_await state_->Open(std::move(**record), deadline));
  co_return std::optional<StoredGrant>(std::move(stored));
}

awaitable<absl::StatusOr<StoredGrant>> Grants::State::Open(Record record, Tick deadline) {
  const auto payload = co_await records.Open(record.key, record.revision, record.value, deadline);
  if (!payload.ok()) co_return Annotate(payload.status(), fmt::format("grant {}", record.key.id));
  StoredGrant stored;
  stored.revision = record.revision;
  if (!Parse(*payload, *stored.grant)) co_return Unreadable();
  Remember(record.key, record.revision, record.value);
  ApplyReadRule(*stored.grant);
  co_return stored;
}

awaitable<absl::StatusOr<GrantCommit>> Grants::Commit(TenantId tenant, Wiped<storage::v1::Grant> grant,
                                                      Revision replaces, std::vector<Write> also,
                                                      Tick deadline) {
  const Key key = KeyOf(tenant, GrantId(grant->grant_id()));
  const Revision revision = replaces + 1;
  grant->set_store_epoch(state_->store.identity().epoch);
  const Secret payload = Secret::Take(grant->SerializeAsString());
  ASSIGN_OR_CO_RETURN(std::string sealed,
                      co_await state_->records.Seal(key, revision, payload.Expose(), deadline));
  std::vector<Write> writes;
  writes.reserve(also.size() + 1);
  writes.emplace_back(Put{key, replaces, sealed, std::nullopt, std::nullopt});
  std::move(also.begin(), also.end(), std::back_inserter(writes));
  auto result = co_await state_->store.Commit(std::move(writes), deadline);
  if (!result.ok()) co_return Annotate(result.status(), "writing a grant");
  if (result->outcome != CommitResult::Outcome::kDone) {
    co_return co_await state_->Refused(std::move(*result), deadline);
  }
  state_->Remember(key, revision, sealed);
  GrantCommit done;
  done.store_time = result->store_time;
  done.current.emplace(StoredGrant{revision, std::move(grant)});
  co_return done;
}

awaitable<absl::StatusOr<GrantCommit>> Grants::State::Refused(CommitResult result, Tick deadline) {
  GrantCommit refused;
  refused.outcome = result.outcome;
  refused.store_time = result.store_time;
  refused.lease_end = result.lease_end;
  if (result.current.has_value()) {
    ASSIGN_OR_CO_RETURN(refused.current, co_await Open(std::move(*result.current), deadline));
  }
  co_return refused;
}

awaitable<absl::Status> Grants::Index(TenantId tenant, SubjectId subject, GrantId grant, Tick deadline) {
  std::vector<Write> writes;
  writes.emplace_back(
      Put{SubjectHintKey(tenant, subject, grant), 0, std::string(), std::nullopt, std::nullopt});
  // A revision mismatch says that the hint is there already.
  const auto committed = co_await state_->store.Commit(std::move(writes), deadline);
  co_return Annotate(committed.status(), "indexing a grant");
}

awaitable<absl::StatusOr<GrantPage>> Grants::List(TenantId tenant, std::optional<SubjectId> subject,
                                                  size_t limit, std::string page_token, Tick deadline) {
  GrantListing listing{state_->store,     state_->records, *this,
                       std::move(tenant), deadline,        std::clamp<size_t>(limit, 1, Store::kMaxPage)};
  if (subject.has_value()) co_return co_await listing.OfSubject(std::move(*subject), std::move(page_token));
  co_return co_await listing.OfTenant(std::move(page_token));
}

size_t Grants::cached() const { return state_->cache.size(); }

}  // namespace grantkeep
