// SPDX-License-Identifier: Apache-2.0
#include "crypto/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <memory>

#include "crypto/openssl_check.h"

namespace grantkeep {
namespace {

constexpr size_t kDigestSize = 32;
constexpr size_t kHkdfMax = 255 * kDigestSize;
using Digest = std::array<unsigned char, kDigestSize>;

// Fetched once; a look-up by name costs more than hashing a short string.
const EVP_MD* Sha256Algorithm() {
  static const EVP_MD* const algorithm = [] {
    const EVP_MD* fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    OpenSslCheck(fetched != nullptr, "no SHA-256");
    return fetched;
  }();
  return algorithm;
}

EVP_MD_CTX* ThreadDigestContext() {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  thread_local const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  OpenSslCheck(context != nullptr, "no memory for a digest");
  return context.get();
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Digest Hmac(std::string_view key, std::string_view data) {
  OpenSslCheck(key.size() <= INT_MAX, "HMAC key too long");
  // OpenSSL takes a null key for "the one from before".
  const char* key_data = key.empty() ? "" : key.data();
  Digest out;
  unsigned int size = 0;
  const unsigned char* done = HMAC(Sha256Algorithm(), key_data, static_cast<int>(key.size()), Bytes(data),
                                   data.size(), out.data(), &size);
  OpenSslCheck(done != nullptr && size == kDigestSize, "HMAC failed");
  return out;
}

std::string_view View(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

std::string Sha256(std::string_view data) {
  std::string out(kDigestSize, '\0');
  EVP_MD_CTX* context = ThreadDigestContext();
  OpenSslCheck(EVP_DigestInit_ex2(context, Sha256Algorithm(), nullptr) == 1 &&
                   EVP_DigestUpdate(context, data.data(), data.size()) == 1 &&
                   EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(out.data()), nullptr) == 1,
               "SHA-256 failed");
  return out;
}

std::string HmacSha256(std::string_view key, std::string_view data) {
  return std::string(View(Hmac(key, data)));
}

Secret HkdfSha256(std::string_view key, std::string_view salt, std::string_view info, size_t size) {
  OpenSslCheck(size <= kHkdfMax, "HKDF output too long");
  Digest prk = Hmac(salt, key);  // RFC 5869 section 2.2; no salt equals a key of zeros
  Secret out = Secret::OfSize(size);
  Secret input = Secret::OfSize(kDigestSize + info.size() + 1);
  Digest block{};
  size_t have = 0;
  for (unsigned char counter = 1; have < size;
       ++counter) {  // section 2.3: T(i) = HMAC(PRK, T(i-1) | info | i)
    const size_t chained = counter == 1 ? 0 : kDigestSize;
    uint8_t* at = input.Mutable().data();
    std::memcpy(at, block.data(), chained);
    std::copy(info.begin(), info.end(), at + chained);
    at[chained + info.size()] = counter;
    block = Hmac(View(prk), input.Expose().substr(0, chained + info.size() + 1));
    const size_t take = std::min(kDigestSize, size - have);
    std::memcpy(out.Mutable().data() + have, block.data(), take);
    have += take;
  }
  OPENSSL_cleanse(prk.data(), prk.size());
  OPENSSL_cleanse(block.data(), block.size());
  return out;
}

bool ConstantTimeEquals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace grantkeep
