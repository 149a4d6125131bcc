// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_ROOT_KEY_H_
#define GRANTKEEP_VAULT_ROOT_KEY_H_

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "crypto/random.h"
#include "crypto/secret.h"

namespace grantkeep {

// Wraps tenants' KEKs under the root key. A key file now; a KMS plugin is to come. Called on a loop.
class KeyWrapper {
 public:
  virtual ~KeyWrapper() = default;
  // Names the root key without revealing it; stored with what it wraps.
  virtual const std::string& key_id() const = 0;
  virtual boost::asio::awaitable<absl::StatusOr<std::string>> Wrap(std::string_view kek, std::string_view aad,
                                                                   Tick deadline) = 0;
  virtual boost::asio::awaitable<absl::StatusOr<Secret>> Unwrap(std::string_view wrapped,
                                                                std::string_view aad, Tick deadline) = 0;
};

// Reads the root key: 32 bytes, or 64 hexadecimal digits with an optional newline. Refuses a file
// that others may read (mode wider than 0600) unless `mounted_secret`, and an all-zero key. The
// error names the path and what to do.
absl::StatusOr<std::unique_ptr<KeyWrapper>> OpenRootKeyFile(const std::string& path, bool mounted_secret,
                                                            Random& random);
// Writes a new random key with mode 0600; fails when the file exists.
absl::Status CreateRootKeyFile(const std::string& path, Random& random);

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_ROOT_KEY_H_
