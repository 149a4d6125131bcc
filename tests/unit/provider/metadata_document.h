// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_UNIT_PROVIDER_METADATA_DOCUMENT_H_
#define GRANTKEEP_TESTS_UNIT_PROVIDER_METADATA_DOCUMENT_H_

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "provider/discovery.h"

namespace grantkeep::testing {

// A metadata document (RFC 8414 section 2) in which everything is right.
inline constexpr char kDocument[] =
    R"({"issuer":"https://as.example","authorization_endpoint":"https://as.example/authorize",
  "token_endpoint":"https://as.example/token","revocation_endpoint":"https://as.example/revoke",
  "response_types_supported":["code","token"],"grant_types_supported":["authorization_code","refresh_token"],
  "code_challenge_methods_supported":["plain","S256"],"token_endpoint_auth_methods_supported":["client_secret_basic"],
  "authorization_response_iss_parameter_supported":true,"unknown":{"a":[1]},"scopes_supported":["a"]})";

// What it is held to.
inline MetadataExpectation Expected(std::string issuer = "https://as.example") {
  MetadataExpectation expected;
  expected.issuer = std::move(issuer);
  expected.client_authentication = config::v1::CLIENT_AUTHENTICATION_CLIENT_SECRET_BASIC;
  return expected;
}

// The document with another value of `member`, or without it when `json` is empty.
inline std::string Altered(std::string_view member, std::string_view json) {
  boost::json::object object = boost::json::parse(kDocument).as_object();
  if (json.empty()) {
    object.erase(member);
  } else {
    object[member] = boost::json::parse(json);
  }
  return boost::json::serialize(object);
}

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_UNIT_PROVIDER_METADATA_DOCUMENT_H_
