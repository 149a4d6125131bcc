// SPDX-License-Identifier: Apache-2.0
#include "vault/cached_records.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "telemetry/log.h"
#include "vault/currency.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using Outcome = CommitResult::Outcome;

// Others mend the store at the same time: after so many refusals it is left to them.
constexpr int kMaxMendTries = 4;

// As it was, byte for byte.
Record Restored(const Snapshot& ours, const Key& key) {
  return {key, ours.revision(), std::string(ours.sealed())};
}

}  // namespace

CachedRecords::CachedRecords(const Rules& rules, Store& store, SealedRecords& records, StoreChanges& changes,
                             Clock& clock, SnapshotCache::Limits limits)
    : rules_(rules),
      store_(store),
      records_(records),
      clock_(clock),
      cache_(limits),
      subscription_(changes.OnChange(rules.kind, [this](const Change& change) {
        const std::string_view tenant = change.key.tenant.value();
        // While what was lost is put back, another's write may be older than ours.
        if (change.revision == 0 && store_.HoldUntil() > clock_.Steady()) {
          cache_.Doubt(tenant, change.key.id);
        } else {
          cache_.Invalidate(tenant, change.key.id, change.revision);
        }
      })) {}

absl::StatusOr<std::optional<OpenedRecord>> CachedRecords::FromMemory(std::string_view tenant,
                                                                      std::string_view id) {
  const std::shared_ptr<const Snapshot> snapshot = cache_.Find(tenant, id);
  if (snapshot == nullptr || !IsCurrent(store_, clock_, snapshot->epoch())) {
    return std::optional<OpenedRecord>();
  }
  return OpenFromMemory(*snapshot);
}

absl::StatusOr<std::optional<OpenedRecord>> CachedRecords::FromMemory(std::string_view tenant,
                                                                      std::string_view id,
                                                                      Duration& unproven_for) {
  const std::shared_ptr<const Snapshot> snapshot = cache_.Find(tenant, id);
  if (snapshot == nullptr) return std::optional<OpenedRecord>();
  unproven_for = UnprovenFor(store_, clock_, snapshot->epoch());
  return OpenFromMemory(*snapshot);
}

absl::StatusOr<std::optional<OpenedRecord>> CachedRecords::OpenFromMemory(const Snapshot& snapshot) {
  absl::StatusOr<std::optional<OpenedRecord>> result(std::nullopt);
  const RecordName name{rules_.kind, snapshot.tenant(), snapshot.id()};
  auto payload = records_.OpenFromMemory(name, snapshot.revision(), snapshot.sealed());
  if (!payload.ok()) return Annotated(payload.status(), std::string(snapshot.id()));
  if (payload->has_value()) result->emplace(snapshot.revision(), *std::move(*payload));
  return result;
}

awaitable<absl::StatusOr<std::optional<OpenedRecord>>> CachedRecords::Load(Key key, Tick deadline) {
  SnapshotCache::Fill fill(cache_, store_.epoch(), key.tenant.value(), key.id);
  auto record = co_await store_.Get(key, deadline);
  if (!record.ok()) co_return Annotated(record.status(), key.id);
  ASSIGN_OR_CO_RETURN(Settled settled, co_await Settle(fill, key, std::move(*record), deadline));
  Report(settled.finding, key.id);
  if (!settled.record.has_value()) co_return std::optional<OpenedRecord>();
  ASSIGN_OR_CO_RETURN(OpenedRecord opened, co_await Enter(fill, *std::move(settled.record), deadline));
  co_return std::optional<OpenedRecord>(std::move(opened));
}

awaitable<absl::StatusOr<CachedRecords::Finding>> CachedRecords::Compare(Key key, Tick deadline) {
  SnapshotCache::Fill fill(cache_, store_.epoch(), key.tenant.value(), key.id);
  auto record = co_await store_.Get(key, deadline);
  if (!record.ok()) co_return Annotated(record.status(), key.id);
  ASSIGN_OR_CO_RETURN(Settled settled, co_await Settle(fill, key, std::move(*record), deadline));
  if (settled.record.has_value()) {
    auto entered = co_await Enter(fill, *std::move(settled.record), deadline);
    if (!entered.ok()) co_return entered.status();
  }
  co_return settled.finding;
}

