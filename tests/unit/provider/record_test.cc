// SPDX-License-Identifier: Apache-2.0
#include "provider/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/provider/provider_fixture.h"

namespace grantkeep::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RecordTest : public ProviderFixture {
 protected:
  // What Create says about the example with `yaml` put over it, or about `yaml` alone.
  std::string Problem(std::string_view yaml, bool development = false) {
    return ProblemOf(yaml.find("id: ") == 0 ? Record(yaml) : Merged(yaml), development);
  }
  std::string ProblemOf(config::v1::Provider record, bool development = false) {
    const auto provider = Provider::Create(std::move(record), Dependencies(development));
    EXPECT_TRUE(provider.ok() || HasReason(provider.status(), Reason::kInvalidField));
    EXPECT_TRUE(provider.ok() || FieldOf(provider.status()).has_value());
    return MessageOf(provider.status());
  }
  static config::v1::Provider Merged(std::string_view yaml) {
    config::v1::Provider record = Record(kExampleYaml);
    record.MergeFrom(Record(yaml));
    return record;
  }
};

TEST_F(RecordTest, TheExampleIsRightAndItsDefaultsAreFilledIn) {
  const auto provider = Make(Record(kExampleYaml));
  const config::v1::Provider& record = provider->record();
  EXPECT_EQ(record.kind(), config::v1::PROVIDER_KIND_OAUTH);
  EXPECT_EQ(record.client_authentication(), config::v1::CLIENT_AUTHENTICATION_CLIENT_SECRET_BASIC);
  EXPECT_EQ(record.token_request_body(), config::v1::TOKEN_REQUEST_BODY_FORM);
  EXPECT_EQ(record.pkce(), config::v1::PKCE_S256);
  EXPECT_EQ(record.rotation(), config::v1::ROTATION_STRICT);
  EXPECT_EQ(record.error_dialect(), config::v1::ERROR_DIALECT_RFC6749);
  EXPECT_EQ(provider->request_timeout(), std::chrono::seconds(20));
  EXPECT_EQ(provider->id(), ProviderId("example"));
  EXPECT_FALSE(provider->is_static());
}

TEST_F(RecordTest, WithoutSecretsTheClientIsPublic) {
  config::v1::Provider record = Record(kExampleYaml);
  record.mutable_client()->clear_client_secrets();
  EXPECT_EQ(Make(std::move(record))->record().client_authentication(),
            config::v1::CLIENT_AUTHENTICATION_NONE);
}

TEST_F(RecordTest, AnIssuerAloneIsEnough) {
  EXPECT_EQ(Problem("id: a\nissuer: https://as.example\nclient: {client_id: x}\n"), "");
}

