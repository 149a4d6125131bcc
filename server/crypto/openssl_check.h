// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CRYPTO_OPENSSL_CHECK_H_
#define GRANTKEEP_CRYPTO_OPENSSL_CHECK_H_

namespace grantkeep {

// Ends the process with what OpenSSL says. For failures that no input can cause: no algorithm, no
// memory, no randomness. Going on would mean a record in the clear or a predictable key.
[[noreturn]] void OpenSslFailure(const char* what);

inline void OpenSslCheck(bool ok, const char* what) {
  if (!ok) [[unlikely]]
    OpenSslFailure(what);
}

}  // namespace grantkeep

#endif  // GRANTKEEP_CRYPTO_OPENSSL_CHECK_H_
