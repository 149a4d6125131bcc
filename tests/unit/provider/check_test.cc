// SPDX-License-Identifier: Apache-2.0
#include "provider/check.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "provider/built_in.h"

namespace grantkeep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<std::string> Lines(const CheckedProviders& checked) {
  std::vector<std::string> lines;
  for (const ProviderProblem& problem : checked.problems) {
    lines.push_back(fmt::format("{} {}: {}", problem.line, problem.path, problem.what));
  }
  return lines;
}

TEST(CheckProviders, AConfigurationThatTheDaemonAcceptsHasNoProblems) {
  const CheckedProviders checked = CheckProviders(R"(server:
  listen: 127.0.0.1:7450
providers:
  - id: google
    catalogue: google
    client: {client_id: me, client_secrets: [{env: S}]}
    redirect_uris: [https://app.example/cb]
  - id: discord
    catalogue: discord
)",
                                                  "x", false);
  EXPECT_THAT(Lines(checked), IsEmpty());
  EXPECT_TRUE(checked.configuration);
  EXPECT_EQ(checked.providers, 2);
}

TEST(CheckProviders, EveryProblemIsReportedWithItsLineAndPath) {
  const CheckedProviders checked = CheckProviders(R"(providers:
  - id: one
    rotaton: strict
    pkce: maybe
  - id: two
    token_endpoint: http://plain.example/token
    authorization_endpoint: https://two.example/a
    request_timeout: 90s
    rotation: grace
    client:
      client_secrets: [{env: S}]
    redirect_uris: [https://app.example/cb]
  - id: three
    catalogue: gogle
  - id: two
    catalogue: discord
log:
  level: 7
  colour: red
)",
                                                  "x", false);
  EXPECT_THAT(Lines(checked),
              ElementsAre("3 providers[0].rotaton: is not a known key; did you mean rotation?",
                          "4 providers[0].pkce: must be one of s256, disabled",
                          "5 providers[1].rotation_grace: is missing; rotation grace needs it",
                          "6 providers[1].token_endpoint: must be https",
                          "8 providers[1].request_timeout: must be from 1s to 60s",
                          "10 providers[1].client.client_id: is missing",
                          "14 providers[2].catalogue: names no built-in provider; did you mean google?",
                          "15 providers[3].id: 'two' is given twice", "19 log.colour: is not a known key"));
}

TEST(CheckProviders, TheBuiltInRecordsAreFine) {
  for (const EmbeddedFile& file : EmbeddedCatalogue()) {
    const CheckedProviders checked = CheckProviders(file.text, std::string(file.name), false);
    EXPECT_THAT(Lines(checked), IsEmpty()) << file.name;
    EXPECT_FALSE(checked.configuration);
    EXPECT_EQ(checked.providers, 1);
  }
}

TEST(CheckProviders, ASingleProviderIsCheckedByItsOwnFields) {
  EXPECT_THAT(Lines(CheckProviders("kind: oauth\n\nissuer: http://as.example\n", "as", false)),
              ElementsAre(HasSubstr("3 issuer: must be")));
  EXPECT_THAT(Lines(CheckProviders("issuer: https://as.example\nclient: {client_secrets: [{env: S}]}\n", "as",
                                   false)),
              ElementsAre("2 client.client_id: is missing"));
}

TEST(CheckProviders, DevelopmentAcceptsPlainHttpOnThisMachine) {
  constexpr char kLocal[] = "issuer: http://127.0.0.1:7480\n";
  EXPECT_THAT(Lines(CheckProviders(kLocal, "local", false)), Not(IsEmpty()));
  EXPECT_THAT(Lines(CheckProviders(kLocal, "local", true)), IsEmpty());
}