TEST_F(RecordTest, EachMistakeIsNamedByItsField) {
  const std::vector<std::pair<std::string, std::string>> mistakes = {
      {"id: \"a b\"\n", "id: must be 1 to 128 letters"},
      {"id: " + std::string(129, 'a') + "\n", "id: must be 1 to 128 letters"},
      {"display_name: " + std::string(129, 'a'), "display_name: has more than 128 bytes"},
      {"static_credential: {header_name: A}", "static_credential: is for kind static only"},

      {"issuer: http://as.example", "issuer: must be https"},
      {"issuer: https://as.example/?a", "issuer: must not have a query"},
      {"authorization_endpoint: /authorize", "authorization_endpoint: must be an absolute URI"},
      {"authorization_endpoint: \"https://as.example/#a\"",
       "authorization_endpoint: must not have a fragment"},
      {"authorization_endpoint: https://as.example/?a=1&State=2",
       "authorization_endpoint: has a protocol parameter in its query"},
      {"authorization_endpoint: https://as.example/?a=1&a=2",
       "authorization_endpoint: has a parameter in its query"},
      {"{authorization_endpoint: \"https://as.example/?a=1\", authorization_parameters: {a: b}}",
       "authorization_endpoint: has a parameter in its query that is given twice"},
      {"token_endpoint: http://as.example/token", "token_endpoint: must be https"},
      {"token_endpoint: http://127.0.0.1/token", "token_endpoint: must be https"},
      {"revocation_endpoint: https://u:p@as.example/revoke",
       "revocation_endpoint: must not have user information"},
      {"id: a\nclient: {client_id: x}\n", "issuer: is missing, and so are"},
      {"id: a\nclient: {client_id: x}\ntoken_endpoint: https://as.example\n",
       "authorization_endpoint: is missing"},
      {"id: a\nclient: {client_id: x}\nauthorization_endpoint: https://as.example\n",
       "token_endpoint: is missing"},
      {"id: a\nclient: {client_id: x}\nissuer: https://as.example\nrevocation_endpoint: https://as.example\n",
       "revocation_endpoint: is discovered"},
      {"id: a\nclient: {client_id: x}\niss_parameter_supported: true\ntoken_endpoint: https://as.example\n"
       "authorization_endpoint: https://as.example\n",
       "issuer: is missing; iss_parameter_supported"},

      {"id: a\nissuer: https://as.example\n", "client.client_id: is missing"},
      {"client: {client_id: \"a\xC3\xA9\"}", "client.client_id: must be printable"},
      {"id: a\nissuer: https://as.example\nclient_authentication: client_secret_post\nclient: {client_id: "
       "x}\n",
       "client.client_secrets: is missing"},
      {"client_authentication: none", "client.client_secrets: are not used"},
      {"client: {client_secrets: [{}]}", "client.client_secrets[1]: must say where the secret is"},
      {"client: {client_secrets: [{env: A}, {env: \"hunter2!\"}]}",
       "client.client_secrets[2].env: must be the name of an environment variable"},
      {"client: {client_secrets: [{env: 2A}]}", "client.client_secrets[1].env: must be"},
      {"client: {client_secrets: [{file: \"\"}]}", "client.client_secrets[1].file: is missing"},
      {"client: {client_secrets: [{vault: {name: a}}]}", "client.client_secrets[1].vault.tenant: is missing"},
      {"client: {client_secrets: [{vault: {tenant: a}}]}", "client.client_secrets[1].vault.name: is missing"},

      {"token_request_headers: {\"A b\": c}", "token_request_headers: has a malformed name"},
      {"token_request_headers: {authorization: c}",
       "token_request_headers[\"authorization\"]: cannot be set"},
      {"token_request_headers: {Content-Type: c}", "token_request_headers[\"Content-Type\"]: cannot be set"},
      {"token_request_headers: {A: b, a: c}", "]: is given twice"},
      {"token_request_headers: {A: \"\xC3\xA9\"}", "token_request_headers[\"A\"]: must be printable ASCII"},
      {"error_aliases: {\"a b\": invalid_grant}", "error_aliases: has a malformed error code"},
      {"error_aliases: {bad: worse}", "error_aliases[\"bad\"]: must be an error code of RFC 6749"},
      {"token_object: \"a b\"", "token_object: is not the name of a member"},
      {"request_timeout: 999ms", "request_timeout: must be from 1s to 60s"},
      {"request_timeout: 60001ms", "request_timeout: must be from 1s to 60s"},

      {"scope_separator: \"a\"", "scope_separator: must be one of"},
      {"scope_separator: \", \"", "scope_separator: must be one of"},
      {"answer_scope_separator: \"-\"", "answer_scope_separator: must be one of"},
      {"scope_parameter: state", "scope_parameter: is not the name of a free parameter"},
      {"scope_parameter: \"a b\"", "scope_parameter: is not the name of a free parameter"},
      {"{scope_parameter: a, authorization_parameters: {a: b}}", "scope_parameter: is not the name"},
      {"default_scopes: [a, \"b c\"]", "default_scopes[1]: is not a single scope"},
      {"default_scopes: [\"\"]", "default_scopes[0]: is not a single scope"},
      {"{default_scopes: [\"b,c\"], scope_separator: \",\"}", "default_scopes[0]: is not a single scope"},

      {"authorization_parameters: {\"a b\": c}", "authorization_parameters: has a malformed name"},
      {"authorization_parameters: {Redirect_URI: c}",
       "authorization_parameters[\"Redirect_URI\"]: is a protocol"},
      {"authorization_parameters: {a: \"\"}", "authorization_parameters[\"a\"]: must have from 1"},
      {"optional_authorization_parameters: [hd, state]",
       "optional_authorization_parameters[1]: is a protocol"},
      {"optional_authorization_parameters: [\"\"]",
       "optional_authorization_parameters[0]: is not a parameter name"},
      {"optional_authorization_parameters: [hd, hd]", "optional_authorization_parameters[1]: is given twice"},
      {"{optional_authorization_parameters: [a], authorization_parameters: {a: b}}",
       "optional_authorization_parameters[0]: is in authorization_parameters already"},
      {"{optional_authorization_parameters: [user_scope], scope_parameter: user_scope}",
       "optional_authorization_parameters[0]: is a protocol parameter"},

      {"rotation: grace", "rotation_grace: is missing"},
      {"{rotation: grace, rotation_grace: 0s}", "rotation_grace: must be from 1s to 86400s"},
      {"{rotation: grace, rotation_grace: 25h}", "rotation_grace: must be from 1s to 86400s"},
      {"rotation_grace: 10s", "rotation_grace: is for rotation grace only"},
      {"{rotation: none, in_doubt: never_retry}", "in_doubt: never_retry makes no sense with rotation none"},
      {"{rotation: keeps_old, in_doubt: never_retry}", "in_doubt: never_retry makes no sense"},
      {"default_lifetime: 0s", "default_lifetime: must be from 1s"},
      {"inactivity_limit: 59s", "inactivity_limit: must be from 60s"},
      {"inactivity_limit: 87601h", "inactivity_limit: must be from 60s"},
      {"inactivity_limit: 60500ms", "inactivity_limit: must be whole seconds"},
      {"request_budget: {per_second: 100001}",
       "request_budget.per_second: must be at most 100000, is 100001"},
      {"request_budget: {concurrent: 10001}", "request_budget.concurrent: must be at most 10000, is 10001"},
      {"redirect_uris: [http://app.example/cb]", "redirect_uris[1]: must be https, or http to a loopback"},
      {"redirect_uris: [\"https://app.example/#a\"]", "redirect_uris[1]: must not have a fragment"},
      {"redirect_uris: [https://app.example/callback]", "redirect_uris[1]: is given twice"},
      {"allow_private: [10.0.0.0/8, 10.0.0.1]", "allow_private[1]: must be an address range"},

      {"id: a\nkind: static\n", "static_credential.header_name: must be the name of a header"},
      {"id: a\nkind: static\nstatic_credential: {header_name: A, value_prefix: \"\xC3\xA9\"}\n",
       "static_credential.value_prefix: must be printable"},
      {"kind: static", "issuer: has no meaning for a provider of kind static"},
      {"id: a\nkind: static\nclient: {client_id: x}\n", "client: has no meaning"},
      {"id: a\nkind: static\nredirect_uris: [https://a.example]\n", "redirect_uris: has no meaning"},
  };
  for (const auto& [yaml, message] : mistakes) {
    const std::string problem = Problem(yaml);
    EXPECT_THAT(problem, HasSubstr(message)) << yaml;
    EXPECT_THAT(problem, Not(HasSubstr("hunter2"))) << yaml;
  }
}

