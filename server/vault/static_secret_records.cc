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

Key HeadKey(const TenantId& tenant, std::string name) {
  return Key::Under(Kind::kStaticSecret, tenant, "", std::move(name));
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

}  // namespace

absl::StatusOr<std::optional<SecretHead>> StaticSecretRecords::HeadFromMemory(const TenantId& tenant,
                                                                              const std::string& name) {
  absl::StatusOr<std::optional<SecretHead>> result(std::nullopt);
  const std::shared_ptr<const Snapshot> snapshot = cache_.Find(tenant.value(), name);
  if (snapshot == nullptr) return result;
  const RecordName record_name{Kind::kStaticSecret, tenant.value(), name};
  const auto payload = records_.OpenFromMemory(record_name, snapshot->revision(), snapshot->sealed());
  if (!payload.ok()) return Annotated(payload.status(), name);
  if (!payload->has_value()) return result;
  SecretHead& head = result->emplace();
  head.revision = snapshot->revision();
  RETURN_IF_ERROR(Parse(**payload, *head.secret));
  return result;
}

awaitable<absl::StatusOr<SecretHead>> StaticSecretRecords::LoadHead(TenantId tenant, std::string name,
                                                                    Tick deadline) {
  const Key key = HeadKey(tenant, name);
  auto record = co_await store_.Get(key, deadline);
  if (!record.ok()) co_return Annotated(record.status(), name);
  if (!record->has_value()) co_return SecretHead();
  ASSIGN_OR_CO_RETURN(SecretHead head, co_await OpenHead(**record, deadline));
  Remember(key, (*record)->revision, (*record)->value);
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
  ASSIGN_OR_CO_RETURN(Put put, co_await SealedPut(key, old.revision, next, deadline));
  const std::string sealed = put.value;
  std::vector<Write> writes;
  writes.emplace_back(std::move(put));
  if (old.exists() && Names(next, old.latest())) {
    const Version version(VersionOf(*old.secret));
    Key version_key = VersionKey(tenant, next.name(), old.latest());
    ASSIGN_OR_CO_RETURN(Put moved, co_await SealedPut(std::move(version_key), 0, *version, deadline));
    writes.emplace_back(std::move(moved));
  }
  for (const auto& older : old.secret->older()) {
    if (Names(next, older.version())) continue;
    writes.emplace_back(Delete{VersionKey(tenant, next.name(), older.version()), kVersionRevision});
  }
  const auto result = co_await store_.Commit(std::move(writes), deadline);
  if (!result.ok()) {
    // It may have happened: an old value must not go on being answered from memory.
    cache_.Erase(key.tenant.value(), key.id);
    co_return Annotated(result.status(), next.name());
  }
  if (result->outcome == CommitResult::Outcome::kDone) {
    Remember(key, old.revision + 1, sealed);
    co_return std::optional<SecretHead>();
  }
  ASSIGN_OR_CO_RETURN(SecretHead current, co_await Successor(tenant, next.name(), old.revision, deadline));
  co_return std::optional<SecretHead>(std::move(current));
}

awaitable<absl::StatusOr<SecretHead>> StaticSecretRecords::Successor(TenantId tenant, std::string name,
                                                                     Revision old, Tick deadline) {
  ASSIGN_OR_CO_RETURN(SecretHead head, co_await LoadHead(std::move(tenant), name, deadline));
  // Only the head's writer touches the versions, so an unchanged head with unexpected versions is
  // no race.
  if (head.revision == old) {
    co_return Annotated(Error(Reason::kStoreCorrupt, "its version records do not match it"), name);
  }
  co_return head;
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

void StaticSecretRecords::Remember(const Key& key, Revision revision, std::string_view sealed) {
  cache_.Insert(std::make_shared<const Snapshot>(key.tenant.value(), key.id, revision, sealed));
}

}  // namespace grantkeep
