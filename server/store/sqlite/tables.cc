// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/tables.h"

#include <array>
#include <utility>

#include "base/status_macros.h"

namespace grantkeep {
namespace {

#define GK_KEY "partition = ?1 AND kind = ?2 AND tenant = ?3 AND id = ?4"
constexpr char kFindRevision[] =
    "SELECT revision FROM record WHERE " GK_KEY " AND (expires IS NULL OR expires > ?5)";
constexpr char kFind[] = "SELECT revision, value, guard, misses FROM record WHERE " GK_KEY
                         " AND (expires IS NULL OR expires > ?5)";
constexpr char kPut[] = "INSERT OR REPLACE INTO record VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)";
constexpr char kDelete[] = "DELETE FROM record WHERE " GK_KEY;
constexpr char kSetMisses[] = "UPDATE record SET misses = ?5 WHERE " GK_KEY;
constexpr char kScan[] =
    "SELECT id, revision, value FROM record WHERE partition = ?1 AND kind = ?2 AND tenant = ?3 AND id > ?4 "
    "AND (expires IS NULL OR expires > ?5) ORDER BY id";
constexpr char kFindExpired[] =
    "SELECT partition, kind, tenant, id FROM record WHERE expires IS NOT NULL AND expires <= ?1 "
    "ORDER BY expires LIMIT ?2";
constexpr char kSetMeta[] = "INSERT OR REPLACE INTO meta VALUES (CAST(?1 AS TEXT), ?2)";
constexpr char kSetDue[] = "INSERT OR REPLACE INTO due VALUES (?1, ?2, ?3, ?4, ?5)";
constexpr char kClearDue[] = "DELETE FROM due WHERE " GK_KEY;
constexpr char kFindDue[] =
    "SELECT partition, kind, tenant, id, at FROM due WHERE partition = ?1 AND at <= ?2 ORDER BY at LIMIT ?3";
#undef GK_KEY

int64_t Number(Kind kind) { return static_cast<int64_t>(kind); }
int64_t Number(Revision revision) { return static_cast<int64_t>(revision); }

// A key from the first four columns.
Key KeyAt(const Statement& row) {
  return {.partition = static_cast<Partition>(row.Number(0)),
          .kind = static_cast<Kind>(row.Number(1)),
          .tenant = TenantId(row.Bytes(2)),
          .id = row.Bytes(3)};
}

}  // namespace

struct Tables::Statements {
  Statement find_revision, find, put, erase, set_misses, scan, find_expired, set_due, clear_due, find_due,
      set_meta;
};

Tables::Tables(std::unique_ptr<Statements> statements) : statements_(std::move(statements)) {}
Tables::Tables(Tables&&) noexcept = default;
Tables::~Tables() = default;

absl::StatusOr<Tables> Tables::Create(Database& database) {
  std::vector<Statement> made;
  for (const char* sql : {kFindRevision, kFind, kPut, kDelete, kSetMisses, kScan, kFindExpired, kSetDue,
                          kClearDue, kFindDue, kSetMeta}) {
    ASSIGN_OR_RETURN(Statement statement, database.Prepare(sql));
    made.push_back(std::move(statement));
  }
  return Tables(std::make_unique<Statements>(
      Statements{std::move(made[0]), std::move(made[1]), std::move(made[2]), std::move(made[3]),
                 std::move(made[4]), std::move(made[5]), std::move(made[6]), std::move(made[7]),
                 std::move(made[8]), std::move(made[9]), std::move(made[10])}));
}

absl::StatusOr<Revision> Tables::FindRevision(const Key& key, Time now) {
  Statement& find = statements_->find_revision;
  const Cursor cursor(find);
  RETURN_IF_ERROR(find.Bind({key.partition, Number(key.kind), key.tenant.value(), key.id, ToMicros(now)}));
  ASSIGN_OR_RETURN(const bool found, find.Next());
  return found ? static_cast<Revision>(find.Number(0)) : 0;
}

absl::StatusOr<std::optional<Tables::Row>> Tables::Find(const Key& key, Time now) {
  Statement& find = statements_->find;
  const Cursor cursor(find);
  RETURN_IF_ERROR(find.Bind({key.partition, Number(key.kind), key.tenant.value(), key.id, ToMicros(now)}));
  ASSIGN_OR_RETURN(const bool found, find.Next());
  if (!found) return std::nullopt;
  Row row{.revision = static_cast<Revision>(find.Number(0)),
          .value = find.Bytes(1),
          .guard = std::nullopt,
          .misses = static_cast<uint32_t>(find.Number(3))};
  if (!find.IsNull(2)) row.guard = find.Bytes(2);
  return row;
}

absl::Status Tables::Put(const Key& key, Revision revision, std::string_view value,
                         std::optional<Time> expires, const std::optional<std::string>& guard) {
  const Argument end = expires.has_value() ? Argument(ToMicros(*expires)) : Argument(std::nullopt);
  const Argument lock = guard.has_value() ? Argument(std::string_view(*guard)) : Argument(std::nullopt);
  return statements_->put.Run(
      {key.partition, Number(key.kind), key.tenant.value(), key.id, Number(revision), value, end, lock});
}

absl::Status Tables::Delete(const Key& key) {
  return statements_->erase.Run({key.partition, Number(key.kind), key.tenant.value(), key.id});
}

absl::Status Tables::SetMisses(const Key& key, uint32_t misses) {
  return statements_->set_misses.Run({key.partition, Number(key.kind), key.tenant.value(), key.id, misses});
}

absl::StatusOr<Page> Tables::Scan(Partition partition, Kind kind, const TenantId& tenant,
                                  std::string_view after, size_t limit, size_t max_bytes, Time now) {
  Statement& scan = statements_->scan;
  const Cursor cursor(scan);
  RETURN_IF_ERROR(scan.Bind({partition, Number(kind), tenant.value(), after, ToMicros(now)}));
  Page page;
  size_t bytes = 0;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, scan.Next());
    if (!more) return page;
    if (page.records.size() == limit || bytes > max_bytes) {
      page.next = page.records.back().key.id;
      return page;
    }
    Key key{.partition = partition, .kind = kind, .tenant = tenant, .id = scan.Bytes(0)};
    page.records.push_back({std::move(key), static_cast<Revision>(scan.Number(1)), scan.Bytes(2)});
    bytes += page.records.back().value.size();
  }
}

