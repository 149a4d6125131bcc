// SPDX-License-Identifier: Apache-2.0
#include "vault/static_secret_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using storage::v1::StaticSecret;

constexpr Revision kVersionRevision = 1;

Key HeadKey(const TenantId& tenant, const std::string& name) {
  return Key::Under(Kind::kStaticSecret, tenant, "", name);
}

Key VersionKey(const TenantId& tenant, const std::string& name, uint64_t version) {
  std::string id = name;
  id.push_back('\0');
  for (int shift = 56; shift >= 0; shift -= 8) id.push_back(static_cast<char>(version >> shift));
  return Key::Under(Kind::kStaticSecretVersion, tenant, "", std::move(id));
}

bool Names(const StaticSecret& head, uint64_t version) {
  return std::ranges::any_of(head.older(), [&](const auto& older) { return older.version() == version; });
}

storage::v1::StaticSecretVersion VersionOf(const StaticSecret& head) {
  storage::v1::StaticSecretVersion version;
  version.set_name(head.name());
  version.set_version(head.version());
  version.set_create_time_us(head.create_time_us());
  version.set_value(head.value());
  version.set_provider(head.provider());
  return version;
}

absl::Status Annotated(const absl::Status& status, const std::string& name) {
  return Annotate(status, fmt::format("static secret {}", name));
}

template <typename M>
absl::Status Parse(const Secret& payload, M& message) {
  if (message.ParseFromArray(payload.Expose().data(), static_cast<int>(payload.size())))
    return absl::OkStatus();
  return Error(Reason::kStoreCorrupt, "a sealed static secret cannot be read");
}

absl::Status Parse(const OpenedRecord& record, SecretHead& head) {
  head.revision = record.revision;
  return Annotated(Parse(record.payload, *head.secret), "record");
}

constexpr CachedRecords::Rules kRules{
    .kind = Kind::kStaticSecret,
    .noun = "static secret",
    .key_of = &HeadKey,
    .standing_of =
        [](std::string_view payload) {
          Wiped<StaticSecret> head;
          const bool read = head->ParseFromArray(payload.data(), static_cast<int>(payload.size()));
          return Standing{.tombstone = read && !head->has_value()};
        },
    .final_tombstones = false,  // a secret that was deleted may be put again
};

}  // namespace

StaticSecretRecords::StaticSecretRecords(Store& store, SealedRecords& records, StoreChanges& changes,
                                         Clock& clock, SnapshotCache::Limits limits)
    : store_(store), records_(records), heads_(kRules, store, records, changes, clock, limits) {}

absl::StatusOr<std::optional<SecretHead>> StaticSecretRecords::HeadFromMemory(const TenantId& tenant,
                                                                              const std::string& name) {
  absl::StatusOr<std::optional<SecretHead>> result(std::nullopt);
  const auto record = heads_.FromMemory(tenant.value(), name);
  if (!record.ok()) return record.status();
  if (record->has_value()) RETURN_IF_ERROR(Parse(**record, result->emplace()));
  return result;
}

absl::StatusOr<std::optional<SecretHead>> StaticSecretRecords::RememberedHead(const TenantId& tenant,
                                                                              const std::string& name,
                                                                              Duration outage_serve) {
  absl::StatusOr<std::optional<SecretHead>> result(std::nullopt);
  Duration unproven_for(0);
  const auto record = heads_.FromMemory(tenant.value(), name, unproven_for);
  if (!record.ok()) return record.status();
  if (!record->has_value() || unproven_for > outage_serve) return result;
  SecretHead& head = result->emplace();
  head.unproven_for = unproven_for;
  RETURN_IF_ERROR(Parse(**record, head));
  return result;
}

awaitable<absl::StatusOr<SecretHead>> StaticSecretRecords::LoadHead(TenantId tenant, std::string name,
                                                                    Tick deadline) {
  Key key = HeadKey(tenant, name);
  const auto record = co_await heads_.Load(std::move(key), deadline);
  if (!record.ok()) co_return record.status();
  SecretHead head;
  if (!record->has_value()) co_return head;
  const absl::Status parsed = Parse(**record, head);
  if (!parsed.ok()) co_return parsed;
  co_return head;
}

awaitable<absl::StatusOr<SecretHead>> StaticSecretRecords::OpenHead(Record record, Tick deadline) {
  const auto payload = co_await records_.Open(record.key, record.revision, record.value, deadline);
  if (!payload.ok()) co_return Annotated(payload.status(), record.key.id);
  SecretHead head;
  head.revision = record.revision;
  const absl::Status parsed = Parse(*payload, *head.secret);
  if (!parsed.ok()) co_return Annotated(parsed, record.key.id);
  co_return head;
}