// OAuth 2.1 section 7.5.1: without a secret nothing but PKCE protects the code.
TEST_F(RecordTest, APublicClientNeedsPkce) {
  EXPECT_EQ(Problem("id: a\nissuer: https://as.example\nclient: {client_id: x}\npkce: disabled\n"),
            "pkce: cannot be disabled for a client without a secret");
}

TEST_F(RecordTest, PlainHttpEndpointsOnLoopbackAreForDevelopment) {
  constexpr char kLocal[] =
      "id: a\nissuer: http://127.0.0.1:9000\nclient: {client_id: x}\n"
      "authorization_endpoint: http://127.0.0.1:9000/a\ntoken_endpoint: \"http://[::1]:9000/t\"\n";
  EXPECT_EQ(Problem(kLocal, true), "");
  EXPECT_THAT(Problem(kLocal, false), HasSubstr("must be https"));
  EXPECT_THAT(Problem("token_endpoint: http://10.0.0.1/t", true), HasSubstr("must be https"));
}

class RedirectUris : public ProviderFixture {};

TEST_F(RedirectUris, AreThoseOfTheRecord) {
  const auto provider = Make(Record(std::string(kExampleYaml) + "  \n"));
  EXPECT_TRUE(provider->AllowsRedirectUri("https://app.example/callback"));
  EXPECT_FALSE(provider->AllowsRedirectUri("https://app.example/callback2"));
  EXPECT_FALSE(provider->AllowsRedirectUri("http://127.0.0.1:5000/callback"));
  EXPECT_FALSE(provider->AllowsRedirectUri(""));
}