absl::StatusOr<std::vector<Key>> Tables::FindExpired(Time now, size_t limit) {
  Statement& find = statements_->find_expired;
  const Cursor cursor(find);
  RETURN_IF_ERROR(find.Bind({ToMicros(now), static_cast<int64_t>(limit)}));
  std::vector<Key> keys;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, find.Next());
    if (!more) return keys;
    keys.push_back(KeyAt(find));
  }
}

absl::Status Tables::SetMeta(std::string_view name, const Argument& value) {
  return statements_->set_meta.Run({name, value});
}

absl::Status Tables::SetDue(const Key& key, Time at) {
  return statements_->set_due.Run(
      {key.partition, Number(key.kind), key.tenant.value(), key.id, ToMicros(at)});
}

absl::Status Tables::ClearDue(const Key& key) {
  return statements_->clear_due.Run({key.partition, Number(key.kind), key.tenant.value(), key.id});
}

absl::StatusOr<std::vector<DueItem>> Tables::FindDue(Partition partition, Time now, size_t limit) {
  Statement& find = statements_->find_due;
  const Cursor cursor(find);
  RETURN_IF_ERROR(find.Bind({partition, ToMicros(now), static_cast<int64_t>(limit)}));
  std::vector<DueItem> items;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, find.Next());
    if (!more) return items;
    items.push_back({KeyAt(find), FromMicros(find.Number(4))});
  }
}

}  // namespace grantkeep
