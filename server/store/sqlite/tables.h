// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_SQLITE_TABLES_H_
#define GRANTKEEP_STORE_SQLITE_TABLES_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/sqlite/database.h"
#include "store/sqlite/statement.h"
#include "store/store.h"

namespace grantkeep {

// The record and due tables, statement by statement; what may be done when is decided above.
// A record that has expired at `now` is not found. The storage thread only.
class Tables {
 public:
  struct Row {
    Revision revision = 0;
    std::string value;
    std::optional<std::string> guard;
    uint32_t misses = 0;
  };

  static absl::StatusOr<Tables> Create(Database& database);

  // The revision of a record; 0: there is none.
  absl::StatusOr<Revision> FindRevision(const Key& key, Time now);
  absl::StatusOr<std::optional<Row>> Find(const Key& key, Time now);
  absl::Status Put(const Key& key, Revision revision, std::string_view value, std::optional<Time> expires,
                   const std::optional<std::string>& guard);
  absl::Status Delete(const Key& key);
  absl::Status SetMisses(const Key& key, uint32_t misses);
  // In order of id, ending early once the values together pass `max_bytes`.
  absl::StatusOr<Page> Scan(Partition partition, Kind kind, const TenantId& tenant, std::string_view after,
                            size_t limit, size_t max_bytes, Time now);
  // Up to `limit` records that have expired, the longest dead first.
  absl::StatusOr<std::vector<Key>> FindExpired(Time now, size_t limit);

  absl::Status SetMeta(std::string_view name, const Argument& value);

  absl::Status SetDue(const Key& key, Time at);
  absl::Status ClearDue(const Key& key);
  absl::StatusOr<std::vector<DueItem>> FindDue(Partition partition, Time now, size_t limit);

 private:
  struct Statements;
  explicit Tables(std::unique_ptr<Statements> statements);

 public:
  Tables(Tables&&) noexcept;
  Tables& operator=(Tables&&) = delete;
  ~Tables();

 private:
  std::unique_ptr<Statements> statements_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_SQLITE_TABLES_H_
