// SPDX-License-Identifier: Apache-2.0
#include "provider/www_authenticate.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grantkeep {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// "bearer realm=x scope=a b; basic YWJj": easy to compare. Parameters are in the order of the map.
std::string Shown(const absl::StatusOr<std::vector<Challenge>>& challenges) {
  if (!challenges.ok()) return "error: " + std::string(challenges.status().message());
  std::string shown;
  for (const Challenge& challenge : *challenges) {
    if (!shown.empty()) shown += "; ";
    shown += challenge.scheme;
    if (!challenge.token68.empty()) shown += " " + challenge.token68;
    for (const auto& [name, value] : challenge.parameters) shown += fmt::format(" {}={}", name, value);
  }
  return shown;
}

struct Case {
  std::string_view header;
  std::string_view shown;
};

// RFC 9110 section 11.6.1.
TEST(WwwAuthenticate, ReadsWhatTheGrammarAllows) {
  const Case kCases[] = {
      {"", ""},
      {" , ,\t", ""},
      {"Bearer", "bearer"},
      {"BEARER REALM=x", "bearer realm=x"},
      {"Basic realm=\"simple\"", "basic realm=simple"},
      // The RFC's own example.
      {R"(Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\"")",
       R"(basic realm=simple; newauth realm=apps title=Login to "apps" type=1)"},
      // RFC 6750 section 3.
      {R"(Bearer realm="example", error="invalid_token", error_description="The access token expired")",
       "bearer error=invalid_token error_description=The access token expired realm=example"},
      // RFC 9728 section 5.1.
      {R"(Bearer resource_metadata="https://resource.example.com/.well-known/oauth-protected-resource")",
       "bearer resource_metadata=https://resource.example.com/.well-known/oauth-protected-resource"},
      {"Negotiate, Bearer", "negotiate; bearer"},
      {"Negotiate YWJj==", "negotiate YWJj=="},
      {"Negotiate abc= , Bearer a=b", "negotiate abc=; bearer a=b"},
      {"Negotiate a-._~+/9, Basic", "negotiate a-._~+/9; basic"},
      {"Bearer a=b,Bearer c=d", "bearer a=b; bearer c=d"},
      {"Bearer a=b,c=d,,e=f,", "bearer a=b c=d e=f"},
      {"Bearer  a = b\t,\tc =\"d\" ", "bearer a=b c=d"},
      {",Bearer a=b", "bearer a=b"},
      {R"(Bearer a="")", "bearer a="},
      {R"(Bearer a="b,c=d, Basic", e=f)", "bearer a=b,c=d, Basic e=f"},
      {R"(Bearer a="\\\"\x")", "bearer a=\\\"x"},
      {"Bearer a=\"\xC3\xA9\t\"", "bearer a=\xC3\xA9\t"},
      // A scheme may have the name of a parameter.
      {"Bearer scope=x, scope, scope scope=y", "bearer scope=x; scope; scope scope=y"},
  };
  for (const Case& each : kCases) {
    EXPECT_EQ(Shown(ParseChallenges(each.header)), each.shown) << each.header;
  }
}

TEST(WwwAuthenticate, RefusesWhatItDoesNotAndRepeatsNothing) {
  const Case kCases[] = {
      {"=hunter2", "not an authentication scheme"},
      {"\"hunter2\"", "not an authentication scheme"},
      {"Bear(er hunter2=x", "not an authentication scheme"},
      {"Bearer=hunter2", "not an authentication scheme"},
      {"Bearer hunter2 x", "not a parameter"},
      {"Bearer hunter2=x y", "behind the value"},
      {"Bearer a=\"hunter2\"x", "behind the value"},
      {"Bearer a=hunter2(", "behind the value"},
      {"Bearer a=b, c=", "without a value"},
      {"Bearer a=,b=c", "not an authentication scheme"},
      {"Bearer a=\"hunter2", "without its end"},
      {"Bearer a=\"hunter2\\", "without its end"},
      {"Bearer a=\"hunter2\\\"", "without its end"},
      {"Bearer a=\"hunter2\r\n\"", "control character"},
      {"Bearer a=\"hunter2\\\x7F\"", "control character"},
      {std::string_view("Bearer a=\"\0\"", 12), "control character"},
      {"Bearer a=hunter2, A=\"hunter3\"", "given twice"},
      {"Bearer error=x, realm=y, ERROR=hunter2", "given twice"},
      {"Bearer \r\n", "not a parameter"},
      {"Bearer a=b, \x80", "not an authentication scheme"},
  };
  for (const Case& each : kCases) {
    const std::string shown = Shown(ParseChallenges(each.header));
    EXPECT_THAT(shown, HasSubstr("error: has ")) << each.header;
    EXPECT_THAT(shown, HasSubstr(std::string(each.shown))) << each.header;
    EXPECT_THAT(shown, Not(HasSubstr("hunter"))) << each.header;
  }
}

