// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_NET_TRUST_STORE_H_
#define GRANTKEEP_NET_TRUST_STORE_H_

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace grantkeep {

// The certificates that servers are verified against. Read once, because parsing the system's
// bundle takes longer than the loop may stand still, and shared by all connections.
class TrustStore {
 public:
  // Reads the PEM bundle `ca_file`, or the system's when that is empty. Every certificate in it
  // is an anchor, self-signed or not.
  static absl::StatusOr<TrustStore> Load(const std::string& ca_file);

  // Makes `context` verify against this store.
  void Install(SSL_CTX* context) const { SSL_CTX_set1_cert_store(context, store_.get()); }

 private:
  struct Free {
    void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  };

  TrustStore() : store_(X509_STORE_new()) {}

  std::unique_ptr<X509_STORE, Free> store_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_NET_TRUST_STORE_H_
