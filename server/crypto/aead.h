// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CRYPTO_AEAD_H_
#define GRANTKEEP_CRYPTO_AEAD_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "crypto/random.h"
#include "crypto/secret.h"

namespace grantkeep {

// AES-256-GCM (NIST SP 800-38D) with random 96-bit nonces. A box is
// nonce (12) || ciphertext || tag (16). Immutable after construction and thread-safe.
class AesGcm {
 public:
  static constexpr size_t kKeySize = 32;
  static constexpr size_t kNonceSize = 12;
  static constexpr size_t kTagSize = 16;
  static constexpr size_t kOverhead = kNonceSize + kTagSize;

  // Fails unless `key` has 32 bytes.
  static absl::StatusOr<AesGcm> Create(Secret key);

  AesGcm(AesGcm&&) = default;
  AesGcm& operator=(AesGcm&&) = default;

  std::string Seal(Random& random, std::string_view plaintext, std::string_view aad) const;
  // One error for every cause of failure: too short, wrong key, wrong aad, altered bytes.
  absl::StatusOr<Secret> Open(std::string_view box, std::string_view aad) const;

 private:
  explicit AesGcm(Secret key) : key_(std::move(key)) {}
  Secret key_;
};

// The primitive beneath, for test vectors: one shot with a given nonce. `plaintext` and the
// result's ciphertext have the same length, followed by the tag.
std::string AesGcmSealWithNonce(std::string_view key, std::string_view nonce, std::string_view plaintext,
                                std::string_view aad);
absl::StatusOr<Secret> AesGcmOpenWithNonce(std::string_view key, std::string_view nonce,
                                           std::string_view ciphertext_and_tag, std::string_view aad);

}  // namespace grantkeep

#endif  // GRANTKEEP_CRYPTO_AEAD_H_
