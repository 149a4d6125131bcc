// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_STORE_IDENTITY_H_
#define GRANTKEEP_DAEMON_STORE_IDENTITY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/store.h"

namespace grantkeep {

// The store that a daemon was left with.
struct RememberedStore {
  std::string id;
  uint64_t epoch = 0;  // the highest that it has used
  friend bool operator==(const RememberedStore&, const RememberedStore&) = default;
};

enum class IdentityMatch {
  kSame,
  kNewer,       // the same store, adopted by somebody since
  kUnknownId,   // another store, or a clone of it
  kOlderEpoch,  // the same store as it once was: a restored backup
};
IdentityMatch CompareIdentity(const StoreIdentity& store, const RememberedStore& remembered);

// `now` is what became of the store that was `before` when somebody adopted it, as far as identities
// tell.
bool WasAdoptedSince(const StoreIdentity& before, const StoreIdentity& now);

// Whether `text` has the form of a store's id: 32 hexadecimal digits, in lower case.
bool IsStoreId(std::string_view text);

// The file is YAML, as it stands in the configuration under store.identity:
//
//   id: 0123456789abcdef0123456789abcdef
//   epoch: 3
//
// Nothing: there is no file. Errors name the file and what is wrong with it.
absl::StatusOr<std::optional<RememberedStore>> ReadIdentityFile(const std::string& path);
// Replaces the file as a whole, with mode 0600; it is there after a power cut.
absl::Status WriteIdentityFile(const std::string& path, const RememberedStore& store);

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_STORE_IDENTITY_H_