awaitable<absl::StatusOr<CachedRecords::Committed>> CachedRecords::Commit(Key key, Revision replaces,
                                                                          std::string_view payload,
                                                                          std::vector<Write> also,
                                                                          Tick deadline) {
  SnapshotCache::Fill fill(cache_, store_.epoch(), key.tenant.value(), key.id, replaces + 1);
  Committed committed;
  if (fill.held() != nullptr && !MayReplace(*fill.held(), replaces)) {
    ASSIGN_OR_CO_RETURN(committed.current, co_await Load(key, deadline));
    const std::shared_ptr<const Snapshot> stored = cache_.Find(key.tenant.value(), key.id);
    const bool unchanged =
        stored != nullptr && stored->revision() == replaces && stored->sealed() == fill.held()->sealed();
    if (!unchanged) {
      committed.outcome = Outcome::kRevisionMismatch;
      committed.store_time = store_.Now();
      co_return committed;
    }
    committed.current.reset();
  }
  ASSIGN_OR_CO_RETURN(CommitResult result,
                      co_await Commit(fill, key, replaces, payload, std::move(also), deadline));
  committed.outcome = result.outcome;
  committed.store_time = result.store_time;
  committed.lease_end = result.lease_end;
  if (result.outcome == Outcome::kRevisionMismatch || result.outcome == Outcome::kLeased) {
    ASSIGN_OR_CO_RETURN(Settled settled, co_await Settle(fill, key, std::move(result.current), deadline));
    Report(settled.finding, key.id);
    if (settled.record.has_value()) {
      ASSIGN_OR_CO_RETURN(committed.current, co_await Enter(fill, *std::move(settled.record), deadline));
    }
  }
  co_return committed;
}

awaitable<absl::StatusOr<CommitResult>> CachedRecords::CommitMany(Key key, Revision replaces,
                                                                  std::string_view payload,
                                                                  std::vector<Write> also, Tick deadline) {
  SnapshotCache::Fill fill(cache_, store_.epoch(), key.tenant.value(), key.id, replaces + 1);
  co_return co_await Commit(fill, key, replaces, payload, std::move(also), deadline);
}

awaitable<absl::StatusOr<CommitResult>> CachedRecords::Commit(SnapshotCache::Fill& fill, Key key,
                                                              Revision replaces, std::string_view payload,
                                                              std::vector<Write> also, Tick deadline) {
  auto sealed = co_await records_.Seal(key, replaces + 1, payload, deadline);
  if (!sealed.ok()) co_return Annotated(sealed.status(), key.id);
  std::vector<Write> writes;
  writes.reserve(also.size() + 1);
  writes.emplace_back(Put{key, replaces, *sealed, std::nullopt, std::nullopt});
  std::move(also.begin(), also.end(), std::back_inserter(writes));
  auto result = co_await store_.Commit(std::move(writes), deadline);
  if (!result.ok()) co_return Annotated(result.status(), key.id);
  if (result->outcome == Outcome::kDone) fill.Insert(replaces + 1, *sealed);
  co_return result;
}

bool CachedRecords::MayReplace(const Snapshot& held, Revision replaces) const {
  if (held.revision() < replaces) return true;
  return held.revision() == replaces && IsCurrent(store_, clock_, held.epoch());
}

void CachedRecords::Forget(const Key& key) { cache_.Invalidate(key.tenant.value(), key.id); }

std::vector<Key> CachedRecords::Walk(SnapshotCache::Position& position) const {
  std::vector<Key> keys;
  for (const auto& snapshot : cache_.Walk(position)) {
    keys.push_back(rules_.key_of(TenantId(snapshot->tenant()), std::string(snapshot->id())));
  }
  return keys;
}

awaitable<absl::StatusOr<OpenedRecord>> CachedRecords::Enter(SnapshotCache::Fill& fill, Record record,
                                                             Tick deadline) {
  auto payload = co_await records_.Open(record.key, record.revision, record.value, deadline);
  if (!payload.ok()) co_return Annotated(payload.status(), record.key.id);
  const Snapshot* held = fill.held().get();
  if (held != nullptr && record.revision <= held->revision() && record.value != held->sealed()) {
    fill.Supersede(record.revision, record.value);
  } else {
    fill.Insert(record.revision, record.value);
  }
  co_return OpenedRecord{record.revision, std::move(*payload)};
}

