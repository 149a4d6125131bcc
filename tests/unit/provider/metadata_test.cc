// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "provider/discovery.h"
#include "tests/unit/provider/metadata_document.h"
#include "tests/unit/provider/provider_fixture.h"

namespace grantkeep::testing {
namespace {

using ::testing::ElementsAre;

// RFC 8414 section 3.1, OpenID Connect Discovery section 4.
TEST(MetadataUrls, InsertOrAppendTheWellKnownPath) {
  for (const char* issuer : {"https://as.example", "https://as.example/"}) {
    EXPECT_THAT(MetadataUrls(issuer), ElementsAre("https://as.example/.well-known/oauth-authorization-server",
                                                  "https://as.example/.well-known/openid-configuration"));
  }
  for (const char* issuer : {"https://as.example:8443/a/b", "https://as.example:8443/a/b/"}) {
    EXPECT_THAT(MetadataUrls(issuer),
                ElementsAre("https://as.example:8443/.well-known/oauth-authorization-server/a/b",
                            "https://as.example:8443/.well-known/openid-configuration/a/b",
                            "https://as.example:8443/a/b/.well-known/openid-configuration"));
  }
}

TEST(ParseMetadata, ReadsWhatAFlowNeeds) {
  const auto metadata = ParseMetadata(Expected(), "application/json; charset=utf-8", kDocument);
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  EXPECT_EQ(metadata->issuer, "https://as.example");
  EXPECT_EQ(metadata->authorization_endpoint, "https://as.example/authorize");
  EXPECT_EQ(metadata->token_endpoint, "https://as.example/token");
  EXPECT_EQ(metadata->revocation_endpoint, "https://as.example/revoke");
  EXPECT_TRUE(metadata->iss_parameter_supported);
  EXPECT_TRUE(metadata->discovered);
}

TEST(ParseMetadata, OnlyTheRequiredMembersAreRequired) {
  const std::map<std::string, std::string> missing = {
      {"issuer", "metadata: issuer is missing"},
      {"authorization_endpoint", "metadata: authorization_endpoint is missing"},
      {"token_endpoint", "metadata: token_endpoint is missing"},
      {"response_types_supported", "metadata: response_types_supported is missing"},
      {"revocation_endpoint", ""},
      {"grant_types_supported", ""},
      {"code_challenge_methods_supported", ""},
      {"token_endpoint_auth_methods_supported", ""},
      {"authorization_response_iss_parameter_supported", ""},
      {"unknown", ""},
  };
  for (const auto& [member, message] : missing) {
    const auto metadata = ParseMetadata(Expected(), "application/json", Altered(member, ""));
    EXPECT_EQ(MessageOf(metadata.status()), message) << member;
  }
}

TEST(ParseMetadata, WrongMembersAreNamed) {
  const std::vector<std::tuple<std::string, std::string, std::string>> wrong = {
      {"authorization_endpoint", "5", "metadata: authorization_endpoint has the wrong type"},
      {"authorization_endpoint", "\"/authorize\"",
       "metadata: authorization_endpoint must be an absolute URI with a host"},
      {"authorization_endpoint", "\"http://as.example/a\"", "metadata: authorization_endpoint must be https"},
      {"authorization_endpoint", "\"https://as.example/a?redirect_uri=x\"",
       "metadata: authorization_endpoint has a protocol parameter in its query"},
      {"authorization_endpoint", "\"javascript:alert(1)\"",
       "metadata: authorization_endpoint must be an absolute URI with a host"},
      {"token_endpoint", "\"http://127.0.0.1/t\"", "metadata: token_endpoint must be https"},
      {"token_endpoint", "\"https://u@as.example/t\"",
       "metadata: token_endpoint must not have user information"},
      {"token_endpoint", "[\"https://as.example/t\"]", "metadata: token_endpoint has the wrong type"},
      {"revocation_endpoint", "\"ftp://as.example/t\"", "metadata: revocation_endpoint must be https"},
      {"response_types_supported", "\"code\"", "metadata: response_types_supported has the wrong type"},
      {"response_types_supported", "[\"token\"]", "metadata: response_types_supported does not list code"},
      {"grant_types_supported", "[\"implicit\"]",
       "metadata: grant_types_supported does not list authorization_code"},
      {"code_challenge_methods_supported", "[\"plain\"]",
       "metadata: code_challenge_methods_supported does not list S256"},
      {"code_challenge_methods_supported", "[]",
       "metadata: code_challenge_methods_supported does not list S256"},
      {"code_challenge_methods_supported", "[\"s256\"]",
       "metadata: code_challenge_methods_supported does not list S256"},
      {"token_endpoint_auth_methods_supported", "[\"client_secret_post\"]",
       "metadata: token_endpoint_auth_methods_supported does not list client_secret_basic"},
      {"authorization_response_iss_parameter_supported", "\"true\"",
       "metadata: authorization_response_iss_parameter_supported has the wrong type"},
      {"require_pushed_authorization_requests", "true",
       "metadata: require_pushed_authorization_requests is not supported"},
      {"issuer", "[\"https://as.example\"]", "metadata: issuer has the wrong type"},
  };
  for (const auto& [member, json, message] : wrong) {
    const auto metadata = ParseMetadata(Expected(), "application/json", Altered(member, json));
    EXPECT_EQ(MessageOf(metadata.status()), message) << member << " " << json;
    EXPECT_TRUE(HasReason(metadata.status(), Reason::kProviderError)) << member;
  }
}

TEST(ParseMetadata, ARepeatedMemberIsRefused) {
  const std::string twice =
      std::string(kDocument).insert(1, R"("token_endpoint":"https://evil.example/token",)");
  EXPECT_EQ(MessageOf(ParseMetadata(Expected(), "application/json", twice).status()),
            "metadata: token_endpoint is given twice");
}

// RFC 8414 section 3.3 and 4: no normalisation of any kind.
TEST(ParseMetadata, IssuerIsComparedByCodePoint) {
  for (const char* other : {"https://as.example/", "https://AS.example", "HTTPS://as.example",
                            "https://as.example:443", "https://as.example/%2e", "https://as.exampl%65",
                            "https://evil.example", "", "https://as.example "}) {
    const auto metadata =
        ParseMetadata(Expected(), "application/json", Altered("issuer", fmt::format("\"{}\"", other)));
    EXPECT_TRUE(HasReason(metadata.status(), Reason::kIssuerMismatch)) << other;
  }
  EXPECT_TRUE(ParseMetadata(Expected("https://as.example/"), "application/json",
                            Altered("issuer", "\"https://as.example/\""))
                  .ok());
}

TEST(ParseMetadata, WhatTheOperatorSaysIsNotContested) {
  MetadataExpectation expected = Expected();
  expected.client_authentication.reset();
  expected.pkce = false;
  EXPECT_TRUE(ParseMetadata(expected, "application/json",
                            Altered("token_endpoint_auth_methods_supported", "[\"private_key_jwt\"]"))
                  .ok());
  EXPECT_TRUE(
      ParseMetadata(expected, "application/json", Altered("code_challenge_methods_supported", "[\"plain\"]"))
          .ok());
}

TEST(ParseMetadata, LoopbackEndpointsAreForDevelopment) {
  MetadataExpectation expected = Expected();
  expected.development = true;
  const std::string document = Altered("token_endpoint", "\"http://127.0.0.1:9000/token\"");
  EXPECT_TRUE(ParseMetadata(expected, "application/json", document).ok());
  EXPECT_FALSE(ParseMetadata(Expected(), "application/json", document).ok());
}

TEST(ParseMetadata, TypeSizeAndFormAreChecked) {
  for (const char* type : {"", "text/html", "application/jsonp", "application/json-seq", "text/json"}) {
    EXPECT_EQ(MessageOf(ParseMetadata(Expected(), type, kDocument).status()),
              "metadata: the document is not application/json")
        << type;
  }
  EXPECT_TRUE(ParseMetadata(Expected(), "Application/JSON ;charset=utf-8", kDocument).ok());
  EXPECT_EQ(MessageOf(ParseMetadata(Expected(), "application/json", "<html>").status()),
            "metadata: the document is not valid JSON");
  EXPECT_EQ(MessageOf(ParseMetadata(Expected(), "application/json", "[]").status()),
            "metadata: the document is not a JSON object");
  EXPECT_EQ(
      MessageOf(
          ParseMetadata(Expected(), "application/json", kDocument + std::string(64 * 1024, ' ')).status()),
      "metadata: the document is too large");
}

}  // namespace
}  // namespace grantkeep::testing
