// SPDX-License-Identifier: Apache-2.0
#include "vault/static_secrets.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "vault/fields.h"
#include "vault/page_token.h"
#include "vault/static_secret_records.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;
using storage::v1::StaticSecret;

// Heads in memory at a time while listing: each may hold a value of 64 KiB.
constexpr size_t kScanChunk = 64;

absl::Status NotFound(const std::string& name) {
  return Error(Reason::kSecretNotFound, fmt::format("no static secret {}", name));
}

absl::Status VersionNotFound(const std::string& name, uint64_t version) {
  return Error(Reason::kSecretVersionNotFound,
               fmt::format("static secret {} has no version {}", name, version));
}

absl::Status CheckExpected(const std::string& name, std::optional<uint64_t> expected, uint64_t latest) {
  if (!expected.has_value() || *expected == latest) return absl::OkStatus();
  return Error(Reason::kVersionMismatch,
               fmt::format("static secret {}: the latest version is {}, not {}", name, latest, *expected));
}

StaticSecretInfo InfoOf(const StaticSecret& secret) {
  return {.name = secret.name(),
          .version = secret.version(),
          .create_time = FromMicros(secret.create_time_us()),
          .provider = ProviderId(secret.provider()),
          .size = secret.value().size()};
}

// Takes the value out of `secret`.
StaticSecretValue ValueOf(StaticSecret& secret) {
  StaticSecretInfo info = InfoOf(secret);
  return {std::move(info), Secret::Take(std::move(*secret.mutable_value())), false};
}

StaticSecretValue ValueOf(storage::v1::StaticSecretVersion& version) {
  StaticSecretInfo info{.name = version.name(),
                        .version = version.version(),
                        .create_time = FromMicros(version.create_time_us()),
                        .provider = ProviderId(version.provider()),
                        .size = version.value().size()};
  return {std::move(info), Secret::Take(std::move(*version.mutable_value())), false};
}

// Nothing when the head does not say.
absl::StatusOr<std::optional<StaticSecretValue>> FromHead(std::optional<SecretHead>& head,
                                                          const std::string& name,
                                                          std::optional<uint64_t> version) {
  if (!head.has_value()) return std::optional<StaticSecretValue>();
  if (!head->exists()) return NotFound(name);
  if (version.has_value() && *version != head->latest()) return std::optional<StaticSecretValue>();
  return std::optional<StaticSecretValue>(ValueOf(*head->secret));
}

// The older versions of the head that comes after `head`: its own joins them, and the oldest go
// so that, with the new one, kVersionsKept remain.
void ListOlder(const StaticSecret& head, StaticSecret& next) {
  for (const auto& older : head.older()) *next.add_older() = older;
  auto& last = *next.add_older();
  last.set_version(head.version());
  last.set_create_time_us(head.create_time_us());
  const int excess = next.older_size() - static_cast<int>(StaticSecrets::kVersionsKept - 1);
  if (excess > 0) next.mutable_older()->DeleteSubrange(0, excess);
}

std::string ScopeOf(const TenantId& tenant) {
  const Fields fields("static secrets", tenant.value());
  return std::string(fields.view());
}

}  // namespace

struct StaticSecrets::State {
  State(Store& store_ref, SealedRecords& records_ref, StoreChanges& changes, Clock& clock_ref,
        const Options& options)
      : store(store_ref),
        clock(clock_ref),
        outage_serve(options.outage_serve),
        records(store_ref, records_ref, changes, clock_ref, options.limits) {}

  awaitable<absl::StatusOr<StaticSecretValue>> Get(TenantId tenant, std::string name,
                                                   std::optional<uint64_t> version, Tick deadline);
  // Nothing when memory does not have it, or not well enough to stand in for the store.
  absl::StatusOr<std::optional<StaticSecretValue>> StandIn(const TenantId& tenant, const std::string& name,
                                                           std::optional<uint64_t> version);

  Store& store;
  const Clock& clock;
  const Duration outage_serve;
  StaticSecretRecords records;
};

StaticSecrets::StaticSecrets(Store& store, SealedRecords& records, StoreChanges& changes, Clock& clock,
                             Options options)
    : state_(std::make_unique<State>(store, records, changes, clock, options)) {}

StaticSecrets::~StaticSecrets() = default;

absl::StatusOr<std::optional<StaticSecretValue>> StaticSecrets::FromMemory(const TenantId& tenant,
                                                                           const std::string& name,
                                                                           std::optional<uint64_t> version) {
  ASSIGN_OR_RETURN(std::optional<SecretHead> head, state_->records.HeadFromMemory(tenant, name));
  return FromHead(head, name, version);
}

absl::StatusOr<std::optional<StaticSecretValue>> StaticSecrets::State::StandIn(
    const TenantId& tenant, const std::string& name, std::optional<uint64_t> version) {
  if (outage_serve <= Duration(0)) return std::optional<StaticSecretValue>();
  ASSIGN_OR_RETURN(std::optional<SecretHead> head, records.RememberedHead(tenant, name, outage_serve));
  auto value = FromHead(head, name, version);
  if (value.ok() && value->has_value()) (*value)->unverified = head->unproven_for > Duration(0);
  return value;
}

