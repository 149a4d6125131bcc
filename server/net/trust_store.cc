// SPDX-License-Identifier: Apache-2.0
#include "net/trust_store.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <new>

namespace grantkeep {

absl::StatusOr<TrustStore> TrustStore::Load(const std::string& ca_file) {
  TrustStore trust;
  if (trust.store_ == nullptr) throw std::bad_alloc();
  X509_STORE_set_flags(trust.store_.get(), X509_V_FLAG_PARTIAL_CHAIN);
  if (!ca_file.empty()) {
    const bool read = X509_STORE_load_file(trust.store_.get(), ca_file.c_str()) == 1;
    ERR_clear_error();
    if (read) return trust;
    return absl::InvalidArgumentError(
        fmt::format("ca_file '{}' has no certificate that can be read", ca_file));
  }
  const char* system = curl_version_info(CURLVERSION_NOW)->cainfo;
  if (system == nullptr || X509_STORE_load_file(trust.store_.get(), system) != 1) {
    // No bundle on this machine: OpenSSL's directory, which may be empty too. Then nothing is trusted.
    X509_STORE_set_default_paths(trust.store_.get());
  }
  ERR_clear_error();
  return trust;
}

}  // namespace grantkeep
