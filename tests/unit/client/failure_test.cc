// SPDX-License-Identifier: Apache-2.0
#include "client/cli/failure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grantkeep::cli {
namespace {

using absl::StatusCode;
using ::testing::HasSubstr;

CallError ErrorOf(StatusCode code, const std::string& reason = "") {
  return {.code = code, .reason = reason, .message = "m", .fields = {}, .retry_after = std::nullopt};
}

Attempt Trying() {
  return {.what = "get a token for g1",
          .address = "unix:/a",
          .address_from = "",
          .tenant = "t",
          .subject = "s",
          .provider = "google",
          .secret = "bot"};
}

TEST(ExitCodeTest, ScriptsCanTellTheCasesApart) {
  EXPECT_EQ(ExitCodeOf(ErrorOf(StatusCode::kInternal)), 1);
  EXPECT_EQ(ExitCodeOf(ErrorOf(StatusCode::kUnimplemented)), 1);
  EXPECT_EQ(ExitCodeOf(ErrorOf(StatusCode::kInvalidArgument, "INVALID_FIELD")), 2);
  EXPECT_EQ(ExitCodeOf(ErrorOf(StatusCode::kNotFound, "GRANT_NOT_FOUND")), 3);
  EXPECT_EQ(ExitCodeOf(ErrorOf(StatusCode::kFailedPrecondition, "NEEDS_REAUTH")), 4);
  EXPECT_EQ(ExitCodeOf(ErrorOf(StatusCode::kUnavailable)), 5);
  EXPECT_EQ(ExitCodeOf(ErrorOf(StatusCode::kDeadlineExceeded)), 5);
  EXPECT_EQ(ExitCodeOf(ErrorOf(StatusCode::kResourceExhausted, "OVERLOADED")), 5);
  EXPECT_EQ(ExitCodeOf(ErrorOf(StatusCode::kPermissionDenied, "ACCESS_DENIED")), 6);
  EXPECT_EQ(ExitCodeOf(ErrorOf(StatusCode::kFailedPrecondition, "PROVIDER_IS_STATIC")), 6);
  EXPECT_EQ(ExitCodeOf(ErrorOf(StatusCode::kAborted, "VERSION_MISMATCH")), 6);
  EXPECT_EQ(ExitCodeOf(ErrorOf(StatusCode::kFailedPrecondition, "CLIENT_MISCONFIGURED")), 7);
  EXPECT_EQ(ExitCodeOf(ErrorOf(StatusCode::kFailedPrecondition, "ISSUER_UNPROTECTED")), 7);
  EXPECT_EQ(ExitCodeOf(ErrorOf(StatusCode::kUnavailable, "KEY_UNAVAILABLE")), 7);
  EXPECT_EQ(ExitCodeOf(ErrorOf(StatusCode::kDataLoss, "STORE_CORRUPT")), 7);
}

TEST(AdviceTest, NamesTheWayOut) {
  EXPECT_EQ(AdviceFor(ErrorOf(StatusCode::kFailedPrecondition, "NEEDS_REAUTH"), Trying()),
            "run: grantkeep login google");
  EXPECT_THAT(AdviceFor(ErrorOf(StatusCode::kNotFound, "GRANT_NOT_FOUND"), Trying()),
              HasSubstr("grants list"));
  EXPECT_THAT(AdviceFor(ErrorOf(StatusCode::kFailedPrecondition, "PROVIDER_IS_STATIC"), Trying()),
              HasSubstr("secret put NAME --provider google"));
  EXPECT_THAT(AdviceFor(ErrorOf(StatusCode::kUnavailable), Trying()), HasSubstr("grantkeepd --dev"));
  CallError throttled = ErrorOf(StatusCode::kUnavailable, "PROVIDER_THROTTLED");
  throttled.retry_after = std::chrono::milliseconds(2500);
  EXPECT_EQ(AdviceFor(throttled, Trying()), "try again in 3 s");
}

TEST(AdviceTest, AnAddressThatWasGivenIsNotAnsweredWithADevelopmentDaemon) {
  for (const char* from : {"--address", "$GRANTKEEP_ADDRESS"}) {
    Attempt attempt = Trying();
    attempt.address_from = from;
    const std::string advice = AdviceFor(ErrorOf(StatusCode::kUnavailable), attempt);
    EXPECT_THAT(advice, HasSubstr(std::string(from) + " says unix:/a"));
    EXPECT_THAT(advice, ::testing::Not(HasSubstr("--dev")));
  }
}

TEST(ErrorJsonTest, HasTheDocumentedMembers) {
  CallError error = ErrorOf(StatusCode::kInvalidArgument, "INVALID_FIELD");
  EXPECT_EQ(ErrorJson(error),
            R"({"error":{"code":"INVALID_ARGUMENT","reason":"INVALID_FIELD","message":"m","field":""}})");
  error.fields.push_back({.name = "scopes[1]", .description = "too long"});
  error.retry_after = std::chrono::milliseconds(1500);
  EXPECT_THAT(ErrorJson(error), HasSubstr(R"("field":"scopes[1]","retry_after_seconds":2}})"));
}

TEST(ErrorJsonTest, HostileTextStaysInsideTheString) {
  CallError error = ErrorOf(StatusCode::kInternal);
  error.message = "a\"}\x1b[31m\n\x7f\u202e";
  EXPECT_THAT(ErrorJson(error), HasSubstr(R"("message":"a\"}\u001b[31m\n\u007f\u202e")"));
}

}  // namespace
}  // namespace grantkeep::cli
