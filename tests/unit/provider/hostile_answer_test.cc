// SPDX-License-Identifier: Apache-2.0
// Answers that nobody should send, beyond the single ones of token_answer_test.cc: whole ranges.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "provider/record.h"
#include "tests/unit/provider/provider_fixture.h"

namespace grantkeep::testing {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Kind = TokenOutcome::Kind;

constexpr char kWhole[] =
    R"({"access_token":"AT","token_type":"Bearer","expires_in":3600,"refresh_token":"RT","scope":"a b"})";

TokenOutcome Parse(int status, std::string_view body) {
  config::v1::Provider record = Record("id: example");
  FillDefaults(record);
  return ParseTokenAnswer(record, ScriptedHttp::Json(status, body), Time());
}

// What is said without the place where it happened, which every message begins with.
std::string Said(const std::string& message) {
  static constexpr std::string_view kPlace = "provider 'example': token endpoint: ";
  if (message.empty()) return "";
  EXPECT_THAT(message, StartsWith(std::string(kPlace)));
  return message.substr(kPlace.size());
}

TEST(HostileAnswer, StatusDecidesBeforeTheBodyIsBelieved) {
  for (int status = 100; status <= 599; ++status) {
    SCOPED_TRACE(status);
    const bool success = status >= 200 && status <= 299;
    const bool refusal = status >= 400 && status <= 499;
    const Kind throttled = status == 429 ? Kind::kRefused : Kind::kInDoubt;
    EXPECT_EQ(Parse(status, kWhole).kind, success ? Kind::kGranted : throttled);
    EXPECT_EQ(Parse(status, R"({"error":"invalid_grant"})").kind, refusal ? Kind::kRefused : Kind::kInDoubt);
    EXPECT_EQ(Parse(status, R"({"error":"invalid_grant"})").invalid_grant(), refusal && status != 429);
    EXPECT_EQ(Parse(status, "").kind, throttled);
    if (!success && status != 429) {
      EXPECT_THAT(Said(MessageOf(Parse(status, kWhole).status)),
                  StartsWith("answered " + std::to_string(status)));
    }
  }
}

// "AT RT", "-" for one that is not there.
std::string Tokens(const TokenOutcome& outcome) {
  const auto shown = [](std::string_view token) { return token.empty() ? "-" : std::string(token); };
  const auto& refresh = outcome.tokens.refresh_token;
  return shown(outcome.tokens.access_token.Expose()) + " " +
         shown(refresh.has_value() ? refresh->Expose() : std::string_view());
}

// Every field with a value of every type. An answer is in doubt only when no token at all was read.
TEST(HostileAnswer, EveryFieldOfEveryTypeIsReadOrNamed) {
  struct Field {
    std::string name;
    std::string answer;    // with {} for the field's value
    std::string doubtful;  // what is said of values that the field cannot have
  };
  const Field kFields[] = {
      {"access_token", R"({"access_token":{},"token_type":"bearer","refresh_token":"RT"})",
       "is not a string"},
      {"token_type", R"({"access_token":"AT","token_type":{},"refresh_token":"RT"})", "is not a string"},
      {"refresh_token", R"({"access_token":"AT","token_type":"bearer","refresh_token":{}})",
       "is not a string"},
      {"expires_in", R"({"access_token":"AT","token_type":"bearer","refresh_token":"RT","expires_in":{}})",
       "is not a positive number of seconds"},
      {"scope", R"({"access_token":"AT","token_type":"bearer","refresh_token":"RT","scope":{}})",
       "is not a list of scopes"},
  };
  const std::string kValues[] = {"true",
                                 "false",
                                 "5",
                                 "-5",
                                 "5.5",
                                 "[]",
                                 "[\"hunter2\"]",
                                 "[[\"hunter2\"]]",
                                 "{}",
                                 "[1]",
                                 "{\"hunter2\":\"hunter2\"}"};
  for (const Field& field : kFields) {
    for (const std::string& value : kValues) {
      SCOPED_TRACE(field.name + " " + value);
      std::string body = field.answer;
      body.replace(body.find("{}"), 2, value);
      const TokenOutcome outcome = Parse(200, body);
      EXPECT_EQ(outcome.kind, Kind::kGranted);
      const bool number = value == "5" || value == "5.5";
      const bool strings = value == "[]" || value == "[\"hunter2\"]";
      const bool fits = (field.name == "expires_in" && number) || (field.name == "scope" && strings);
      const bool usable = field.name != "access_token" && field.name != "token_type";
      EXPECT_EQ(Said(usable ? outcome.remark : MessageOf(outcome.status)),
                fits ? "" : field.name + " " + field.doubtful);
      EXPECT_EQ(outcome.status.ok(), usable);
      EXPECT_EQ(Tokens(outcome),
                fmt::format("{} {}", usable ? "AT" : "-", field.name == "refresh_token" ? "-" : "RT"));
      EXPECT_EQ(outcome.tokens.expires_in.has_value(), field.name == "expires_in" && fits);
      EXPECT_EQ(outcome.tokens.scopes.has_value(), field.name == "scope" && fits);
      EXPECT_THAT(MessageOf(outcome.status) + outcome.remark, Not(HasSubstr("hunter2")));
    }
  }
}

// Given twice, no field has a value to rely on; the last refresh token is kept, for want of a better.
TEST(HostileAnswer, EveryFieldGivenTwiceIsNamed) {
  const std::pair<std::string, std::string> kFields[] = {
      {R"("access_token":"hunter2")", "access_token is given twice"},
      {R"("token_type":"bearer")", "token_type is given twice"},
      {R"("refresh_token":"hunter2")", "refresh_token is given twice"},
      {R"("expires_in":5)", "expires_in is not a positive number of seconds"},
      {R"("scope":"hunter2")", "scope is not a list of scopes"},
  };
  for (const auto& [again, says] : kFields) {
    const std::string whole = kWhole;
    for (const std::string& body :
         {"{" + again + "," + whole.substr(1), whole.substr(0, whole.size() - 1) + "," + again + "}"}) {
      const TokenOutcome outcome = Parse(200, body);
      EXPECT_EQ(outcome.kind, Kind::kGranted) << body;
      EXPECT_EQ(Said(outcome.status.ok() ? outcome.remark : MessageOf(outcome.status)), says) << body;
    }
  }
}

// Bytes that would end a header line, begin another one, or be read differently by two readers.
TEST(HostileAnswer, NoTokenEverHoldsWhatAHeaderMayNot) {
  for (int character = 0; character <= 0xFF; ++character) {
    const bool ascii = character > 0x20 && character < 0x7F;
    const std::string escaped = fmt::format("hunter2\\u{:04x}x", character);
    const TokenOutcome access =
        Parse(200, fmt::format(R"({{"access_token":"{}","token_type":"bearer"}})", escaped));
    EXPECT_EQ(access.kind, ascii ? Kind::kGranted : Kind::kInDoubt) << character;
    EXPECT_EQ(access.tokens.access_token.empty(), !ascii) << character;
    EXPECT_EQ(Said(MessageOf(access.status)),
              ascii ? "" : "access_token has characters that no token may have");
    // A refresh token travels in a body, where a space is as good as another (RFC 6749 appendix A.17).
    const TokenOutcome refresh = Parse(
        200, fmt::format(R"({{"access_token":"AT","token_type":"bearer","refresh_token":"{}"}})", escaped));
    EXPECT_EQ(refresh.kind, Kind::kGranted) << character;
    EXPECT_EQ(refresh.tokens.refresh_token.has_value(), ascii || character == ' ') << character;
    EXPECT_EQ(Said(refresh.remark), refresh.tokens.refresh_token.has_value()
                                        ? ""
                                        : "refresh_token has characters that no token may have");
  }
}

struct Unreadable {
  std::string name;
  std::string body;
};

TEST(HostileAnswer, WhatIsNotOneJsonObjectIsInDoubt) {
  const std::string whole = kWhole;
  std::vector<Unreadable> bodies = {
      {"BOM", "\xEF\xBB\xBF" + whole},
      {"UTF-16", std::string("{\0\"\0a\0\"\0:\0001\0}\0", 14)},
      {"NUL behind", whole + std::string(1, '\0')},
      {"NUL in a string", std::string("{\"access_token\":\"a\0b\",\"token_type\":\"bearer\"}", 44)},
      {"not UTF-8", "{\"access_token\":\"AT\",\"token_type\":\"bearer\",\"x\":\"\xC3\x28\"}"},
      {"overlong UTF-8", "{\"access_token\":\"AT\",\"token_type\":\"bearer\",\"x\":\"\xC0\x80\"}"},
      {"half a surrogate", R"({"access_token":"AT","token_type":"bearer","x":"\ud800"})"},
      {"Infinity", R"({"access_token":"AT","token_type":"bearer","expires_in":Infinity})"},
      {"-Infinity", R"({"access_token":"AT","token_type":"bearer","expires_in":-Infinity})"},
      {"hexadecimal", R"({"access_token":"AT","token_type":"bearer","expires_in":0x10})"},
      {"leading zero", R"({"access_token":"AT","token_type":"bearer","expires_in":010})"},
      {"two objects", whole + whole},
      {"string", R"("hunter2")"},
      {"null", "null"},
      {"JSONP", "callback(" + whole + ")"},
      {"guard", ")]}',\n" + whole},
      {"deep", R"({"access_token":"AT","token_type":"bearer","x":)" + std::string(16, '[') +
                   std::string(16, ']') + "}"},
      {"very deep", std::string(60'000, '[')},
      {"gzip", std::string("\x1F\x8B\x08\x00\x00\x00\x00\x00", 8)},
  };
  for (size_t length = 0; length < whole.size(); ++length) {
    bodies.push_back({fmt::format("cut at {}", length), whole.substr(0, length)});
  }
  for (const Unreadable& unreadable : bodies) {
    SCOPED_TRACE(unreadable.name);
    const TokenOutcome outcome = Parse(200, unreadable.body);
    EXPECT_EQ(outcome.kind, Kind::kInDoubt);
    EXPECT_EQ(Tokens(outcome), "- -");
    EXPECT_THAT(Said(MessageOf(outcome.status)), StartsWith("the answer "));
    EXPECT_THAT(MessageOf(outcome.status), Not(HasSubstr("hunter2")));
    EXPECT_TRUE(HasReason(outcome.status, Reason::kProviderError));
    // With 400 it is no refusal either.
    EXPECT_EQ(Parse(400, unreadable.body).kind, Kind::kInDoubt);
  }
}

// RFC 6749 section 5.1: no assumptions about sizes, beyond that of the whole answer.
TEST(HostileAnswer, LongTokensAreTokens) {
  const std::string token(60'000, 'x');
  const TokenOutcome outcome =
      Parse(200, fmt::format(R"({{"access_token":"{}","token_type":"bearer","scope":"{}"}})", token, "a"));
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_EQ(outcome.tokens.access_token.Expose(), token);
}

// Whatever one byte is changed to: what is granted can be sent in a header, what is not has a reason.
TEST(HostileAnswer, AnyChangedByteIsSurvived) {
  const std::string whole = kWhole;
  for (size_t at = 0; at < whole.size(); ++at) {
    for (int byte = 0; byte <= 0xFF; ++byte) {
      std::string changed = whole;
      changed[at] = static_cast<char>(byte);
      const TokenOutcome outcome = Parse(200, changed);
      const std::string_view token = outcome.tokens.access_token.Expose();
      const bool clean = std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7F; });
      ASSERT_TRUE(clean) << at << " " << byte;
      ASSERT_EQ(outcome.status.ok(), !token.empty()) << at << " " << byte;
      ASSERT_TRUE(outcome.kind == Kind::kGranted || outcome.kind == Kind::kInDoubt) << at << " " << byte;
    }
  }
}

}  // namespace
}  // namespace grantkeep::testing
