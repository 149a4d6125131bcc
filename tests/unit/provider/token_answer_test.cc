// SPDX-License-Identifier: Apache-2.0
#include "provider/token_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "provider/record.h"
#include "tests/unit/provider/provider_fixture.h"

namespace grantkeep::testing {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Kind = TokenOutcome::Kind;

const Time kSent = FromMicros(1'800'000'000'000'000);

config::v1::Provider Rfc() {
  config::v1::Provider record = Record("id: example");
  FillDefaults(record);
  return record;
}

config::v1::Provider GitHub() {
  config::v1::Provider record = Catalogue::BuiltIn().at("github");
  FillDefaults(record);
  return record;
}

TokenOutcome Parse(const config::v1::Provider& record, int status, std::string_view body) {
  return ParseTokenAnswer(record, ScriptedHttp::Json(status, body), kSent);
}

std::string Tokens(const TokenOutcome& outcome) {
  return fmt::format("{}/{}", outcome.tokens.access_token.Expose(),
                     outcome.tokens.refresh_token.has_value() ? outcome.tokens.refresh_token->Expose() : "-");
}

// RFC 6749 section 5.1's own example.
constexpr char kExample[] =
    R"({"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"example","expires_in":3600,)"
    R"("refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA","example_parameter":"example_value"})";

constexpr char kWhole[] =
    R"({"access_token":"AT","token_type":"Bearer","expires_in":3600,"refresh_token":"RT","scope":"a b"})";

TEST(TokenAnswer, ReadsEveryField) {
  const TokenOutcome outcome = Parse(Rfc(), 200, kWhole);
  EXPECT_EQ(outcome.kind, Kind::kGranted);
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.remark, "");
  EXPECT_EQ(Tokens(outcome), "AT/RT");
  EXPECT_EQ(outcome.tokens.token_type, "Bearer");
  EXPECT_EQ(outcome.tokens.expires_in, seconds(3600));
  EXPECT_THAT(*outcome.tokens.scopes, ElementsAre("a", "b"));
  EXPECT_EQ(outcome.sent_time, kSent);
}

TEST(TokenAnswer, ATypeThatIsNotUnderstoodMustNotBeUsedButTheRefreshTokenIsKept) {
  const TokenOutcome outcome = Parse(Rfc(), 200, kExample);
  EXPECT_EQ(outcome.kind, Kind::kGranted);
  EXPECT_EQ(MessageOf(outcome.status),
            "provider 'example': token endpoint: token_type is not one that is understood (bearer)");
  EXPECT_EQ(Tokens(outcome), "/tGzv3JOkF0XG5Qx2TlKWIA");
}

TEST(TokenAnswer, EachFieldThatIsTakenAwayIsNamedIfItIsNeeded) {
  const std::map<std::string, std::string> missing = {
      {"access_token", "provider 'example': token endpoint: access_token is missing"},
      {"token_type", "provider 'example': token endpoint: token_type is missing"},
      {"expires_in", ""},
      {"refresh_token", ""},
      {"scope", ""},
  };
  for (const auto& [field, message] : missing) {
    boost::json::object object = boost::json::parse(kWhole).as_object();
    object.erase(field);
    const TokenOutcome outcome = Parse(Rfc(), 200, boost::json::serialize(object));
    EXPECT_EQ(outcome.kind, Kind::kGranted) << field;
    EXPECT_EQ(MessageOf(outcome.status), message) << field;
    EXPECT_EQ(outcome.remark, "") << field;
    EXPECT_EQ(outcome.tokens.access_token.empty(), !message.empty()) << field;
    EXPECT_EQ(outcome.tokens.refresh_token.has_value(), field != "refresh_token") << field;
    EXPECT_EQ(outcome.tokens.expires_in.has_value(), field != "expires_in") << field;
    EXPECT_EQ(outcome.tokens.scopes.has_value(), field != "scope") << field;
  }
}

