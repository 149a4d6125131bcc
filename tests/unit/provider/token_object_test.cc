// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "provider/record.h"
#include "tests/unit/provider/provider_fixture.h"

namespace grantkeep::testing {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = TokenOutcome::Kind;

std::string Shown(const TokenOutcome& outcome) {
  return fmt::format("{}/{}", outcome.tokens.access_token.Expose(),
                     outcome.tokens.refresh_token.has_value() ? outcome.tokens.refresh_token->Expose() : "-");
}

// The shapes that Slack documents are in dialect_table_test.cc; these are the others.
TEST(TokenObject, TokenSetsAreNeverMixed) {
  struct Odd {
    TokenRequestKind request;
    std::string_view body;
    Kind kind;
    std::string_view status;
    std::string_view remark;
    std::string_view tokens = "/-";
  };
  constexpr auto kExchange = TokenRequestKind::kCodeExchange;
  constexpr auto kRefresh = TokenRequestKind::kRefresh;
  const Odd kOdd[] = {
      // Without the user's tokens those of the bot do not take their place.
      {kExchange, R"({"access_token":"hunter2","token_type":"bot","authed_user":{"id":"U"}})", Kind::kInDoubt,
       "user.access_token is missing", "a second token set, at the top level, is not kept"},
      {kExchange, R"({"access_token":"hunter2","token_type":"bot"})", Kind::kInDoubt, "user is missing",
       "a second token set, at the top level, is not kept"},
      {kExchange, R"({"authed_user":null})", Kind::kInDoubt, "user is missing", ""},
      {kExchange, R"({"authed_user":"hunter2"})", Kind::kInDoubt, "user is not an object", ""},
      {kExchange, R"({"authed_user":[{"access_token":"hunter2","token_type":"user"}]})", Kind::kInDoubt,
       "user is not an object", ""},
      {kExchange, R"({"data":{"authed_user":{"access_token":"hunter2","token_type":"user"}}})",
       Kind::kInDoubt, "user is missing", ""},
      // Not even one field comes from elsewhere.
      {kExchange,
       R"({"token_type":"user","expires_in":5,"scope":"x","refresh_token":"hunter2","authed_user":{"access_token":"AT"}})",
       Kind::kGranted, "user.token_type is missing", "a second token set, at the top level, is not kept"},
      {kExchange,
       R"({"access_token":"hunter2","token_type":"bot","authed_user":{"refresh_token":"RT","token_type":"user"}})",
       Kind::kGranted, "user.access_token is missing", "a second token set, at the top level, is not kept",
       "/RT"},
      {kExchange,
       R"({"authed_user":{"access_token":"AT","token_type":"user","expires_in":0,"scope":5,"refresh_token":5}})",
       Kind::kGranted, "",
       "user.refresh_token is not a string; authed_user.expires_in is not a positive number of seconds; "
       "authed_user.scope is not a list of scopes",
       "AT/-"},
      {kExchange,
       R"({"authed_user":{"access_token":"A","token_type":"user"},"authed_user":{"access_token":"B","token_type":"user","refresh_token":"RT"}})",
       Kind::kGranted, "authed_user is given twice", "", "/RT"},
      {kRefresh, R"({"access_token":"AT","token_type":"user"})", Kind::kGranted, "", "", "AT/-"},
      {kRefresh, R"({"access_token":"AT","token_type":"user","authed_user":5})", Kind::kGranted, "", "",
       "AT/-"},
      {kRefresh,
       R"({"access_token":"hunter2","token_type":"bot","authed_user":{"access_token":"AT","token_type":"user"}})",
       Kind::kGranted, "", "a second token set, at the top level, is not kept", "AT/-"},
      {kRefresh,
       R"({"access_token":"AT","token_type":"user","hunter2":{"access_token":"hunter2","token_type":"x"}})",
       Kind::kGranted, "", "a second token set, in another object, is not kept", "AT/-"},
      {kRefresh, R"({"authed_user":{"id":"U"}})", Kind::kInDoubt, "access_token is missing", ""},
      // `ok` does not take away what was issued, and says nothing when it is not a boolean.
      {kRefresh, R"({"ok":false,"error":"invalid_code","access_token":"AT","token_type":"user"})",
       Kind::kGranted, "", "", "AT/-"},
      {kExchange,
       R"({"ok":false,"error":"bad_client_secret","authed_user":{"access_token":"AT","token_type":"user"}})",
       Kind::kGranted, "", "", "AT/-"},
      {kRefresh, R"({"ok":"yes","error":"invalid_code"})", Kind::kRefused, "refused: invalid_grant", ""},
      {kRefresh, R"({"ok":true,"error":"invalid_code"})", Kind::kInDoubt, "access_token is missing", ""},
      {kRefresh, R"({"ok":false})", Kind::kInDoubt, "access_token is missing", ""},
      {kRefresh, R"({"ok":false,"error":{"code":"invalid_code"}})", Kind::kInDoubt, "access_token is missing",
       ""},
  };
  config::v1::Provider record = Catalogue::BuiltIn().at("slack-user");
  FillDefaults(record);
  for (const Odd& odd : kOdd) {
    SCOPED_TRACE(odd.body);
    const TokenOutcome outcome =
        ParseTokenAnswer(record, ScriptedHttp::Json(200, odd.body), Time(), odd.request);
    EXPECT_EQ(outcome.kind, odd.kind);
    EXPECT_EQ(Shown(outcome), odd.tokens);
    EXPECT_EQ(outcome.status.ok(), odd.status.empty());
    EXPECT_THAT(MessageOf(outcome.status), EndsWith(std::string(odd.status)));
    EXPECT_THAT(outcome.remark, EndsWith(std::string(odd.remark)));
    EXPECT_EQ(outcome.remark.empty(), odd.remark.empty()) << outcome.remark;
    EXPECT_THAT(MessageOf(outcome.status) + outcome.remark, Not(HasSubstr("hunter2")));
  }
}

// However many there are, the log gets one word about them.
TEST(TokenObject, AThousandTokenSetsAreOneRemark) {
  config::v1::Provider record = Record("id: example");
  FillDefaults(record);
  std::string body = R"({"access_token":"AT","token_type":"bearer")";
  for (int i = 0; i < 1000; ++i) body += fmt::format(R"(,"o{}":{{"access_token":"hunter2"}})", i);
  const TokenOutcome outcome = ParseTokenAnswer(record, ScriptedHttp::Json(200, body + "}"), Time());
  EXPECT_EQ(Shown(outcome), "AT/-");
  EXPECT_EQ(outcome.remark,
            "provider 'example': token endpoint: a second token set, in another object, is not kept");
}

}  // namespace
}  // namespace grantkeep::testing