TEST_F(RedirectUris, OfLoopbackLiteralsHaveAnyPort) {
  config::v1::Provider record = Record(kExampleYaml);
  record.add_redirect_uris("http://127.0.0.1/callback");
  const auto provider = Make(std::move(record));
  EXPECT_TRUE(provider->AllowsRedirectUri("http://127.0.0.1:5000/callback"));
  EXPECT_FALSE(provider->AllowsRedirectUri("http://127.0.0.1:5000/other"));
  EXPECT_FALSE(provider->AllowsRedirectUri("http://localhost:5000/callback"));
}

TEST_F(RedirectUris, OnLoopbackAreFreeInDevelopment) {
  const auto provider = Make(Record(kExampleYaml), true);
  EXPECT_TRUE(provider->AllowsRedirectUri("http://127.0.0.1:5000/any"));
  EXPECT_TRUE(provider->AllowsRedirectUri("http://[::1]:5000/any"));
  EXPECT_TRUE(provider->AllowsRedirectUri("https://app.example/callback"));
  for (const char* other : {"http://localhost:5000/any", "http://127.0.0.1.evil.example:5000/any",
                            "http://127.0.0.1@evil.example/", "http://127.0.0.1:5000/any#a",
                            "https://evil.example/", "http://10.0.0.1:5000/any"}) {
    EXPECT_FALSE(provider->AllowsRedirectUri(other)) << other;
  }
}

class ExtraParameters : public ProviderFixture {};

TEST_F(ExtraParameters, AreThoseThatTheRecordAllows) {
  const auto provider =
      Make(Record(std::string(kExampleYaml) + "authorization_parameters: {prompt: consent}\n"
                                              "optional_authorization_parameters: [hd, ui_locales]\n"));
  EXPECT_TRUE(provider->CheckExtraParameters({}).ok());
  EXPECT_TRUE(provider->CheckExtraParameters({{"hd", "example.com"}, {"ui_locales", "de"}}).ok());
  const absl::Status other = provider->CheckExtraParameters({{"hd", "a"}, {"acr_values", "b"}});
  EXPECT_TRUE(HasReason(other, Reason::kParameterNotAllowed));
  EXPECT_EQ(FieldOf(other), "extra_params");
  EXPECT_EQ(MessageOf(provider->CheckExtraParameters({{"prompt", "none"}})),
            "extra_params: prompt is set by the service itself");
}

TEST_F(ExtraParameters, AreNeverThoseOfTheProtocol) {
  const auto provider = Make(Record(kExampleYaml));
  for (const char* name : {"client_id", "response_type",  "redirect_uri",          "scope",
                           "state",     "code_challenge", "code_challenge_method", "nonce",
                           "request",   "request_uri",    "response_mode",         "resource",
                           "iss",       "code",           "client_secret",         "login_hint",
                           "STATE",     "Request_Uri",    "code_verifier",         "client_assertion",
                           "dpop_jkt",  "registration"}) {
    const absl::Status status = provider->CheckExtraParameters({{name, "x"}});
    EXPECT_TRUE(HasReason(status, Reason::kParameterNotAllowed)) << name;
    EXPECT_THAT(MessageOf(status), HasSubstr("is set by the service itself")) << name;
  }
}

}  // namespace
}  // namespace grantkeep::testing
