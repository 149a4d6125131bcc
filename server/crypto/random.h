// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CRYPTO_RANDOM_H_
#define GRANTKEEP_CRYPTO_RANDOM_H_

#include <cstdint>
#include <span>
#include <string>

namespace grantkeep {

// Source of unpredictable bytes. Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual void Fill(std::span<uint8_t> out) = 0;
};

// OpenSSL's generator. A failure to produce randomness ends the process.
class SystemRandom final : public Random {
 public:
  void Fill(std::span<uint8_t> out) override;
};

// `bytes` random bytes in base64url without padding (RFC 4648 section 5).
std::string RandomToken(Random& random, size_t bytes);
// From 0 to 1, evenly: for jitter.
double RandomFraction(Random& random);

}  // namespace grantkeep

#endif  // GRANTKEEP_CRYPTO_RANDOM_H_