TEST(CheckProviders, TwoProvidersOfOneIssuerMustAgree) {
  constexpr char kTwo[] = R"(providers:
  - {id: a, issuer: "https://as.example", client: {client_id: me}, redirect_uris: ["https://app.example/a"]}
  - id: b
    issuer: https://as.example
    authorization_endpoint: https://as.example/a
    token_endpoint: https://as.example/t
    client: {client_id: me}
)";
  EXPECT_THAT(Lines(CheckProviders(kTwo, "x", false)),
              ElementsAre("4 providers[1].issuer: is also that of 'a', which has different endpoints"));
}

TEST(CheckProviders, OneAtWhichNobodyCanSignInIsAWarning) {
  constexpr char kMute[] = R"(providers:
  - id: a
    issuer: https://as.example
    client: {client_id: me}
  - {id: discord, catalogue: discord}
)";
  const CheckedProviders checked = CheckProviders(kMute, "x", false);
  EXPECT_THAT(Lines(checked), ElementsAre("2 providers[0].redirect_uris: is missing: nobody can sign in"));
  EXPECT_TRUE(checked.problems.at(0).warning);
  EXPECT_THAT(checked.unusable, IsEmpty());
  EXPECT_THAT(Lines(CheckProviders(kMute, "x", true)), IsEmpty()) << "any of this machine is allowed";
}

TEST(CheckProviders, ServersThatACallbackDoesNotTellApartAreWarnedAbout) {
  const CheckedProviders checked = CheckProviders(R"(providers:
  - {id: a, catalogue: notion, client: {client_id: me, client_secrets: [{env: S}]}, redirect_uris: [https://app.example/cb]}
  - {id: b, catalogue: linear, client: {client_id: me, client_secrets: [{env: S}]}, redirect_uris: [https://app.example/cb]}
  - {id: c, catalogue: linear, client: {client_id: me, client_secrets: [{env: S}]}, redirect_uris: [https://app.example/c]}
  - {id: d, issuer: https://as.example, client: {client_id: me}, redirect_uris: [https://app.example/cb]}
  - id: e
    authorization_endpoint: https://{sub}.as.example/a
    token_endpoint: https://{sub}.as.example/t
    url_parts: {sub: {allowed: ["*"]}}
    client: {client_id: me}
    redirect_uris: [https://app.example/e]
)",
                                                  "x", false);
  EXPECT_THAT(Lines(checked),
              ElementsAre(::testing::StartsWith("3 providers[1].redirect_uris[0]: is also that of 'a'"),
                          ::testing::StartsWith("6 providers[4].iss_parameter_supported: is not set")));
  for (const ProviderProblem& problem : checked.problems) EXPECT_TRUE(problem.warning);
}

TEST(CheckProviders, ProblemsSayWhichProviderAndWhichOnesAreUnusable) {
  const CheckedProviders checked = CheckProviders(R"(providers:
  - {id: form, pkce: maybe}
  - {id: good, catalogue: discord}
  - {id: meaning, issuer: "http://as.example"}
  - {id: unknown, catalogue: zzzzzzzz}
)",
                                                  "x", false);
  EXPECT_THAT(checked.unusable, ElementsAre(0, 2, 3));
  std::vector<int> providers;
  for (const ProviderProblem& problem : checked.problems) providers.push_back(problem.provider);
  EXPECT_THAT(providers, ElementsAre(-1, 2, 2, 3));
  EXPECT_THAT(checked.problems.back().what, HasSubstr("there are discord, github, google"));
}

TEST(CheckProviders, ASecretInTheFileIsNotRepeated) {
  for (const char* text :
       {"providers: [{id: a, client: {client_secrets: [hunter2]}}]",
        "providers: [{id: a, client: {client_secrets: [{hunter2: x}]}}]", "\t hunter2: [", "hunter2"}) {
    const CheckedProviders checked = CheckProviders(text, "x", false);
    ASSERT_FALSE(checked.problems.empty()) << text;
    for (const std::string& line : Lines(checked)) EXPECT_THAT(line, Not(HasSubstr("hunter2")));
  }
}

}  // namespace
}  // namespace grantkeep
