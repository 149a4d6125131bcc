// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_STORE_MEMORY_H_
#define GRANTKEEP_DAEMON_STORE_MEMORY_H_

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/store_identity.h"

namespace grantkeep {

// Where a daemon remembers its store: in a file, or in its configuration. Neither: nowhere.
struct IdentitySettings {
  std::string file;
  std::optional<RememberedStore> fixed;
};

// Tells whether a store is the one that this daemon was left with, and remembers the one that is.
// Thread-safe.
class StoreMemory {
 public:
  // Reads the file. Fails when it is there and cannot be used. Warns when nothing is remembered.
  static absl::StatusOr<std::unique_ptr<StoreMemory>> Open(IdentitySettings settings);

  // OK: the store may be written, and is remembered from now on. That is: the same as before, the same in
  // a later epoch (another daemon's operator has adopted it), the first ever seen by a file, or any at all
  // when nothing is remembered. Also a store of another id that this object has refused, and that was
  // adopted since, under our eyes. Everything else is kStoreNotAdopted, with what is wrong and the way
  // out; kStoreUnavailable for a store that has not been reached yet.
  absl::Status Judge(const StoreIdentity& store);

  // From now on this is the store. Fails when the file cannot be written; the daemon itself knows.
  absl::Status Remember(const StoreIdentity& store);
  // Nothing: none, or none yet.
  std::optional<RememberedStore> remembered() const;

 private:
  explicit StoreMemory(IdentitySettings settings) : settings_(std::move(settings)) {}
  absl::Status Keep(const StoreIdentity& store);  // under mutex_
  // The same, where there is nobody to tell but the log.
  void KeepOrLog(const StoreIdentity& store);
  absl::Status Refuse(const StoreIdentity& store);
  bool remembers() const { return !settings_.file.empty() || settings_.fixed.has_value(); }

  const IdentitySettings settings_;
  mutable std::mutex mutex_;
  std::optional<RememberedStore> remembered_;
  std::optional<StoreIdentity> refused_;  // the last verdict was "no", and on this
};

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_STORE_MEMORY_H_