TEST(TokenAnswer, NullIsAbsent) {
  const TokenOutcome outcome = Parse(
      Rfc(), 200,
      R"({"access_token":"AT","token_type":"bearer","expires_in":null,"refresh_token":null,"scope":null,"error":null})");
  EXPECT_EQ(outcome.kind, Kind::kGranted);
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.remark, "");
  EXPECT_FALSE(outcome.tokens.refresh_token.has_value());
  EXPECT_FALSE(outcome.tokens.expires_in.has_value());
  EXPECT_FALSE(outcome.tokens.scopes.has_value());
}

struct OddAnswer {
  std::string_view name;
  int status;
  std::string_view body;
  Kind kind;
  // What status or remark must say; empty: status is OK and there is no remark.
  std::string_view says;
  std::string_view tokens = "/-";
  std::string_view error = "";
};

void Check(const config::v1::Provider& record, const OddAnswer& odd) {
  SCOPED_TRACE(odd.name);
  const TokenOutcome outcome = Parse(record, odd.status, odd.body);
  EXPECT_EQ(outcome.kind, odd.kind);
  EXPECT_EQ(Tokens(outcome), odd.tokens);
  EXPECT_EQ(outcome.error, odd.error);
  const bool usable = !outcome.tokens.access_token.empty();
  EXPECT_EQ(outcome.status.ok(), usable) << outcome.status;
  EXPECT_EQ(ReasonOf(outcome.status).has_value(), !usable);
  const std::string said = usable ? outcome.remark : MessageOf(outcome.status);
  if (odd.says.empty()) {
    EXPECT_EQ(said, "");
  } else {
    EXPECT_THAT(said, HasSubstr(std::string(odd.says)));
  }
  EXPECT_THAT(said, Not(HasSubstr("hunter2")));
}

