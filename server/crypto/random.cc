// SPDX-License-Identifier: Apache-2.0
#include "crypto/random.h"

#include <openssl/rand.h>

#include <climits>

#include "crypto/digest.h"
#include "crypto/openssl_check.h"
#include "crypto/secret.h"

namespace grantkeep {

void SystemRandom::Fill(std::span<uint8_t> out) {
  OpenSslCheck(out.size() <= INT_MAX, "random request too large");
  OpenSslCheck(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1, "no randomness");
}

std::string RandomToken(Random& random, size_t bytes) {
  Secret raw = Secret::OfSize(bytes);
  random.Fill(raw.Mutable());
  return Base64UrlEncode(raw.Expose());
}

double RandomFraction(Random& random) {
  uint16_t bits = 0;
  random.Fill({reinterpret_cast<uint8_t*>(&bits), sizeof(bits)});
  return bits / 65535.0;
}

}  // namespace grantkeep