awaitable<absl::StatusOr<StaticSecretValue>> StaticSecrets::Get(TenantId tenant, std::string name,
                                                                std::optional<uint64_t> version,
                                                                Tick deadline) {
  auto stand_in = state_->StandIn(tenant, name, version);
  // A value, or that it is known to be deleted.
  const bool may_fall_back = !stand_in.ok() || stand_in->has_value();
  const Tick until = may_fall_back ? FallBackTime(state_->clock, deadline) : deadline;
  auto found = co_await state_->Get(std::move(tenant), std::move(name), version, until);
  if (found.ok() || !may_fall_back || !IsOutage(found.status())) co_return found;
  if (!stand_in.ok()) co_return stand_in.status();
  co_return **std::move(stand_in);
}

awaitable<absl::StatusOr<StaticSecretValue>> StaticSecrets::State::Get(TenantId tenant, std::string name,
                                                                       std::optional<uint64_t> version,
                                                                       Tick deadline) {
  ASSIGN_OR_CO_RETURN(SecretHead head, co_await records.LoadHead(tenant, name, deadline));
  if (!head.exists()) co_return NotFound(name);
  if (!version.has_value() || *version == head.latest()) co_return ValueOf(*head.secret);
  const auto& older = head.secret->older();
  const bool kept =
      std::ranges::any_of(older, [&](const auto& entry) { return entry.version() == *version; });
  if (!kept) co_return VersionNotFound(name, *version);
  ASSIGN_OR_CO_RETURN(auto stored, co_await records.LoadVersion(tenant, name, *version, deadline));
  // It may have been dropped since the head was read.
  if (!stored.has_value()) co_return VersionNotFound(name, *version);
  co_return ValueOf(**stored);
}

awaitable<absl::StatusOr<StaticSecretInfo>> StaticSecrets::Put(TenantId tenant, std::string name,
                                                               Secret value, ProviderId provider,
                                                               std::optional<uint64_t> expected,
                                                               Tick deadline) {
  if (value.empty() || value.size() > kMaxValue) {
    co_return FieldError("value", fmt::format("has {} bytes, not 1 to {}", value.size(), kMaxValue));
  }
  ASSIGN_OR_CO_RETURN(SecretHead head, co_await state_->records.LoadHead(tenant, name, deadline));
  for (;;) {
    const absl::Status as_expected = CheckExpected(name, expected, head.latest());
    if (!as_expected.ok()) co_return as_expected;
    Wiped<StaticSecret> next;
    next->set_name(name);
    next->set_version(head.secret->version() + 1);
    next->set_create_time_us(ToMicros(state_->store.Now()));
    next->set_value(value.Expose().data(), value.size());
    const bool kept = provider.empty() && head.exists();
    next->set_provider(kept ? head.secret->provider() : provider.value());
    if (head.exists()) ListOlder(*head.secret, *next);
    ASSIGN_OR_CO_RETURN(auto overtaken, co_await state_->records.Replace(tenant, head, *next, deadline));
    if (!overtaken.has_value()) co_return InfoOf(*next);
    head = std::move(*overtaken);
  }
}

awaitable<absl::Status> StaticSecrets::Delete(TenantId tenant, std::string name,
                                              std::optional<uint64_t> expected, Tick deadline) {
  auto loaded = co_await state_->records.LoadHead(tenant, name, deadline);
  if (!loaded.ok()) co_return loaded.status();
  SecretHead head = std::move(*loaded);
  for (;;) {
    if (!head.exists()) co_return NotFound(name);
    const absl::Status as_expected = CheckExpected(name, expected, head.latest());
    if (!as_expected.ok()) co_return as_expected;
    StaticSecret tombstone;
    tombstone.set_name(name);
    tombstone.set_version(head.secret->version());
    tombstone.set_create_time_us(ToMicros(state_->store.Now()));
    auto overtaken = co_await state_->records.Replace(tenant, head, tombstone, deadline);
    if (!overtaken.ok()) co_return overtaken.status();
    if (!overtaken->has_value()) co_return absl::OkStatus();
    head = std::move(**overtaken);
  }
}

awaitable<absl::StatusOr<StaticSecretPage>> StaticSecrets::List(TenantId tenant, size_t limit,
                                                                std::string page_token, Tick deadline) {
  limit = std::clamp<size_t>(limit, 1, Store::kMaxPage);
  const std::string scope = ScopeOf(tenant);
  ASSIGN_OR_CO_RETURN(std::string after, DecodePageToken(scope, page_token));
  StaticSecretPage page;
  for (;;) {
    const size_t chunk = std::min(kScanChunk, limit - page.secrets.size());
    ASSIGN_OR_CO_RETURN(Page scanned, co_await state_->records.ScanHeads(tenant, after, chunk, deadline));
    for (Record& record : scanned.records) {
      ASSIGN_OR_CO_RETURN(SecretHead head, co_await state_->records.OpenHead(std::move(record), deadline));
      if (head.exists()) page.secrets.push_back(InfoOf(*head.secret));
    }
    if (!scanned.next.has_value()) co_return page;
    after = std::move(*scanned.next);
    if (page.secrets.size() < limit) continue;
    page.next = EncodePageToken(scope, after);
    co_return page;
  }
}

CachedRecords& StaticSecrets::cached_records() { return state_->records.heads(); }

}  // namespace grantkeep