TEST(WwwAuthenticate, LimitsAreExact) {
  const auto repeated = [](std::string_view text, size_t times) {
    std::string all;
    for (size_t i = 0; i < times; ++i) all += fmt::format(fmt::runtime(text), i);
    return all;
  };
  EXPECT_EQ(ParseChallenges(repeated("S{},", kMaxChallenges))->size(), kMaxChallenges);
  EXPECT_EQ(Shown(ParseChallenges(repeated("S{},", kMaxChallenges + 1))), "error: has too many challenges");
  EXPECT_TRUE(ParseChallenges("S " + repeated("p{}=x,", kMaxChallengeParameters)).ok());
  EXPECT_EQ(Shown(ParseChallenges("S " + repeated("p{}=x,", kMaxChallengeParameters + 1))),
            "error: has too many parameters");
  const std::string frame = "S a=\"\"";
  const auto sized = [&](size_t size) {
    return frame.substr(0, 5) + std::string(size - frame.size(), 'x') + "\"";
  };
  EXPECT_TRUE(ParseChallenges(sized(kMaxChallengeHeader)).ok());
  EXPECT_EQ(Shown(ParseChallenges(sized(kMaxChallengeHeader + 1))), "error: is too long");
}

TEST(WwwAuthenticate, SeveralFieldsAreOneListWithTheSameLimits) {
  using Fields = std::vector<std::string_view>;
  EXPECT_EQ(Shown(ParseChallenges(Fields{})), "");
  EXPECT_EQ(Shown(ParseChallenges(Fields{"Basic realm=a", "", "Bearer error=b, scope=\"c d\""})),
            "basic realm=a; bearer error=b scope=c d");
  // A field begins with a scheme.
  EXPECT_THAT(Shown(ParseChallenges(Fields{"Basic realm=a", "error=b"})), HasSubstr("error: has "));
  EXPECT_EQ(Shown(ParseChallenges(Fields(kMaxChallenges + 1, "S"))), "error: has too many challenges");
  const std::string half = "S a=" + std::string(kMaxChallengeHeader / 2, 'x');
  EXPECT_EQ(Shown(ParseChallenges(Fields{half, half})), "error: is too long");
}

TEST(WwwAuthenticate, GivesErrorScopeAndResourceMetadata) {
  const auto challenges = ParseChallenges(
      R"(Bearer error="insufficient_scope", scope="a b", Resource_Metadata="https://r.example/m")");
  ASSERT_TRUE(challenges.ok());
  EXPECT_EQ(challenges->at(0).error(), "insufficient_scope");
  EXPECT_EQ(challenges->at(0).scope(), "a b");
  EXPECT_EQ(challenges->at(0).resource_metadata(), "https://r.example/m");
  EXPECT_EQ(ParseChallenges("Bearer")->at(0).error(), std::nullopt);
}

// RFC 9728 section 5.1: the parameter may come with any scheme.
TEST(WwwAuthenticate, TheChallengeToActUponIsBearerOrHasResourceMetadata) {
  const auto scheme = [](std::string_view header) -> std::string {
    const auto challenges = ParseChallenges(header);
    const Challenge* const found = FindOAuthChallenge(*challenges);
    return found == nullptr ? "none" : found->scheme;
  };
  EXPECT_EQ(scheme("Basic realm=a, Bearer error=b, DPoP resource_metadata=\"u\""), "bearer");
  EXPECT_EQ(scheme("Basic realm=a, DPoP algs=ES256, resource_metadata=\"u\""), "dpop");
  EXPECT_EQ(scheme("Basic realm=a, Negotiate YWJj"), "none");
  EXPECT_EQ(scheme(""), "none");
}

// Every cut is either refused or read without touching what is not there.
TEST(WwwAuthenticate, EveryCutIsSurvived) {
  const std::string whole =
      R"(Negotiate YWJj==, Bearer realm="a \"b\"", error=invalid_token , DPoP algs="ES256 PS256")";
  for (size_t length = 0; length <= whole.size(); ++length) {
    const std::string exact = whole.substr(0, length);
    const auto challenges = ParseChallenges(exact);
    if (challenges.ok()) {
      EXPECT_LE(challenges->size(), 3u);
    }
  }
  EXPECT_EQ(ParseChallenges(whole)->size(), 3u);
}

}  // namespace
}  // namespace grantkeep
