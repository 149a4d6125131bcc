// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_SEALED_H_
#define GRANTKEEP_VAULT_SEALED_H_

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "store/store.h"
#include "vault/root_key.h"

namespace grantkeep {

// What a seal is bound to: a key without its partition, which costs a digest.
struct RecordName {
  Kind kind;
  std::string_view tenant;
  std::string_view id;
};

// Seals and opens records (storage.v1.SealedRecord).
//
//   root key -> wraps a tenant's KEKs -> a KEK wraps one random DEK per write -> seals the payload
//
// AAD, text as 4-byte big-endian length and bytes, numbers as 8 bytes big-endian:
//   payload:     "grantkeep/payload", format, kind, tenant, id, revision
//   wrapped DEK: "grantkeep/dek", format, kind, tenant, id, KEK version
//   wrapped KEK: "grantkeep/kek", format, tenant, KEK version
// so a record that was moved, swapped, edited or put back under another revision does not open,
// and re-wrapping a DEK leaves the payload alone.
class SealedRecords {
 public:
  SealedRecords(Store& store, KeyWrapper& root, Clock& clock, Random& random);
  ~SealedRecords();

  // Seals for the revision that the record will have. Loads the tenant's keyring, or creates it
  // (put if absent, then read again: two writers agree on one).
  boost::asio::awaitable<absl::StatusOr<std::string>> Seal(Key key, Revision revision,
                                                           std::string_view payload, Tick deadline);
  // Opens a record; loads the keyring if it is not in memory. kStoreCorrupt when it does not
  // authenticate, kKeyUnavailable when the root key is not the one that wrapped the keyring.
  boost::asio::awaitable<absl::StatusOr<Secret>> Open(Key key, Revision revision, std::string_view sealed,
                                                      Tick deadline);
  // The same without waiting; any thread. Nothing when the keyring is not in memory.
  absl::StatusOr<std::optional<Secret>> OpenFromMemory(const Key& key, Revision revision,
                                                       std::string_view sealed);
  absl::StatusOr<std::optional<Secret>> OpenFromMemory(const RecordName& name, Revision revision,
                                                       std::string_view sealed);

  // Fails with kKeyUnavailable when this store was written under another root key: a keyring that
  // belongs to no tenant is made on the first call and unwrapped on every later one. A store that may not
  // be written (kStoreNotAdopted) and has none passes.
  boost::asio::awaitable<absl::Status> CheckRootKey(Tick deadline);

  // After the store may have lost writes: makes it and memory agree on the tenant's keyring. True: it
  // was put back.
  boost::asio::awaitable<absl::StatusOr<bool>> PutKeyringBack(TenantId tenant, Tick deadline);
  // The tenants whose keyrings are in memory.
  std::vector<TenantId> keyrings() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_SEALED_H_
