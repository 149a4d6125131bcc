// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_UNIT_PROVIDER_DIALECTS_H_
#define GRANTKEEP_TESTS_UNIT_PROVIDER_DIALECTS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "provider/provider.h"

namespace grantkeep::testing {

// What a provider of the catalogue is asked and answers, byte by byte. dialect_table_test.cc is
// the table, dialect_test.cc holds the room to it.

// The client of all of them, and what their records are asked with.
inline constexpr char kDialectClientId[] = "client:1";
inline constexpr char kDialectClientSecret[] = "s3cr%t/+";
inline constexpr char kDialectCode[] = "co de/1";
inline constexpr char kDialectVerifier[] = "verifier-~";
inline constexpr char kDialectRefreshToken[] = "re\"fresh/1";
inline constexpr char kDialectAccessToken[] = "ac+cess/1";
inline constexpr char kDialectRedirectUri[] = "https://app.example/cb";

struct SuccessAnswer {
  std::string_view name;
  std::string_view body;
  // Access token, refresh token, lifetime and scopes: "AT RT 3600 [a b]"; "-" for what is not there.
  std::string_view tokens;
  // Without one of these there is no usable access token, and the status names it.
  std::vector<std::string> needed = {"access_token", "token_type"};
  // Without one of these the rest is as good as before.
  std::vector<std::string> optional;
  TokenRequestKind request = TokenRequestKind::kCodeExchange;
  std::string_view remark = {};  // what is logged, without the provider's name
};

struct FailureAnswer {
  std::string_view name;
  int status;
  std::string_view body;
  std::string_view error;
  // What the status says when `error` is taken away.
  std::string_view without_error;
};

struct Dialect {
  std::string_view catalogue;
  std::string_view authorization_url;
  using Headers = std::vector<std::pair<std::string, std::string>>;
  Headers headers;  // of all requests
  std::string_view token_endpoint;
  std::string_view exchange_body;
  std::string_view refresh_body;
  std::string_view revocation_endpoint;
  // What is sent there, one request after the other, and what answers it as dead already.
  struct RevocationRequest {
    HttpRequest::Method method = HttpRequest::Method::kPost;
    std::string_view url;
    Headers headers;
    std::string_view body;
  };
  std::vector<RevocationRequest> revocations;
  std::string_view revoked = {};  // the body of an answer that says so, with 200
  int already_status = 0;         // 0: it has no such answer
  std::string_view already_body = {};
  std::vector<SuccessAnswer> successes;
  std::vector<FailureAnswer> failures;
};

// Every OAuth provider of the catalogue.
const std::vector<Dialect>& Dialects();

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_UNIT_PROVIDER_DIALECTS_H_
