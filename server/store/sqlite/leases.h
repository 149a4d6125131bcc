// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_STORE_SQLITE_LEASES_H_
#define GRANTKEEP_STORE_SQLITE_LEASES_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/clock.h"
#include "store/store.h"

namespace grantkeep {

struct Lease {
  std::string owner;
  Time end;
};

// Who holds which key, in memory. Changes are kept or undone together with the transaction that
// they belong to.
class Leases {
 public:
  // The lease on `key` that has not ended, or null.
  const Lease* Find(const Key& key, Time now) const;
  void Take(const Key& key, std::string owner, Time end);
  void End(const Key& key, const std::string& owner);

  // What the changes since the last Keep or Undo come to.
  void Keep() { undo_.clear(); }
  void Undo();

  // Forgets leases that have ended. Not inside a transaction.
  void DropEnded(Time now);
  size_t size() const { return leases_.size(); }

 private:
  void Remember(const Key& key);

  absl::flat_hash_map<Key, Lease> leases_;
  // What was there before each change, oldest first.
  std::vector<std::pair<Key, std::optional<Lease>>> undo_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_STORE_SQLITE_LEASES_H_
