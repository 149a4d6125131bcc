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
          .secret = "bot",
          .grant = ""};
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
  EXPECT_EQ(ExitCodeOf(ErrorOf(StatusCode::kFailedPrecondition, "STORE_NOT_ADOPTED")), 7);
  EXPECT_EQ(ExitCodeOf(ErrorOf(StatusCode::kFailedPrecondition, "STORE_ALREADY_ADOPTED")), 6);
}

TEST(AdviceTest, NamesTheWayOut) {
  EXPECT_EQ(AdviceFor(ErrorOf(StatusCode::kFailedPrecondition, "NEEDS_REAUTH"), Trying()),
            "run: grantkeep login google");
  EXPECT_THAT(AdviceFor(ErrorOf(StatusCode::kNotFound, "GRANT_NOT_FOUND"), Trying()),
              HasSubstr("grants list"));
  EXPECT_THAT(AdviceFor(ErrorOf(StatusCode::kFailedPrecondition, "PROVIDER_IS_STATIC"), Trying()),
              HasSubstr("secret put NAME --provider google"));
  EXPECT_THAT(AdviceFor(ErrorOf(StatusCode::kFailedPrecondition, "STORE_NOT_ADOPTED"), Trying()),
              HasSubstr("grantkeep help admin adopt"));
  EXPECT_THAT(AdviceFor(ErrorOf(StatusCode::kUnavailable), Trying()), HasSubstr("grantkeepd --dev"));
  CallError throttled = ErrorOf(StatusCode::kUnavailable, "PROVIDER_THROTTLED");
  throttled.retry_after = std::chrono::milliseconds(2500);
  EXPECT_EQ(AdviceFor(throttled, Trying()), "try again in 3 s");
}

TEST(AdviceTest, AMisconfiguredClientIsAdvisedByWhatTheMessageIsAbout) {
  struct Case {
    const char* message;
    const char* advice;
    bool about_secrets = false;
    bool doctor_sees_it = false;
  };
  for (const Case& c : {
           Case{"provider 'google': client.client_secrets[0]: client secret: the environment variable G is "
                "not "
                "set",
                "provide it where the daemon runs", true, true},
           Case{"'google' refuses our client credentials (invalid_client)", "check client_id", true},
           Case{"provider 'google' refused: unauthorized_client", "check client_id", true},
           Case{"provider 'google' is not configured any more", "put google back into `providers`"},
           Case{"provider 'google' has another issuer now ('a') than at the sign-in ('b')",
                "sign in anew; run: grantkeep login google"},
           Case{"provider 'google' has its token endpoint at another origin than at the sign-in",
                "sign in anew; run: grantkeep login google"},
           Case{"provider 'google' has url_parts that are not those of the sign-in any more",
                "sign in anew; run: grantkeep login google"},
           Case{"'google' answered invalid_scope", "does not fit"},
       }) {
    CallError error = ErrorOf(StatusCode::kFailedPrecondition, "CLIENT_MISCONFIGURED");
    error.message = c.message;
    const std::string advice = AdviceFor(error, Trying());
    EXPECT_THAT(advice, HasSubstr(c.advice)) << c.message;
    EXPECT_EQ(advice.find("doctor") != std::string::npos, c.doctor_sees_it) << c.message;
    EXPECT_EQ(advice.find("client_secrets") != std::string::npos, c.about_secrets) << c.message;
  }
}

TEST(AdviceTest, AMissingPartOfAUrlIsAskedForByItsOption) {
  CallError error = ErrorOf(StatusCode::kInvalidArgument, "INVALID_FIELD");
  error.fields = {{.name = "url_parts[\"domain\"]", .description = "is required by provider 'google'"}};
  EXPECT_EQ(AdviceFor(error, Trying()), "run: grantkeep login google --url-part domain=HOST");
  error.fields[0].description = "is not a part of provider 'google'";
  EXPECT_EQ(AdviceFor(error, Trying()), "");
  error.fields[0].name = "scopes[1]";
  EXPECT_EQ(AdviceFor(error, Trying()), "");
}

TEST(AdviceTest, WhoMayNotUseTheSocketIsNotAskedWhetherTheDaemonRuns) {
  const std::string advice = AdviceFor(ErrorOf(StatusCode::kPermissionDenied), Trying());
  EXPECT_THAT(advice, HasSubstr("run as the daemon's user"));
  EXPECT_THAT(AdviceFor(ErrorOf(StatusCode::kPermissionDenied, "POLICY"), Trying()), ::testing::IsEmpty());
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
  EXPECT_EQ(
      ErrorJson(error, "run: x"),
      R"({"error":{"code":"INVALID_ARGUMENT","reason":"INVALID_FIELD","message":"m","field":"","next":"run: x"}})");
  error.fields.push_back({.name = "scopes[1]", .description = "too long"});
  error.retry_after = std::chrono::milliseconds(1500);
  EXPECT_THAT(ErrorJson(error, ""), HasSubstr(R"("field":"scopes[1]","next":"","retry_after_seconds":2}})"));
}

TEST(ErrorJsonTest, HostileTextStaysInsideTheString) {
  CallError error = ErrorOf(StatusCode::kInternal);
  error.message = "a\"}\x1b[31m\n\x7f\u202e";
  EXPECT_THAT(ErrorJson(error, ""), HasSubstr(R"("message":"a\"}\u001b[31m\n\u007f\u202e")"));
}

}  // namespace
}  // namespace grantkeep::cli
