// SPDX-License-Identifier: Apache-2.0
#include "vault/grant_listing.h"

#include <fmt/format.h>

#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "crypto/digest.h"
#include "vault/fields.h"
#include "vault/page_token.h"
#include "vault/sealed.h"

namespace grantkeep {
namespace {

using boost::asio::awaitable;

constexpr size_t kSubjectPrefixSize = 16;

std::string SubjectPrefix(const TenantId& tenant, const SubjectId& subject) {
  const Fields fields(tenant.value(), subject.value());
  return Sha256(fields.view()).substr(0, kSubjectPrefixSize);
}

std::string ScopeOf(const TenantId& tenant, std::string_view subject) {
  const Fields fields("grants", tenant.value(), subject);
  return std::string(fields.view());
}

}  // namespace

Key SubjectHintKey(const TenantId& tenant, const SubjectId& subject, const GrantId& grant) {
  return Key::Under(Kind::kSubjectGrant, tenant, subject.value(),
                    SubjectPrefix(tenant, subject) + grant.value());
}

awaitable<absl::StatusOr<GrantPage>> GrantListing::OfTenant(std::string page_token) {
  const std::string scope = ScopeOf(tenant_, "");
  ASSIGN_OR_CO_RETURN(const std::string position, DecodePageToken(scope, page_token));
  uint32_t partition = position.empty() ? 0 : static_cast<uint8_t>(position.front());
  std::string after = position.empty() ? std::string() : position.substr(1);
  GrantPage page;
  while (partition < kPartitions && page.grants.size() < limit_) {
    auto scanned = co_await store_.Scan(static_cast<Partition>(partition), Kind::kGrant, tenant_, after,
                                        limit_ - page.grants.size(), deadline_);
    if (!scanned.ok()) co_return Annotate(scanned.status(), "listing grants");
    for (Record& record : scanned->records) {
      const absl::Status added = co_await Add(std::move(record), page);
      if (!added.ok()) co_return added;
    }
    if (!scanned->next.has_value()) ++partition;
    after = std::move(scanned->next).value_or(std::string());
  }
  if (partition < kPartitions) page.next = EncodePageToken(scope, static_cast<char>(partition) + after);
  co_return page;
}

awaitable<absl::Status> GrantListing::Add(Record record, GrantPage& page) {
  const auto payload = co_await records_.Open(record.key, record.revision, record.value, deadline_);
  if (!payload.ok()) co_return Annotate(payload.status(), fmt::format("grant {}", record.key.id));
  co_return grants_.Read(GrantId(record.key.id), record.revision, payload->Expose(),
                         page.grants.emplace_back());
}

awaitable<absl::StatusOr<GrantPage>> GrantListing::OfSubject(SubjectId subject, std::string page_token) {
  const std::string scope = ScopeOf(tenant_, subject.value());
  const std::string prefix = SubjectPrefix(tenant_, subject);
  ASSIGN_OR_CO_RETURN(const std::string position, DecodePageToken(scope, page_token));
  const Partition partition = SubjectHintKey(tenant_, subject, GrantId()).partition;
  std::string after = prefix + position;
  GrantPage page;
  for (;;) {
    auto hints = co_await store_.Scan(partition, Kind::kSubjectGrant, tenant_, after,
                                      limit_ - page.grants.size(), deadline_);
    if (!hints.ok()) co_return Annotate(hints.status(), "listing a subject's grants");
    for (const Record& hint : hints->records) {
      if (!hint.key.id.starts_with(prefix)) co_return page;  // the next subject's
      GrantId grant(hint.key.id.substr(prefix.size()));
      const absl::Status followed = co_await Follow(std::move(grant), subject, page);
      if (!followed.ok()) co_return followed;
    }
    if (!hints->next.has_value()) co_return page;
    after = std::move(*hints->next);
    if (page.grants.size() < limit_) continue;
    page.next = EncodePageToken(scope, hints->records.back().key.id.substr(prefix.size()));
    co_return page;
  }
}

awaitable<absl::Status> GrantListing::Follow(GrantId grant, const SubjectId& subject, GrantPage& page) {
  ASSIGN_OR_CO_RETURN(std::optional<StoredGrant> stored, grants_.FromMemory(tenant_, grant));
  if (!stored.has_value()) {
    ASSIGN_OR_CO_RETURN(stored, co_await grants_.Load(tenant_, grant, deadline_));
  }
  if (stored.has_value() && stored->grant->subject() == subject.value()) {
    page.grants.push_back(std::move(*stored));
  }
  co_return absl::OkStatus();
}

}  // namespace grantkeep
