// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_ca.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/ip/address.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace grantkeep::testing {
namespace {

void Check(bool done) {
  if (!done) throw std::runtime_error("OpenSSL failed to make a test certificate");
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  Check(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

X509* NewCertificate(EVP_PKEY* key, const std::string& name) {
  static std::atomic<long> serial = 1;
  X509* certificate = X509_new();
  Check(certificate != nullptr);
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 24L * 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

template <typename Write>
std::string Pem(Write write) {
  BIO* bio = BIO_new(BIO_s_mem());
  Check(write(bio) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<size_t>(size));
  BIO_free(bio);
  return pem;
}

bool IsAddress(const std::string& name) {
  boost::system::error_code error;
  boost::asio::ip::make_address(name, error);
  return !error;
}

std::string NewFile() {
  std::string path = (std::filesystem::temp_directory_path() / "grantkeep-ca-XXXXXX").string();
  const int fd = mkstemp(path.data());
  Check(fd >= 0);
  close(fd);
  return path;
}

}  // namespace

TestCa::TestCa() : key_(EVP_EC_gen("P-256")), file_(NewFile()) {
  Check(key_ != nullptr);
  certificate_.reset(NewCertificate(key_.get(), "Grantkeep test CA"));
  X509* const ca = certificate_.get();
  Check(X509_set_issuer_name(ca, X509_get_subject_name(ca)) == 1);
  AddExtension(ca, ca, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(ca, ca, NID_subject_key_identifier, "hash");
  Check(X509_sign(ca, key_.get(), EVP_sha256()) > 0);
  std::ofstream(file_) << Pem([&](BIO* bio) { return PEM_write_bio_X509(bio, ca); });
}

TestCa::~TestCa() {
  std::error_code ignored;
  std::filesystem::remove(file_, ignored);
}

TestCa::Identity TestCa::Issue(const std::vector<std::string>& names) const {
  const std::unique_ptr<EVP_PKEY, Free> key(EVP_EC_gen("P-256"));
  Check(key != nullptr);
  const std::unique_ptr<X509, Free> certificate(NewCertificate(key.get(), "Grantkeep test server"));
  Check(X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate_.get())) == 1);
  std::string alternatives;
  for (const std::string& name : names) {
    alternatives += (alternatives.empty() ? "" : ",") + std::string(IsAddress(name) ? "IP:" : "DNS:") + name;
  }
  AddExtension(certificate.get(), certificate_.get(), NID_subject_alt_name, alternatives);
  AddExtension(certificate.get(), certificate_.get(), NID_authority_key_identifier, "keyid");
  Check(X509_sign(certificate.get(), key_.get(), EVP_sha256()) > 0);
  return {Pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); }), Pem([&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace grantkeep::testing