TEST(TokenAnswer, OddAnswersOfTheRfcDialect) {
  const OddAnswer kOdd[] = {
      {"201", 201, kWhole, Kind::kGranted, "", "AT/RT"},
      {"refresh token alone", 200, R"({"refresh_token":"RT"})", Kind::kGranted, "access_token is missing",
       "/RT"},
      {"empty access token", 200, R"({"access_token":"","token_type":"bearer","refresh_token":"RT"})",
       Kind::kGranted, "access_token is empty", "/RT"},
      {"empty access token alone", 200, R"({"access_token":"","token_type":"bearer"})", Kind::kInDoubt,
       "access_token is empty"},
      {"access token with a line break", 200,
       R"({"access_token":"hunter2\r\nx","token_type":"bearer","refresh_token":"RT"})", Kind::kGranted,
       "access_token has characters that no token may have", "/RT"},
      {"access token with a NUL", 200, R"({"access_token":"a\u0000b","token_type":"bearer"})", Kind::kInDoubt,
       "access_token has characters"},
      {"access token beyond ASCII", 200, R"({"access_token":"\u00e9","token_type":"bearer"})", Kind::kInDoubt,
       "access_token has characters"},
      {"access token as number", 200, R"({"access_token":1,"token_type":"bearer","refresh_token":"RT"})",
       Kind::kGranted, "access_token is not a string", "/RT"},
      {"access token as object", 200, R"({"access_token":{"a":"AT"},"token_type":"bearer"})", Kind::kInDoubt,
       "access_token is not a string"},
      {"access token twice", 200, R"({"access_token":"a","access_token":"b","token_type":"bearer"})",
       Kind::kGranted, "access_token is given twice"},
      {"token type twice", 200, R"({"access_token":"a","token_type":"mac","token_type":"bearer"})",
       Kind::kGranted, "token_type is given twice"},
      {"token type as number", 200, R"({"access_token":"a","token_type":1})", Kind::kGranted,
       "token_type is not a string"},
      {"token type mac", 200, R"({"access_token":"a","token_type":"mac"})", Kind::kGranted,
       "token_type is not one that is understood"},
      {"token type in capitals", 200, R"({"access_token":"AT","token_type":"BEARER"})", Kind::kGranted, "",
       "AT/-"},
      {"token type bot", 200, R"({"access_token":"AT","token_type":"bot"})", Kind::kGranted, "", "AT/-"},
      {"token type user", 200, R"({"access_token":"AT","token_type":"user"})", Kind::kGranted, "", "AT/-"},
      {"access token with a space", 200, R"({"access_token":"hunter2 x","token_type":"bearer"})",
       Kind::kInDoubt, "access_token has characters that no token may have"},
      {"refresh token with a space", 200,
       R"({"access_token":"AT","token_type":"bearer","refresh_token":"R T"})", Kind::kGranted, "", "AT/R T"},
      {"refresh token with a line break", 200,
       R"({"access_token":"AT","token_type":"bearer","refresh_token":"hunter2\n"})", Kind::kGranted,
       "refresh_token has characters that no token may have", "AT/-"},
      {"refresh token as number", 200, R"({"access_token":"AT","token_type":"bearer","refresh_token":5})",
       Kind::kGranted, "refresh_token is not a string", "AT/-"},
      {"refresh token empty", 200, R"({"access_token":"AT","token_type":"bearer","refresh_token":""})",
       Kind::kGranted, "", "AT/-"},
      {"refresh token twice", 200,
       R"({"access_token":"AT","token_type":"bearer","refresh_token":"x","refresh_token":"RT"})",
       Kind::kGranted, "refresh_token is given twice", "AT/RT"},
      {"tokens and an error", 200, R"({"access_token":"AT","token_type":"bearer","error":"odd"})",
       Kind::kGranted, "", "AT/-"},
      {"error with 200", 200, R"({"error":"invalid_grant"})", Kind::kInDoubt, "access_token is missing"},
      {"nothing", 200, "{}", Kind::kInDoubt, "access_token is missing"},
      {"nested tokens", 200, R"({"data":{"access_token":"hunter2","token_type":"bearer"}})", Kind::kInDoubt,
       "access_token is missing"},
      {"HTML", 200, "<html>hunter2</html>", Kind::kInDoubt, "the answer is not valid JSON"},
      {"form", 200, "access_token=hunter2&token_type=bearer", Kind::kInDoubt, "the answer is not valid JSON"},
      {"array", 200, R"([{"access_token":"hunter2"}])", Kind::kInDoubt, "the answer is not a JSON object"},
      {"empty", 200, "", Kind::kInDoubt, "the answer is not valid JSON"},
      {"204", 204, "", Kind::kInDoubt, "the answer is not valid JSON"},
      {"cut off", 200, R"({"access_token":"AT","token_type":"bearer","refresh_token":"hunter2)",
       Kind::kInDoubt, "the answer is not valid JSON"},
      {"something behind", 200, R"({"access_token":"AT","token_type":"bearer"}x)", Kind::kInDoubt,
       "the answer"},
      {"NaN", 200, R"({"access_token":"AT","token_type":"bearer","expires_in":NaN})", Kind::kInDoubt,
       "the answer"},
      {"redirect", 302, kWhole, Kind::kInDoubt, "answered 302 without an OAuth error"},
      {"100", 100, "", Kind::kInDoubt, "answered 100"},
      {"400", 400, R"({"error":"invalid_grant"})", Kind::kRefused, "refused: invalid_grant", "/-",
       "invalid_grant"},
      {"401", 401, R"({"error":"invalid_client"})", Kind::kRefused, "refused: invalid_client", "/-",
       "invalid_client"},
      {"403", 403, R"({"error":"unauthorized_client"})", Kind::kRefused, "refused: unauthorized_client", "/-",
       "unauthorized_client"},
      {"error beyond the RFC", 400, R"({"error":"Error"})", Kind::kRefused, "refused: Error", "/-", "Error"},
      {"400 with tokens", 400, kWhole, Kind::kInDoubt, "answered 400 without an OAuth error"},
      {"400 with HTML", 400, "<html>hunter2</html>", Kind::kInDoubt, "answered 400 without an OAuth error"},
      {"400 with an empty error", 400, R"({"error":""})", Kind::kInDoubt, "answered 400"},
      {"400 with two errors", 400, R"({"error":"invalid_grant","error":"temporarily_unavailable"})",
       Kind::kInDoubt, "answered 400"},
      {"400 with an error that is no string", 400, R"({"error":{"code":"invalid_grant"}})", Kind::kInDoubt,
       "answered 400"},
      {"400 without a word", 400, "", Kind::kInDoubt, "answered 400"},
      {"404", 404, "not found", Kind::kInDoubt, "answered 404"},
      {"429", 429, "slow down", Kind::kRefused, "answered 429"},
      {"429 with an error", 429, R"({"error":"invalid_grant"})", Kind::kRefused, "answered 429"},
      {"500", 500, R"({"error":"server_error"})", Kind::kInDoubt, "answered 500"},
      {"502", 502, "<html>", Kind::kInDoubt, "answered 502"},
      {"503 with invalid_grant", 503, R"({"error":"invalid_grant"})", Kind::kInDoubt, "answered 503"},
      {"503 with tokens", 503, kWhole, Kind::kInDoubt, "answered 503"},
  };
  for (const OddAnswer& odd : kOdd) Check(Rfc(), odd);
}

