// SPDX-License-Identifier: Apache-2.0
#include "provider/url_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "config/yaml.h"

namespace grantkeep {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

config::v1::Provider Record(const std::string& yaml) {
  config::v1::Provider record;
  const absl::Status read = ReadYaml("id: p\n" + yaml, "test.yaml", record);
  if (!read.ok()) throw std::runtime_error(std::string(read.message()));
  return record;
}

constexpr char kOkta[] = R"(
issuer: https://{domain}
authorization_endpoint: https://{domain}/oauth2/v1/authorize
token_endpoint: https://{domain}/oauth2/v1/token
url_parts:
  domain: {allowed: ["*.okta.com", login.acme.example]}
)";

TEST(IsHostName, TakesNamesAndNothingThatIsAnAddress) {
  for (const char* name :
       {"acme.okta.com", "a", "a-b.c", "xn--bcher-kva.example", "1.example", "ACME.example"}) {
    EXPECT_TRUE(IsHostName(name)) << name;
  }
  for (const std::string& name : {std::string(),
                                  std::string("."),
                                  std::string("a."),
                                  std::string(".a"),
                                  std::string("a..b"),
                                  std::string("-a.example"),
                                  std::string("a-.example"),
                                  std::string("a_b.example"),
                                  std::string("a b.example"),
                                  std::string("127.0.0.1"),
                                  std::string("127.1"),
                                  std::string("2130706433"),
                                  std::string("0x7f.0x1"),
                                  std::string("a.0x"),
                                  std::string("[::1]"),
                                  std::string("a:443"),
                                  std::string("a/b"),
                                  std::string("a@b"),
                                  std::string("a%2eb"),
                                  std::string("b\xc3\xbc.example"),
                                  std::string("a\0b", 3),
                                  std::string(64, 'a') + ".example",
                                  std::string(300, 'a')}) {
    EXPECT_FALSE(IsHostName(name)) << name;
  }
}

TEST(ChooseUrlParts, TakesWhatTheRecordAllows) {
  const config::v1::Provider record = Record(kOkta);
  for (const auto& [given, chosen] :
       std::map<std::string, std::string>{{"acme.okta.com", "acme.okta.com"},
                                          {"ACME.Okta.com", "acme.okta.com"},
                                          {"login.acme.example", "login.acme.example"}}) {
    const auto parts = ChooseUrlParts(record, {{"domain", given}});
    ASSERT_TRUE(parts.ok()) << given << parts.status();
    EXPECT_EQ(parts->at("domain"), chosen);
  }
}

TEST(ChooseUrlParts, RefusesEverythingElseNamingThePartAndNotTheValue) {
  const config::v1::Provider record = Record(kOkta);
  for (const char* value : {"",
                            "okta.com",
                            "a.b.okta.com",
                            "evil.example",
                            "evil.example/.okta.com",
                            "evil.example#.okta.com",
                            "evil.example?.okta.com",
                            "evil@acme.okta.com",
                            "acme.okta.com:444",
                            "acme.okta.com.",
                            "-.okta.com",
                            ".okta.com",
                            "*.okta.com",
                            "acmeokta.com",
                            "acme.okta.com.evil.example",
                            "{domain}",
                            "127.0.0.1",
                            "acme\n.okta.com",
                            "acme%2fx.okta.com",
                            "acme.login.acme.example"}) {
    const auto parts = ChooseUrlParts(record, {{"domain", value}});
    EXPECT_EQ(FieldOf(parts.status()), "url_parts[\"domain\"]") << value;
    if (*value != 0) EXPECT_THAT(std::string(parts.status().message()), Not(HasSubstr(value)));
  }
  EXPECT_EQ(FieldOf(ChooseUrlParts(record, {}).status()), "url_parts[\"domain\"]");
  EXPECT_EQ(FieldOf(ChooseUrlParts(record, {{"domain", "a.okta.com"}, {"region", "eu"}}).status()),
            "url_parts");
}