awaitable<absl::StatusOr<std::optional<StaticSecretRecords::Version>>> StaticSecretRecords::LoadVersion(
    TenantId tenant, std::string name, uint64_t version, Tick deadline) {
  Key key = VersionKey(tenant, name, version);
  auto record = co_await store_.Get(std::move(key), deadline);
  if (!record.ok()) co_return Annotated(record.status(), name);
  if (!record->has_value()) co_return std::optional<Version>();
  const auto payload =
      co_await records_.Open((*record)->key, (*record)->revision, (*record)->value, deadline);
  if (!payload.ok()) co_return Annotated(payload.status(), name);
  Version stored;
  const absl::Status parsed = Parse(*payload, *stored);
  if (!parsed.ok()) co_return Annotated(parsed, name);
  co_return std::optional<Version>(std::move(stored));
}

awaitable<absl::StatusOr<std::optional<SecretHead>>> StaticSecretRecords::Replace(TenantId tenant,
                                                                                  const SecretHead& old,
                                                                                  const StaticSecret& next,
                                                                                  Tick deadline) {
  const Key key = HeadKey(tenant, next.name());
  const Secret payload = Secret::Take(next.SerializeAsString());
  std::optional<Put> moved;
  if (old.exists() && Names(next, old.latest())) {
    const Version version(VersionOf(*old.secret));
    Key version_key = VersionKey(tenant, next.name(), old.latest());
    ASSIGN_OR_CO_RETURN(moved, co_await SealedPut(std::move(version_key), 0, *version, deadline));
  }
  std::vector<Write> deletes;
  for (const auto& older : old.secret->older()) {
    if (Names(next, older.version())) continue;
    deletes.emplace_back(Delete{VersionKey(tenant, next.name(), older.version()), kVersionRevision});
  }
  for (bool mended = false;; mended = true) {
    std::vector<Write> also = deletes;
    if (moved.has_value()) also.emplace_back(*moved);
    const auto result =
        co_await heads_.CommitMany(key, old.revision, payload.Expose(), std::move(also), deadline);
    if (!result.ok()) {
      // It may have happened: an old value must not go on being answered from memory.
      heads_.Forget(key);
      co_return result.status();
    }
    if (result->outcome == CommitResult::Outcome::kDone) co_return std::optional<SecretHead>();
    ASSIGN_OR_CO_RETURN(SecretHead head, co_await LoadHead(tenant, next.name(), deadline));
    if (head.revision != old.revision) co_return std::optional<SecretHead>(std::move(head));
    // Only the head's writer touches the versions, so an unchanged head with unexpected versions is no
    // race. A head that was put back may name versions that the store has lost.
    if (mended) {
      co_return Annotated(Error(Reason::kStoreCorrupt, "its version records do not match it"), next.name());
    }
    ASSIGN_OR_CO_RETURN(deletes, co_await OfWhatIsThere(std::move(deletes), deadline));
  }
}

awaitable<absl::StatusOr<std::vector<Write>>> StaticSecretRecords::OfWhatIsThere(std::vector<Write> deletes,
                                                                                 Tick deadline) {
  std::vector<Write> kept;
  for (Write& write : deletes) {
    const auto record = co_await store_.Get(std::get<Delete>(write).key, deadline);
    if (!record.ok()) co_return Annotate(record.status(), "reading a version of a static secret");
    if (record->has_value()) kept.push_back(std::move(write));
  }
  co_return kept;
}

awaitable<absl::StatusOr<Put>> StaticSecretRecords::SealedPut(Key key, Revision replaces,
                                                              const google::protobuf::Message& message,
                                                              Tick deadline) {
  const Secret payload = Secret::Take(message.SerializeAsString());
  auto sealed = co_await records_.Seal(key, replaces + 1, payload.Expose(), deadline);
  if (!sealed.ok()) co_return Annotate(sealed.status(), "sealing a static secret");
  co_return Put{std::move(key), replaces, std::move(*sealed), std::nullopt, std::nullopt};
}

awaitable<absl::StatusOr<Page>> StaticSecretRecords::ScanHeads(TenantId tenant, std::string after,
                                                               size_t limit, Tick deadline) {
  const Partition partition = HeadKey(tenant, "").partition;
  auto page = co_await store_.Scan(partition, Kind::kStaticSecret, std::move(tenant), std::move(after), limit,
                                   deadline);
  if (!page.ok()) co_return Annotate(page.status(), "listing static secrets");
  co_return page;
}

}  // namespace grantkeep