TEST(TokenAnswer, OddAnswersOfGitHub) {
  const OddAnswer kOdd[] = {
      {"OAuth app", 200, R"({"access_token":"gho_x","scope":"repo,gist","token_type":"bearer"})",
       Kind::kGranted, "", "gho_x/-"},
      {"GitHub App", 200,
       R"({"access_token":"ghu_x","expires_in":28800,"refresh_token":"ghr_x","refresh_token_expires_in":15897600,"scope":"","token_type":"bearer"})",
       Kind::kGranted, "", "ghu_x/ghr_x"},
      {"dead refresh token", 200,
       R"({"error":"bad_refresh_token","error_description":"The refresh token passed is incorrect or expired.","error_uri":"https://docs.github.com"})",
       Kind::kRefused, "refused: invalid_grant", "/-", "invalid_grant"},
      {"bad code", 200, R"({"error":"bad_verification_code"})", Kind::kRefused, "refused: invalid_grant",
       "/-", "invalid_grant"},
      {"bad secret", 200, R"({"error":"incorrect_client_credentials"})", Kind::kRefused,
       "refused: invalid_client", "/-", "invalid_client"},
      {"another error", 200, R"({"error":"redirect_uri_mismatch"})", Kind::kRefused,
       "refused: redirect_uri_mismatch", "/-", "redirect_uri_mismatch"},
      {"400", 400, R"({"error":"bad_refresh_token"})", Kind::kRefused, "refused: invalid_grant", "/-",
       "invalid_grant"},
      {"tokens and an error", 200, R"({"access_token":"AT","token_type":"bearer","error":"odd"})",
       Kind::kGranted, "", "AT/-"},
      {"tokens and invalid_client", 200,
       R"({"access_token":"AT","token_type":"bearer","error":"incorrect_client_credentials"})",
       Kind::kGranted, "", "AT/-"},
      {"unreadable token and an error", 200, R"({"access_token":5,"error":"bad_refresh_token"})",
       Kind::kInDoubt, "access_token is not a string"},
      {"empty token and an error", 200, R"({"access_token":"","error":"bad_refresh_token"})", Kind::kRefused,
       "refused: invalid_grant", "/-", "invalid_grant"},
      {"refresh token and an error", 200, R"({"refresh_token":"RT","error":"odd"})", Kind::kGranted,
       "access_token is missing", "/RT"},
      {"500", 500, R"({"error":"bad_refresh_token"})", Kind::kInDoubt, "answered 500"},
      {"201 with an error", 201, R"({"error":"bad_refresh_token"})", Kind::kInDoubt,
       "access_token is missing"},
      {"form", 200, "error=bad_refresh_token", Kind::kInDoubt, "the answer is not valid JSON"},
  };
  for (const OddAnswer& odd : kOdd) Check(GitHub(), odd);
}

