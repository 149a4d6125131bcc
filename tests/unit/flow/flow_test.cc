// SPDX-License-Identifier: Apache-2.0
// StartAuth and CompleteAuth with the real vault and store; time and the provider's answers are
// the test's own. Numbers like [A2] name rules of OAuth: A the authorization request, B its
// response, C the token request, D the token response.
#include "flow/flow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "crypto/digest.h"
#include "tests/unit/flow/flow_fixture.h"

namespace grantkeep {
namespace {

using std::chrono::minutes;
using testing::FlowTest;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Rooms;
using testing::ScriptedHttp;

TEST_F(FlowTest, TheAuthorizationUrlHasEachParameterOnceAndKeepsTheEndpointsQuery) {  // [A1, A2, A8]
  StartAuthRequest request = StartRequest();
  request.scopes = {"one", "two"};
  request.login_hint = "u@example.com";
  request.extra_params = {{"hd", "example.com"}};
  request.resource = {"https://api.example"};
  const auto started = Start(std::move(request));
  ASSERT_TRUE(started.ok()) << started.status();
  auto query = QueryOf(started->authorization_url);
  for (const auto& [name, values] : query) EXPECT_EQ(values.size(), 1u) << name;
  EXPECT_EQ(query["keep"][0], "me");
  EXPECT_EQ(query["response_type"][0], "code");
  EXPECT_EQ(query["client_id"][0], "me");
  EXPECT_EQ(query["redirect_uri"][0], "https://app.example/cb");
  EXPECT_EQ(query["scope"][0], "one two");
  EXPECT_EQ(query["state"][0], started->state);
  EXPECT_EQ(query["code_challenge_method"][0], "S256");
  EXPECT_EQ(query["code_challenge"][0].size(), 43u);
  EXPECT_EQ(query["access_type"][0], "offline");
  EXPECT_EQ(query["hd"][0], "example.com");
  EXPECT_EQ(query["resource"][0], "https://api.example");
  EXPECT_EQ(started->state.size(), 43u);
  EXPECT_EQ(started->expire_time, rooms_.clock.Now() + minutes(10));
}

TEST_F(FlowTest, StateAndChallengeAreNewForEveryFlow) {  // [A3]
  const auto a = Start();
  const auto b = Start();
  EXPECT_NE(a->state, b->state);
  EXPECT_NE(QueryOf(a->authorization_url)["code_challenge"], QueryOf(b->authorization_url)["code_challenge"]);
}

TEST_F(FlowTest, TheVerifierOfTheExchangeMatchesTheChallenge) {  // [C26]
  ProviderGrants();
  const auto started = Start();
  ASSERT_TRUE(Complete(CallbackOf(*started)).ok());
  ASSERT_EQ(Requests(), 1u);
  const ScriptedHttp::Seen& seen = rooms_.http.seen()[0];
  EXPECT_EQ(seen.url, "https://as.example/token");
  auto form = QueryOf("https://x/?" + seen.body);
  EXPECT_EQ(form["grant_type"][0], "authorization_code");
  EXPECT_EQ(form["code"][0], "the-code");
  EXPECT_EQ(form["redirect_uri"][0], "https://app.example/cb");
  EXPECT_EQ(form["client_secret"][0], "secret-of-CLIENT_SECRET");
  EXPECT_EQ(form["code_verifier"][0].size(), 43u);
  EXPECT_EQ(Base64UrlEncode(Sha256(form["code_verifier"][0])),
            QueryOf(started->authorization_url)["code_challenge"][0]);
}

TEST_F(FlowTest, TheGrantIsStoredBeforeItIsAnswered) {
  ProviderGrants("granted");
  StartAuthRequest request = StartRequest();
  request.scopes = {"asked", "granted"};
  const auto started = Start(std::move(request));
  const auto grant = Complete(CallbackOf(*started));
  ASSERT_TRUE(grant.ok()) << grant.status();
  const StoredGrant stored = rooms_.LoadGrant(grant->grant->grant_id());
  EXPECT_EQ(stored.grant->access_token(), "at");
  EXPECT_EQ(stored.grant->refresh_token(), "rt");
  EXPECT_EQ(stored.grant->subject(), "u");
  EXPECT_EQ(stored.grant->issuer(), "https://as.example");
  EXPECT_THAT(stored.grant->scopes(), ::testing::ElementsAre("granted")) << "[D32] the granted ones";
  const auto listed = rooms_.loop.Run(
      rooms_.grants->List(TenantId("t"), SubjectId("u"), 10, "", rooms_.clock.Steady() + Rooms::kLong));
  ASSERT_EQ(listed->grants.size(), 1u);
}

TEST_F(FlowTest, ScopesAreTheDefaultsWhenNoneAreAskedAndAsRequestedWhenNoneAreAnswered) {
  ProviderGrants();
  const auto started = Start();
  EXPECT_EQ(QueryOf(started->authorization_url)["scope"][0], "basic");
  const auto grant = Complete(CallbackOf(*started));
  EXPECT_THAT(grant->grant->scopes(), ::testing::ElementsAre("basic"));
}

TEST_F(FlowTest, AStaticProviderIsRefusedWithTheAdvice) {
  StartAuthRequest request = StartRequest();
  request.provider = ProviderId("bot");
  const auto started = Start(std::move(request));
  EXPECT_TRUE(HasReason(started.status(), Reason::kProviderIsStatic));
  EXPECT_THAT(std::string(started.status().message()), HasSubstr("GetStaticSecret"));
}

TEST_F(FlowTest, WrongRequestsNameTheField) {
  const auto field_of = [&](const std::function<void(StartAuthRequest&)>& change) {
    StartAuthRequest request = StartRequest();
    change(request);
    return FieldOf(Start(std::move(request)).status()).value_or("none");
  };
  EXPECT_EQ(field_of([](auto& r) { r.provider = ProviderId("nobody"); }), "provider");
  EXPECT_EQ(field_of([](auto& r) { r.redirect_uri = "https://app.example/cb/"; }), "redirect_uri");
  EXPECT_EQ(field_of([](auto& r) { r.redirect_uri = "https://evil.example/cb"; }), "redirect_uri");
  EXPECT_EQ(field_of([](auto& r) { r.resource = {"https://ok.example", "not a uri"}; }), "resource[1]");
  EXPECT_EQ(field_of([](auto& r) { r.resource = {"https://ok.example#fragment"}; }), "resource[0]");
  for (const char* name : {"state", "client_id", "code_challenge", "request_uri", "response_mode",
                           "redirect_uri", "scope", "access_type", "unknown"}) {
    EXPECT_THAT(field_of([&](auto& r) { r.extra_params = {{name, "x"}}; }), HasSubstr("extra_params"))
        << name;
  }
}

TEST_F(FlowTest, AParameterThatIsNotAllowedIsAnsweredWithThoseThatAre) {
  StartAuthRequest request = StartRequest();
  request.extra_params = {{"canary", "x"}};
  const absl::Status allowed = Start(std::move(request)).status();
  EXPECT_TRUE(HasReason(allowed, Reason::kParameterNotAllowed));
  EXPECT_THAT(std::string(allowed.message()), ::testing::EndsWith("of provider 'p'; allowed: hd"));
  EXPECT_THAT(std::string(allowed.message()), Not(HasSubstr("canary")));
  StartAuthRequest none = StartRequest();
  none.provider = ProviderId("found");
  none.extra_params = {{"canary", "x"}};
  EXPECT_THAT(std::string(Start(std::move(none)).status().message()), ::testing::EndsWith("allowed: (none)"));
}

TEST_F(FlowTest, AFlowIsCompletedOnce) {  // [B13]
  ProviderGrants();
  const auto started = Start();
  ASSERT_TRUE(Complete(CallbackOf(*started)).ok());
  EXPECT_TRUE(HasReason(Complete(CallbackOf(*started)).status(), Reason::kFlowNotFound));
  EXPECT_EQ(Requests(), 1u);
}

TEST_F(FlowTest, AnotherBrowserSessionOrCallerDoesNotGetTheFlowAndTheFifthMismatchBurnsIt) {  // [J69]
  ProviderGrants();
  const auto started = Start();
  const absl::Status unknown = Complete("https://app.example/cb?state=unknown&code=c").status();
  EXPECT_EQ(Complete(CallbackOf(*started), "another-session-x").status(), unknown);
  EXPECT_EQ(Complete(CallbackOf(*started), "0123456789abcdef", "another caller").status(), unknown);
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(Complete(CallbackOf(*started), "another-session-x").ok());
  EXPECT_TRUE(Complete(CallbackOf(*started)).ok()) << "four mismatches do not hurt the rightful one";

  const auto burnt = Start();
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(Complete(CallbackOf(*burnt), "another-session-x").ok());
  EXPECT_EQ(Complete(CallbackOf(*burnt)).status(), unknown);
}

TEST_F(FlowTest, AnExpiredFlowIsGone) {
  ProviderGrants();
  const auto started = Start();
  rooms_.clock.Advance(minutes(10));
  EXPECT_TRUE(HasReason(Complete(CallbackOf(*started)).status(), Reason::kFlowNotFound));
}

TEST_F(FlowTest, TheCodeIsSentNowhereWhenTheIssuerIsWrong) {  // [B14, B15]
  ProviderGrants();
  const auto started = Start();
  const std::string url = "https://app.example/cb?iss=https://evil.example&code=c&state=" + started->state;
  EXPECT_TRUE(HasReason(Complete(url).status(), Reason::kIssuerMismatch));
  EXPECT_EQ(Requests(), 0u);
  EXPECT_TRUE(HasReason(Complete(CallbackOf(*started)).status(), Reason::kFlowNotFound))
      << "the flow is spent";
}

TEST_F(FlowTest, ARefusedCodeARefusedClientAndALostAnswerHaveTheirOwnReasons) {
  const auto after = [&](std::function<HttpOutcome(const ScriptedHttp::Seen&)> responder) {
    rooms_.http.OnRequest(std::move(responder));
    return ReasonOf(Complete(CallbackOf(*Start())).status());
  };
  EXPECT_EQ(after([](auto&) { return ScriptedHttp::Json(400, R"({"error":"invalid_grant"})"); }),
            Reason::kCodeRejected);
  EXPECT_EQ(after([](auto&) { return ScriptedHttp::Json(401, R"({"error":"invalid_client"})"); }),
            Reason::kClientMisconfigured);
  for (const char* error : {"slow_down", "invalid_grant", "invalid_client"}) {
    EXPECT_EQ(
        after([&](auto&) { return ScriptedHttp::Json(429, fmt::format(R"({{"error":"{}"}})", error)); }),
        Reason::kProviderThrottled)
        << error;
  }
  EXPECT_EQ(after([](auto&) { return ScriptedHttp::Json(500, "oops"); }), Reason::kProviderError);
  EXPECT_EQ(after([](auto&) {
              HttpOutcome refused;
              refused.error = absl::UnavailableError("connection refused");
              refused.not_sent = true;
              return refused;
            }),
            Reason::kProviderUnreachable);
}

TEST_F(FlowTest, TokensWithoutUsableAccessTokenAreRevokedNotAbandoned) {
  rooms_.http.OnRequest([](const ScriptedHttp::Seen& seen) {
    if (seen.url == "https://as.example/revoke") return ScriptedHttp::Json(200, "");
    return ScriptedHttp::Json(200, R"({"refresh_token":"orphan","token_type":"Bearer"})");
  });
  const auto grant = Complete(CallbackOf(*Start()));
  EXPECT_TRUE(HasReason(grant.status(), Reason::kProviderError)) << grant.status();
  ASSERT_EQ(Requests(), 2u);
  EXPECT_THAT(rooms_.http.seen()[1].body, HasSubstr("token=orphan"));
}

TEST_F(FlowTest, ADiscoveredIssuerWithoutIssNeedsARedirectUriOfItsOwn) {  // [B17]
  rooms_.http.OnRequest([](const ScriptedHttp::Seen&) {
    return ScriptedHttp::Json(200, R"({"issuer":"https://found.example",
      "authorization_endpoint":"https://found.example/a","token_endpoint":"https://found.example/t",
      "response_types_supported":["code"],"code_challenge_methods_supported":["S256"]})");
  });
  StartAuthRequest request = StartRequest();
  request.provider = ProviderId("found");
  EXPECT_TRUE(HasReason(Start(std::move(request)).status(), Reason::kIssuerUnprotected));
  request = StartRequest();
  request.provider = ProviderId("found");
  request.redirect_uri = "https://app.example/found";
  EXPECT_TRUE(Start(std::move(request)).ok());
}

TEST_F(FlowTest, TheEndpointsOfADiscoveredServerAreInTheGrantAndThoseOfAConfiguredOneAreNot) {
  rooms_.http.OnRequest([](const ScriptedHttp::Seen& seen) {
    if (seen.url.ends_with("/t"))
      return ScriptedHttp::Json(200, R"({"access_token":"at","token_type":"Bearer"})");
    return ScriptedHttp::Json(200, R"({"issuer":"https://found.example",
      "authorization_endpoint":"https://found.example/a","token_endpoint":"https://found.example/t",
      "revocation_endpoint":"https://found.example/r",
      "response_types_supported":["code"],"code_challenge_methods_supported":["S256"]})");
  });
  StartAuthRequest request = StartRequest();
  request.provider = ProviderId("found");
  request.redirect_uri = "https://app.example/found";
  const auto started = Start(std::move(request));
  ASSERT_TRUE(started.ok()) << started.status();
  const auto found = Complete("https://app.example/found?code=the-code&state=" + started->state);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->grant->token_endpoint(), "https://found.example/t");
  EXPECT_EQ(found->grant->revocation_endpoint(), "https://found.example/r");
  ProviderGrants();
  const auto configured = Complete(CallbackOf(*Start()));
  ASSERT_TRUE(configured.ok()) << configured.status();
  EXPECT_EQ(configured->grant->token_endpoint(), "");
  EXPECT_EQ(configured->grant->revocation_endpoint(), "");
}

TEST_F(FlowTest, NoErrorTextHoldsACodeAStateOrAToken) {
  rooms_.http.OnRequest([](const ScriptedHttp::Seen&) {
    return ScriptedHttp::Json(200,
                              R"({"access_token":12,"refresh_token":"canary-rt","token_type":"Bearer"})");
  });
  const auto started = Start();
  const std::string message(Complete(CallbackOf(*started, "&code=canary-code")).status().message());
  EXPECT_THAT(message, Not(HasSubstr("canary")));
  EXPECT_THAT(message, Not(HasSubstr(started->state)));
}

}  // namespace
}  // namespace grantkeep
