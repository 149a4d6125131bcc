// SPDX-License-Identifier: Apache-2.0
#include "flow/callback.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"

namespace grantkeep {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kIssuer[] = "https://as.example";
constexpr char kRedirect[] = "https://app.example/cb";

storage::v1::Flow TheFlow() {
  storage::v1::Flow flow;
  flow.set_provider("acme");
  flow.set_issuer(kIssuer);
  flow.set_iss_advertised(true);
  flow.set_redirect_uri(kRedirect);
  return flow;
}

absl::StatusOr<Callback> Parse(std::string url) {
  CompleteAuthRequest request;
  request.callback = std::move(url);
  return ParseCallback(request);
}

absl::StatusOr<std::string> Check(const std::string& url, const storage::v1::Flow& flow = TheFlow()) {
  const auto callback = Parse(url);
  if (!callback.ok()) return callback.status();
  return CheckCallback(*callback, flow);
}

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(Callback, GivesTheCodeWhenEverythingFits) {
  const auto code =
      Check("https://app.example/cb?code=a%2Bb+c&state=s&iss=https%3A%2F%2Fas.example&future=1");
  ASSERT_TRUE(code.ok()) << code.status();
  EXPECT_EQ(*code, "a+b c");
}

TEST(Callback, RefusesWhatIsNotAUrlWithAQuery) {
  for (const char* url :
       {"", "code=1&state=2", "/cb?code=1", "https://app.example/cb", "https://app.example/cb?code=%zz",
        "https://a/cb?code=%2", "h:sptttps+ccb?#t", "\x01\x02"}) {
    const auto callback = Parse(url);
    ASSERT_FALSE(callback.ok()) << url;
    EXPECT_TRUE(HasReason(callback.status(), Reason::kCallbackMalformed));
    EXPECT_EQ(FieldOf(callback.status()), "callback_url");
  }
}

TEST(Callback, StateMustBeThereExactlyOnce) {
  EXPECT_EQ(FieldOf(StateOf(*Parse("https://a/cb?code=1")).status()), "state");
  EXPECT_EQ(FieldOf(StateOf(*Parse("https://a/cb?state=")).status()), "state");
  EXPECT_EQ(FieldOf(StateOf(*Parse("https://a/cb?state=1&state=1")).status()), "state");
  EXPECT_EQ(StateOf(*Parse("https://a/cb?state=x")).value(), "x");
}

TEST(Callback, ADuplicatedParameterIsRefused) {
  const auto code = Check("https://app.example/cb?code=a&code=b&state=s&iss=https://as.example");
  EXPECT_TRUE(HasReason(code.status(), Reason::kCallbackMalformed));
  EXPECT_EQ(FieldOf(code.status()), "code");
}

TEST(Callback, MustArriveAtTheFlowsRedirectUri) {
  const auto code = Check("https://other.example/cb?code=a&state=s&iss=https://as.example");
  EXPECT_TRUE(HasReason(code.status(), Reason::kCallbackMalformed));
}

TEST(Callback, TheRedirectUriIsMatchedAsABrowserWritesIt) {
  storage::v1::Flow flow = TheFlow();
  flow.set_redirect_uri("https://App.example:443");
  EXPECT_TRUE(Check("https://app.example/?code=a&iss=https://as.example", flow).ok());
  EXPECT_FALSE(Check("https://app.example/x?code=a&iss=https://as.example", flow).ok());
  EXPECT_FALSE(Check("https://app.example:444/?code=a&iss=https://as.example", flow).ok());
}

// RFC 9207 section 2.4: simple string comparison, without normalisation.
TEST(Callback, IssIsComparedCharacterByCharacter) {
  for (const char* iss :
       {"https://as.example/", "https://AS.example", "https://as.example:443", "https://evil.example"}) {
    const auto code = Check(std::string("https://app.example/cb?code=a&state=s&iss=") + iss);
    EXPECT_TRUE(HasReason(code.status(), Reason::kIssuerMismatch)) << iss;
    EXPECT_THAT(Message(code.status()), HasSubstr(iss));
    EXPECT_THAT(Message(code.status()), HasSubstr(kIssuer));
  }
}

TEST(Callback, AMissingIssIsRefusedOnlyWhereItIsAlwaysSent) {
  EXPECT_TRUE(HasReason(Check("https://app.example/cb?code=a&state=s").status(), Reason::kIssuerMismatch));
  storage::v1::Flow silent = TheFlow();
  silent.set_iss_advertised(false);
  EXPECT_TRUE(Check("https://app.example/cb?code=a&state=s", silent).ok());
  EXPECT_TRUE(HasReason(Check("https://app.example/cb?code=a&state=s&iss=x", silent).status(),
                        Reason::kIssuerMismatch))
      << "not advertised but present is compared all the same";
}

TEST(Callback, AnIssForAProviderWithoutIssuerIsRefusedWithTheReason) {
  storage::v1::Flow none = TheFlow();
  none.set_iss_advertised(false);
  none.clear_issuer();
  EXPECT_THAT(Message(Check("https://app.example/cb?code=a&iss=https://x", none).status()),
              HasSubstr("no issuer configured to compare it with; if this is its own, set issuer: "));
}

TEST(Callback, TheProvidersErrorIsShownOnlyAfterTheIssuerIsProven) {
  const auto forged =
      Check("https://app.example/cb?error=access_denied&error_description=pwned&iss=https://evil");
  EXPECT_THAT(Message(forged.status()), Not(HasSubstr("pwned")));
  const auto denied = Check(
      "https://app.example/cb?error=access_denied&error_description=no%0Athanks&iss=https://as.example");
  EXPECT_TRUE(HasReason(denied.status(), Reason::kAccessDenied));
  EXPECT_THAT(Message(denied.status()), HasSubstr("no?thanks"));
}

TEST(Callback, ErrorsOfTheProviderAndOfOurRegistrationHaveTheirOwnReasons) {
  const std::string base = "https://app.example/cb?iss=https://as.example&error=";
  EXPECT_TRUE(HasReason(Check(base + "server_error").status(), Reason::kProviderError));
  EXPECT_TRUE(HasReason(Check(base + "temporarily_unavailable").status(), Reason::kProviderError));
  EXPECT_TRUE(HasReason(Check(base + "invalid_scope").status(), Reason::kClientMisconfigured));
  EXPECT_TRUE(HasReason(Check(base + "login_required").status(), Reason::kAccessDenied));
}

TEST(Callback, WithoutCodeAndErrorNamesTheCode) {
  EXPECT_EQ(FieldOf(Check("https://app.example/cb?state=s&iss=https://as.example").status()), "code");
  EXPECT_EQ(FieldOf(Check("https://app.example/cb?code=&iss=https://as.example").status()), "code");
}

TEST(Callback, ParametersNeedNoUrl) {
  CompleteAuthRequest request;
  request.callback = CallbackParameters{{"code", "c"}, {"state", "s"}, {"iss", kIssuer}};
  const auto callback = ParseCallback(request);
  ASSERT_TRUE(callback.ok());
  EXPECT_EQ(CheckCallback(*callback, TheFlow()).value(), "c");
}

}  // namespace
}  // namespace grantkeep