TEST(TokenAnswer, LifetimeIsAPositiveNumberOfSecondsOrUnknown) {
  constexpr seconds kTenYears = seconds(int64_t{315'360'000});
  const std::vector<std::pair<std::string, std::optional<seconds>>> values = {
      {"3599", seconds(3599)},
      {"3599.9", seconds(3599)},
      {"1", seconds(1)},
      {"\"3600\"", seconds(3600)},
      {"3.6e3", seconds(3600)},
      {"315360000", kTenYears},
      {"315705599", kTenYears},
      {"1e300", kTenYears},
      {"99999999999999999999999", kTenYears},
      {"\"99999999999999999999999\"", kTenYears},
      {"0", std::nullopt},
      {"-1", std::nullopt},
      {"0.5", std::nullopt},
      {"-1e300", std::nullopt},
      {"\"\"", std::nullopt},
      {"\"-1\"", std::nullopt},
      {"\"1h\"", std::nullopt},
      {"\" 5\"", std::nullopt},
      {"\"3600.5\"", std::nullopt},
      {"true", std::nullopt},
      {"[3600]", std::nullopt},
      {"{}", std::nullopt},
      {"3600,\"expires_in\":7200", std::nullopt},
  };
  for (const auto& [text, lifetime] : values) {
    SCOPED_TRACE(text);
    const TokenOutcome outcome = Parse(
        Rfc(), 200,
        R"({"access_token":"AT","token_type":"bearer","refresh_token":"RT","expires_in":)" + text + "}");
    EXPECT_EQ(outcome.kind, Kind::kGranted);
    EXPECT_TRUE(outcome.status.ok());
    EXPECT_EQ(Tokens(outcome), "AT/RT");
    EXPECT_EQ(outcome.tokens.expires_in, lifetime);
    EXPECT_EQ(outcome.remark,
              lifetime.has_value()
                  ? ""
                  : "provider 'example': token endpoint: expires_in is not a positive number of seconds");
  }
}

TEST(TokenAnswer, ScopesComeWithTheSeparatorOfTheRecordOrAsAnArray) {
  const auto scopes = [](const config::v1::Provider& record, const std::string& json) {
    const TokenOutcome outcome =
        Parse(record, 200, R"({"access_token":"AT","token_type":"bearer","scope":)" + json + "}");
    EXPECT_TRUE(outcome.status.ok());
    EXPECT_EQ(outcome.remark.empty(), outcome.tokens.scopes.has_value());
    return outcome.tokens.scopes;
  };
  EXPECT_THAT(*scopes(Rfc(), R"("a b:c  d,e ")"), ElementsAre("a", "b:c", "d,e"));
  EXPECT_THAT(*scopes(Rfc(), R"([])"), IsEmpty());
  EXPECT_THAT(*scopes(Rfc(), R"("")"), IsEmpty());
  EXPECT_THAT(*scopes(Rfc(), R"(["a","b"])"), ElementsAre("a", "b"));
  EXPECT_THAT(*scopes(GitHub(), R"("repo,gist, user")"), ElementsAre("repo", "gist", "user"));
  for (const char* unreadable : {"5", "{}", "[1]", "[\"a b\"]", "[\"\"]", "\"a\\nb\"", "\"a\\\"b\"",
                                 "\"\\u00e9\"", "\"a\",\"scope\":\"b\""}) {
    EXPECT_EQ(scopes(Rfc(), unreadable), std::nullopt) << unreadable;
  }
}

TEST(TokenAnswer, ErrorTextIsFilteredToItsCharsetAndLimited) {
  const TokenOutcome outcome =
      Parse(Rfc(), 400,
            R"({"error":"in\u001b[31mvalid\"_gr\u00e9ant","error_description":"a\r\nb\\\"c\u0000\u007f)" +
                std::string(300, 'x') + "\"}");
  EXPECT_EQ(outcome.error, "in[31mvalid_grant");
  EXPECT_EQ(outcome.error_description, "abc" + std::string(197, 'x'));
  const TokenOutcome longer = Parse(Rfc(), 400, R"({"error":")" + std::string(100, 'e') + "\"}");
  EXPECT_EQ(longer.error, std::string(64, 'e'));
  EXPECT_EQ(Parse(Rfc(), 400, R"({"error":"a","error_description":5})").error_description, "");
}