TEST(ChooseUrlParts, FillsInTheDefault) {
  const config::v1::Provider record = Record(R"(
authorization_endpoint: https://as.example/{tenant}/a
token_endpoint: https://as.example/{tenant}/t
url_parts: {tenant: {allowed: ["*"], default_value: common}}
)");
  ASSERT_TRUE(CheckUrlPartRules(record).ok());
  EXPECT_EQ(ChooseUrlParts(record, {})->at("tenant"), "common");
  EXPECT_EQ(ChooseUrlParts(record, {{"tenant", "12345"}})->at("tenant"), "12345");
  EXPECT_FALSE(ChooseUrlParts(record, {{"tenant", "a/../b"}}).ok());
  EXPECT_FALSE(ChooseUrlParts(record, {{"tenant", ".."}}).ok());
}

TEST(ExpandUrl, PutsEachPartInItsPlace) {
  const UrlParts parts = {{"a", "x"}, {"b", "y.z"}};
  EXPECT_EQ(ExpandUrl("https://{a}.{b}/{a}/t?q={c}", parts), "https://x.y.z/x/t?q={c}");
  EXPECT_EQ(ExpandUrl("https://as.example/t", parts), "https://as.example/t");
  EXPECT_EQ(ExpandUrl("{", parts), "{");
  EXPECT_EQ(ExpandUrl("{a", parts), "{a");
  EXPECT_EQ(ExpandUrl("", parts), "");
}

TEST(CheckUrlPartRules, NameTheFieldThatIsWrong) {
  const auto field = [](const std::string& token, const std::string& parts) {
    const config::v1::Provider record =
        Record("authorization_endpoint: https://as.example/a\ntoken_endpoint: \"" + token +
               "\"\nurl_parts: " + parts);
    return FieldOf(CheckUrlPartRules(record)).value_or("fine");
  };
  const std::string zendesk = "https://{sub}.zendesk.com/t";
  EXPECT_EQ(field(zendesk, "{sub: {allowed: ['*']}}"), "fine");
  EXPECT_EQ(field("https://as.example/t", "{}"), "fine");
  EXPECT_EQ(field("https://eu-{sub}.x.example.com:8443/t", "{sub: {allowed: [a, b]}}"), "fine");
  EXPECT_EQ(field(zendesk, "{}"), "url_parts[\"sub\"]");
  EXPECT_EQ(field(zendesk, "{sub: {}}"), "url_parts[\"sub\"].allowed");
  EXPECT_EQ(field(zendesk, "{sub: {allowed: [a], default_value: b}}"), "url_parts[\"sub\"].default_value");
  EXPECT_EQ(field(zendesk, "{sub: {allowed: ['*']}, other: {allowed: [a]}}"), "url_parts[\"other\"]");
  EXPECT_EQ(field(zendesk, "{Sub: {allowed: ['*']}}"), "url_parts");
  for (const char* pattern : {"", "a b", "*.com", "*a.example.com", "*.*.example.com", "a..b", "https://x"}) {
    EXPECT_EQ(field(zendesk, std::string("{sub: {allowed: [ok, '") + pattern + "']}}"),
              "url_parts[\"sub\"].allowed[1]")
        << pattern;
  }
  EXPECT_EQ(field(zendesk, "{sub: {allowed: ['1234567', '365']}}"), "fine") << "a label may be a number";
  EXPECT_EQ(field("https://{sub}/t", "{sub: {allowed: ['127.0.0.1']}}"), "url_parts[\"sub\"].allowed");
  EXPECT_EQ(field("https://{sub}/t", "{sub: {allowed: ['2130706433']}}"), "url_parts[\"sub\"].allowed");
  // Any label, but of which domain?
  for (const char* url :
       {"https://{sub}/t", "https://{sub}.com/t", "https://{sub}zendesk.com/t", "https://{sub}"}) {
    EXPECT_EQ(field(url, "{sub: {allowed: ['*']}}"), "url_parts[\"sub\"].allowed") << url;
  }
  for (const char* url :
       {"https://{sub/t", "https://sub}/t", "https://{}/t", "https://{su b}/t", "{sub}://x/t",
        "https://x/t?{sub}", "https://x:{sub}/t", "https://x:{sub}", "https://{{sub}}/t"}) {
    EXPECT_EQ(field(url, "{sub: {allowed: [a]}}"), "token_endpoint") << url;
  }
  const config::v1::Provider discovered =
      Record("issuer: https://{d}\nurl_parts: {d: {allowed: [a.example]}}");
  EXPECT_EQ(FieldOf(CheckUrlPartRules(discovered)), "token_endpoint");
}

}  // namespace
}  // namespace grantkeep
