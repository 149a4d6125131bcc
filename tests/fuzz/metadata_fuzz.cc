// SPDX-License-Identifier: Apache-2.0
// An authorization server's metadata document, from whoever answers at the issuer's address.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "provider/discovery.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  grantkeep::MetadataExpectation expected;
  expected.issuer = "https://as.example";
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto metadata = grantkeep::ParseMetadata(expected, "application/json", body);
  if (!metadata.ok()) {
    if (metadata.status().message().empty()) abort();
    return 0;
  }
  // What is accepted is this issuer's, and is reached by https.
  if (metadata->issuer != expected.issuer) abort();
  if (!metadata->authorization_endpoint.starts_with("https://")) abort();
  if (!metadata->token_endpoint.starts_with("https://")) abort();
  if (!metadata->revocation_endpoint.empty() && !metadata->revocation_endpoint.starts_with("https://"))
    abort();
  return 0;
}
