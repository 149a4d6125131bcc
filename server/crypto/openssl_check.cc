// SPDX-License-Identifier: Apache-2.0
#include "crypto/openssl_check.h"

#include <openssl/err.h>

#include <cstdio>
#include <cstdlib>

namespace grantkeep {

void OpenSslFailure(const char* what) {
  std::fprintf(stderr, "fatal: OpenSSL: %s\n", what);
  ERR_print_errors_fp(stderr);
  std::abort();
}

}  // namespace grantkeep