TEST(TokenAnswer, TheDescriptionIsInNoStatus) {
  const TokenOutcome outcome =
      Parse(Rfc(), 400, R"({"error":"invalid_grant","error_description":"hunter2"})");
  EXPECT_EQ(outcome.error_description, "hunter2");
  EXPECT_THAT(MessageOf(outcome.status), Not(HasSubstr("hunter2")));
}

TEST(TokenAnswer, WithoutAResponseItDependsOnWhetherTheRequestLeft) {
  HttpOutcome lost;
  lost.error = absl::UnavailableError("connection reset");
  TokenOutcome outcome = ParseTokenAnswer(Rfc(), lost, kSent);
  EXPECT_EQ(outcome.kind, Kind::kInDoubt);
  EXPECT_TRUE(HasReason(outcome.status, Reason::kProviderError));
  EXPECT_EQ(MessageOf(outcome.status), "provider 'example': token endpoint: connection reset");
  lost.not_sent = true;
  outcome = ParseTokenAnswer(Rfc(), lost, kSent);
  EXPECT_EQ(outcome.kind, Kind::kNotSent);
  EXPECT_TRUE(HasReason(outcome.status, Reason::kProviderUnreachable));
}

TEST(TokenAnswer, ReasonsTellProviderTroubleFromOurOwn) {
  EXPECT_TRUE(
      HasReason(Parse(Rfc(), 401, R"({"error":"invalid_client"})").status, Reason::kClientMisconfigured));
  EXPECT_TRUE(HasReason(Parse(Rfc(), 400, R"({"error":"invalid_scope"})").status, Reason::kProviderError));
  EXPECT_TRUE(HasReason(Parse(Rfc(), 429, "").status, Reason::kProviderThrottled));
  EXPECT_TRUE(HasReason(Parse(Rfc(), 500, "").status, Reason::kProviderError));
}

std::optional<seconds> RetryAfter(std::vector<std::pair<std::string, std::string>> headers) {
  HttpOutcome answer = ScriptedHttp::Json(429, "");
  for (auto& header : headers) answer.response->headers.push_back(std::move(header));
  return ParseTokenAnswer(Rfc(), answer, kSent).retry_after;
}

TEST(RetryAfter, IsSecondsOrADateAndAtMostAnHour) {
  EXPECT_EQ(RetryAfter({}), std::nullopt);
  EXPECT_EQ(RetryAfter({{"retry-after", "30"}}), seconds(30));
  EXPECT_EQ(RetryAfter({{"retry-after", "0"}}), seconds(0));
  EXPECT_EQ(RetryAfter({{"retry-after", "86400"}}), seconds(3600));
  EXPECT_EQ(RetryAfter({{"retry-after", "99999999999999999999"}}), seconds(3600));
  // kSent is Fri, 15 Jan 2027 08:00:00 GMT.
  EXPECT_EQ(RetryAfter({{"retry-after", "Fri, 15 Jan 2027 08:00:42 GMT"}}), seconds(42));
  EXPECT_EQ(RetryAfter({{"retry-after", "Fri, 15 Jan 2027 07:00:00 GMT"}}), seconds(0));
  EXPECT_EQ(RetryAfter({{"retry-after", "Fri, 14 Jan 2028 08:00:00 GMT"}}), seconds(3600));
  // The provider's own clock counts.
  EXPECT_EQ(RetryAfter({{"date", "Sun, 06 Nov 1994 08:49:37 GMT"},
                        {"retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"}}),
            seconds(10));
  for (const char* bad :
       {"", "-5", "5.5", "soon", "5 seconds", "Fri, 32 Jan 2027 08:00:42 GMT",
        "Fri, 15 Foo 2027 08:00:42 GMT", "Fri, 15 Jan 2027 25:00:42 GMT", "Fri, 15 Jan 2027 08-00-42 GMT",
        "Fri, 15 Jan 2027 08:00:42 CET", "Fri, -5 Jan 2027 08:00:42 GMT"}) {
    EXPECT_EQ(RetryAfter({{"retry-after", bad}}), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace grantkeep::testing