awaitable<absl::StatusOr<CachedRecords::Settled>> CachedRecords::Settle(const SnapshotCache::Fill& fill,
                                                                        Key key, std::optional<Record> stored,
                                                                        Tick deadline) {
  Settled settled{.record = std::move(stored)};
  const std::shared_ptr<const Snapshot>& ours = fill.held();
  if (ours == nullptr) co_return settled;
  for (int tries = 0; tries < kMaxMendTries; ++tries) {
    ASSIGN_OR_CO_RETURN(const Verdict verdict, co_await JudgeRecord(*ours, settled.record, key, deadline));
    if (verdict == Verdict::kStored) co_return settled;
    // Somebody else has written it meanwhile, so ours is not the newest that there was. But nothing comes
    // after a tombstone, and while what was lost is put back he may have put back something older.
    const bool recovering = store_.HoldUntil() > clock_.Steady();
    if (fill.is_void() && verdict != Verdict::kBury && !recovering) co_return settled;
    const Revision behind = settled.record.has_value() ? settled.record->revision : 0;
    ASSIGN_OR_CO_RETURN(Record mended, co_await Replacement(verdict, *ours, behind, key, deadline));
    std::vector<Write> writes;
    if (verdict == Verdict::kRestore) {
      writes.emplace_back(Restore{key, behind, mended.revision, mended.value});
    } else {
      writes.emplace_back(Put{key, behind, mended.value, std::nullopt, std::nullopt});
    }
    auto result = co_await store_.Commit(std::move(writes), deadline);
    if (!result.ok()) co_return Annotated(result.status(), key.id);
    if (result->outcome != Outcome::kDone) {
      settled.record = std::move(result->current);
      continue;
    }
    settled.finding = verdict == Verdict::kBury ? Finding::kBuried : Finding::kRestored;
    settled.record = std::move(mended);
    co_return settled;
  }
  co_return Error(Reason::kStoreUnavailable,
                  fmt::format("{} {}: is changing too fast to be put back", rules_.noun, key.id));
}

awaitable<absl::StatusOr<Verdict>> CachedRecords::JudgeRecord(const Snapshot& ours,
                                                              const std::optional<Record>& stored,
                                                              const Key& key, Tick deadline) {
  if (!stored.has_value()) co_return Verdict::kRestore;
  if (ours.revision() == stored->revision && ours.sealed() == stored->value) co_return Verdict::kStored;
  const auto our_standing = co_await StandingOf(key, ours.revision(), ours.sealed(), deadline);
  // A record that cannot be read any more is nothing to insist on.
  if (HasReason(our_standing.status(), Reason::kStoreCorrupt)) co_return Verdict::kStored;
  if (!our_standing.ok()) co_return our_standing.status();
  ASSIGN_OR_CO_RETURN(const Standing their_standing,
                      co_await StandingOf(key, stored->revision, stored->value, deadline));
  co_return Judge(*our_standing, their_standing, rules_.final_tombstones);
}

awaitable<absl::StatusOr<Record>> CachedRecords::Replacement(Verdict verdict, const Snapshot& ours,
                                                             Revision stored, const Key& key, Tick deadline) {
  // The keyring first: without it nobody can read the record.
  const auto keyring = co_await records_.PutKeyringBack(key.tenant, deadline);
  if (!keyring.ok()) co_return keyring.status();
  if (verdict == Verdict::kRestore && !companion_) co_return Restored(ours, key);
  const auto payload = co_await records_.Open(key, ours.revision(), ours.sealed(), deadline);
  // What cannot be read any more goes back as it was, alone.
  if (verdict == Verdict::kRestore && HasReason(payload.status(), Reason::kStoreCorrupt)) {
    co_return Restored(ours, key);
  }
  if (!payload.ok()) co_return Annotated(payload.status(), key.id);
  if (companion_) {
    const absl::Status ready = co_await companion_(key, payload->Expose(), deadline);
    if (!ready.ok()) co_return Annotated(ready, key.id);
  }
  if (verdict == Verdict::kRestore) co_return Restored(ours, key);
  auto sealed = co_await records_.Seal(key, stored + 1, payload->Expose(), deadline);
  if (!sealed.ok()) co_return Annotated(sealed.status(), key.id);
  co_return Record{key, stored + 1, std::move(*sealed)};
}

awaitable<absl::StatusOr<Standing>> CachedRecords::StandingOf(const Key& key, Revision revision,
                                                              std::string_view sealed, Tick deadline) {
  const auto payload = co_await records_.Open(key, revision, sealed, deadline);
  if (!payload.ok()) co_return Annotated(payload.status(), key.id);
  Standing standing = rules_.standing_of(payload->Expose());
  standing.revision = revision;
  co_return standing;
}

void CachedRecords::Report(Finding finding, const std::string& id) const {
  if (finding == Finding::kAgree) return;
  Log("vault").warn("{} {}: the store had lost its newest revision, which was put back", rules_.noun, id);
}

absl::Status CachedRecords::Annotated(const absl::Status& status, const std::string& id) const {
  return Annotate(status, fmt::format("{} {}", rules_.noun, id));
}

}  // namespace grantkeep
