// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CRYPTO_AEAD_H_
#define GRANTKEEP_CRYPTO_AEAD_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "crypto/random.h"
#include "crypto/secret.h"

namespace grantkeep {

// AES-256-GCM (NIST SP 800-38D) with random 96-bit nonces. A box is
// nonce (12) || ciphertext || tag (16). Thread-safe. Keeps its key schedule, for keys that are used
// many times; for a single box the functions below are cheaper.
class AesGcm {
 public:
  static constexpr size_t kKeySize = 32;
  static constexpr size_t kNonceSize = 12;
  static constexpr size_t kTagSize = 16;
  static constexpr size_t kOverhead = kNonceSize + kTagSize;

  // Fails unless `key` has 32 bytes.
  static absl::StatusOr<AesGcm> Create(Secret key);

  AesGcm(AesGcm&&) noexcept;
  AesGcm& operator=(AesGcm&&) noexcept;
  ~AesGcm();

  std::string Seal(Random& random, std::string_view plaintext, std::string_view aad) const;
  // One error for every cause of failure: too short, wrong key, wrong aad, altered bytes.
  absl::StatusOr<Secret> Open(std::string_view box, std::string_view aad) const;
  // The same into `out`, which is as long as the box without kOverhead: no allocation. False on
  // failure; `out` is then wiped.
  bool OpenTo(std::string_view box, std::string_view aad, std::span<uint8_t> out) const;

 private:
  class Contexts;
  explicit AesGcm(Secret key);

  std::unique_ptr<Contexts> contexts_;
};

// The primitive beneath: one shot with a given nonce, which must never be used twice with a key.
// `plaintext` and the result's ciphertext have the same length, followed by the tag.
std::string AesGcmSealWithNonce(std::string_view key, std::string_view nonce, std::string_view plaintext,
                                std::string_view aad);
absl::StatusOr<Secret> AesGcmOpenWithNonce(std::string_view key, std::string_view nonce,
                                           std::string_view ciphertext_and_tag, std::string_view aad);

}  // namespace grantkeep

#endif  // GRANTKEEP_CRYPTO_AEAD_H_
