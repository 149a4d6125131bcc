// SPDX-License-Identifier: Apache-2.0
#include "provider/authorization_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "provider/record.h"
#include "tests/unit/provider/provider_fixture.h"

namespace grantkeep::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Url(std::string_view yaml, const AuthorizationRequest& request,
                std::string endpoint = "https://as.example/authorize") {
  config::v1::Provider record = Record(yaml);
  FillDefaults(record);
  ServerMetadata metadata;
  metadata.authorization_endpoint = std::move(endpoint);
  return BuildAuthorizationUrl(record, metadata, request);
}

AuthorizationRequest Request() {
  AuthorizationRequest request;
  request.state = "xyz";
  request.code_challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
  request.redirect_uri = "https://app.example/callback?a=b";
  return request;
}

constexpr char kMinimal[] = "id: example\nclient: {client_id: s6BhdRkqt3}\n";

// RFC 6749 section 4.1.1 and RFC 7636 section 4.3.
TEST(AuthorizationUrl, HasTheParametersOfTheProtocol) {
  EXPECT_EQ(Url(kMinimal, Request()),
            "https://as.example/authorize?response_type=code&client_id=s6BhdRkqt3"
            "&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback%3Fa%3Db&state=xyz"
            "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256");
}

TEST(AuthorizationUrl, KeepsTheQueryOfTheEndpoint) {
  EXPECT_THAT(Url(kMinimal, Request(), "https://as.example/a?tenant=x%20y"),
              HasSubstr("https://as.example/a?tenant=x%20y&response_type=code&"));
  EXPECT_THAT(Url(kMinimal, Request(), "https://as.example/a?"),
              HasSubstr("https://as.example/a?response_type="));
  EXPECT_THAT(Url(kMinimal, Request(), "https://as.example/a?b&"),
              HasSubstr("https://as.example/a?b&response_type="));
}

TEST(AuthorizationUrl, JoinsScopesAsTheRecordSays) {
  AuthorizationRequest request = Request();
  EXPECT_THAT(Url(std::string(kMinimal) + "default_scopes: [a, b]\n", request), HasSubstr("&scope=a+b&"));
  request.scopes = {"read", "write:x"};
  EXPECT_THAT(Url(std::string(kMinimal) + "default_scopes: [a, b]\n", request),
              HasSubstr("&scope=read+write%3Ax&"));
  EXPECT_THAT(Url(std::string(kMinimal) + "scope_separator: \",\"\nscope_parameter: user_scope\n", request),
              HasSubstr("&user_scope=read%2Cwrite%3Ax&"));
  EXPECT_THAT(Url(std::string(kMinimal) + "scope_parameter: \"-\"\n", request), Not(HasSubstr("read")));
}

TEST(AuthorizationUrl, SendsNoChallengeWherePkceIsDisabled) {
  EXPECT_THAT(Url(std::string(kMinimal) + "pkce: disabled\n", Request()), Not(HasSubstr("code_challenge")));
}

// RFC 8707 section 2.
TEST(AuthorizationUrl, RepeatsResourceAndNothingElse) {
  AuthorizationRequest request = Request();
  request.resource = {"https://a.example/x", "https://b.example"};
  request.login_hint = "me@example.com";
  request.extra_params = {{"hd", "example.com"}, {"state", "evil"}, {"access_type", "evil"}, {"empty", ""}};
  const std::string url =
      Url(std::string(kMinimal) + "authorization_parameters: {prompt: consent, access_type: offline}\n",
          request, "https://as.example/a?hd=fixed");
  EXPECT_EQ(url.substr(url.find("&resource")),
            "&resource=https%3A%2F%2Fa.example%2Fx&resource=https%3A%2F%2Fb.example"
            "&login_hint=me%40example.com&access_type=offline&prompt=consent");
  EXPECT_THAT(url, Not(HasSubstr("evil")));
  EXPECT_THAT(url, Not(HasSubstr("hd=example.com")));
}

TEST(AuthorizationUrl, HasTheVectorOfRfc6749AppendixB) {
  AuthorizationRequest request = Request();
  request.login_hint = " %&+\xC2\xA3\xE2\x82\xAC";
  EXPECT_THAT(Url(kMinimal, request), HasSubstr("&login_hint=+%25%26%2B%C2%A3%E2%82%AC"));
}

}  // namespace
}  // namespace grantkeep::testing
