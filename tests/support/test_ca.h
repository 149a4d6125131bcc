// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_SUPPORT_TEST_CA_H_
#define GRANTKEEP_TESTS_SUPPORT_TEST_CA_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

namespace grantkeep::testing {

// A certificate authority that lives as long as the test: keys are made at run time.
class TestCa {
 public:
  struct Identity {
    std::string certificate_pem;
    std::string key_pem;
  };

  TestCa();
  ~TestCa();
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;

  // The CA's certificate in a PEM file, which is removed with this object.
  const std::string& file() const { return file_; }
  // A server certificate for DNS names and IP addresses.
  Identity Issue(const std::vector<std::string>& names) const;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
  };

  std::unique_ptr<EVP_PKEY, Free> key_;
  std::unique_ptr<X509, Free> certificate_;
  std::string file_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_SUPPORT_TEST_CA_H_
