// SPDX-License-Identifier: Apache-2.0
#include "provider/provider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "tests/unit/provider/provider_fixture.h"

namespace grantkeep::testing {
namespace {

using std::chrono::seconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using Kind = TokenOutcome::Kind;

constexpr char kTokens[] =
    R"({"access_token":"AT","token_type":"bearer","expires_in":3600,"refresh_token":"RT2"})";
constexpr char kToken[] = "https://as.example/token";

class TokenRequest : public ProviderFixture {
 protected:
  TokenOutcome Exchange(Provider& provider, bool discovered = false,
                        const std::vector<std::string>& resource = {}) {
    return loop_.Run(provider.ExchangeCode(kToken, discovered, Secret("SplxlOBeZQQYbYS6WxSbIA"),
                                           Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
                                           "https://app.example/callback", resource, In(seconds(60))));
  }
  TokenOutcome Refresh(Provider& provider, const std::vector<std::string>& resource = {}) {
    return loop_.Run(provider.Refresh(kToken, false, Secret("tGzv3JOkF0XG5Qx2TlKWIA"),
                                      "https://app.example/callback", resource, In(seconds(60))));
  }
  void Answer(int status, std::string body) {
    http_.OnRequest([status, body = std::move(body)](const ScriptedHttp::Seen&) {
      return ScriptedHttp::Json(status, body);
    });
  }
  std::unique_ptr<Provider> Example(const std::string& more = "") {
    return Make(Record(std::string(kExampleYaml) + more));
  }
  static std::string Header(const ScriptedHttp::Seen& seen, std::string_view name) {
    std::string value = "(none)";
    for (const auto& [key, text] : seen.headers) {
      if (key != name) continue;
      EXPECT_EQ(value, "(none)") << name << " is sent twice";
      value = text;
    }
    return value;
  }
};

// RFC 6749 section 4.1.3 with its own example of HTTP Basic, RFC 7636 section 4.5.
TEST_F(TokenRequest, ExchangesACodeWithBasicAuthentication) {
  Answer(200, kTokens);
  const auto provider = Example();
  const TokenOutcome outcome = Exchange(*provider);
  EXPECT_EQ(outcome.kind, Kind::kGranted);
  EXPECT_TRUE(outcome.status.ok());
  EXPECT_EQ(outcome.tokens.access_token.Expose(), "AT");
  EXPECT_EQ(outcome.sent_time, clock_.Now());
  ASSERT_THAT(http_.seen(), SizeIs(1));
  const ScriptedHttp::Seen& seen = http_.seen()[0];
  EXPECT_EQ(seen.method, HttpRequest::Method::kPost);
  EXPECT_EQ(seen.url, kToken);
  EXPECT_FALSE(seen.untrusted_url);
  EXPECT_EQ(Header(seen, "Authorization"), "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW");
  EXPECT_EQ(Header(seen, "Content-Type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(Header(seen, "Accept"), "application/json");
  EXPECT_THAT(ParseForm(seen.body),
              ElementsAre(Pair("grant_type", "authorization_code"), Pair("code", "SplxlOBeZQQYbYS6WxSbIA"),
                          Pair("redirect_uri", "https://app.example/callback"),
                          Pair("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")));
}

// RFC 6749 section 2.3.1: both are form-urlencoded before they are joined.
TEST_F(TokenRequest, BasicAuthenticationEncodesIdAndSecret) {
  Answer(200, kTokens);
  config::v1::Provider record = Record(kExampleYaml);
  record.mutable_client()->set_client_id("a:b c");
  secrets_["SECRET"] = "%&+\xC2\xA3";
  EXPECT_EQ(Exchange(*Make(std::move(record))).kind, Kind::kGranted);
  EXPECT_EQ(Header(http_.seen()[0], "Authorization"), "Basic " + Base64Encode("a%3Ab+c:%25%26%2B%C2%A3"));
}

TEST_F(TokenRequest, PostsCredentialsWhereTheRecordSaysSo) {
  Answer(200, kTokens);
  EXPECT_EQ(Refresh(*Example("client_authentication: client_secret_post\n")).kind, Kind::kGranted);
  EXPECT_EQ(Header(http_.seen()[0], "Authorization"), "(none)");
  EXPECT_THAT(
      ParseForm(http_.seen()[0].body),
      ElementsAre(Pair("grant_type", "refresh_token"), Pair("refresh_token", "tGzv3JOkF0XG5Qx2TlKWIA"),
                  Pair("client_id", "s6BhdRkqt3"), Pair("client_secret", "gX1fBat3bV")));
}

TEST_F(TokenRequest, APublicClientSaysWhoItIs) {
  Answer(200, kTokens);
  config::v1::Provider record = Record(kExampleYaml);
  record.mutable_client()->clear_client_secrets();
  const auto provider = Make(std::move(record));
  EXPECT_EQ(Refresh(*provider).kind, Kind::kGranted);
  EXPECT_EQ(Header(http_.seen()[0], "Authorization"), "(none)");
  EXPECT_THAT(ParseForm(http_.seen()[0].body),
              ElementsAre(Pair("grant_type", "refresh_token"),
                          Pair("refresh_token", "tGzv3JOkF0XG5Qx2TlKWIA"), Pair("client_id", "s6BhdRkqt3")));
  Answer(400, R"({"error":"invalid_client"})");
  EXPECT_EQ(Refresh(*provider).error, "invalid_client");
  EXPECT_THAT(http_.seen(), SizeIs(2));
}

TEST_F(TokenRequest, BodyAndHeadersAreThoseOfTheRecord) {
  Answer(200, kTokens);
  const auto provider = Example(
      "token_request_body: json\ntoken_request_headers: {Accept: application/vnd.x+json, X-Version: "
      "\"2022\"}\n");
  EXPECT_EQ(Exchange(*provider, false, {"https://a.example", "https://b.example"}).kind, Kind::kGranted);
  const ScriptedHttp::Seen& seen = http_.seen()[0];
  EXPECT_EQ(Header(seen, "Content-Type"), "application/json");
  EXPECT_EQ(Header(seen, "Accept"), "application/vnd.x+json");
  EXPECT_EQ(Header(seen, "X-Version"), "2022");
  EXPECT_EQ(seen.body, R"({"grant_type":"authorization_code","code":"SplxlOBeZQQYbYS6WxSbIA",)"
                       R"("redirect_uri":"https://app.example/callback",)"
                       R"("code_verifier":"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",)"
                       R"("resource":["https://a.example","https://b.example"]})");
}

TEST_F(TokenRequest, AcceptIsSentOnceHoweverTheRecordSpellsIt) {
  Answer(200, kTokens);
  EXPECT_EQ(Exchange(*Example("token_request_headers: {aCCEPT: application/x}\n")).kind, Kind::kGranted);
  EXPECT_EQ(Header(http_.seen()[0], "aCCEPT"), "application/x");
  EXPECT_EQ(Header(http_.seen()[0], "Accept"), "(none)");
}

// RFC 7636 section 4.5: no verifier where no challenge was sent.
TEST_F(TokenRequest, WithoutPkceThereIsNoVerifier) {
  Answer(200, kTokens);
  EXPECT_EQ(Exchange(*Example("pkce: disabled\n")).kind, Kind::kGranted);
  EXPECT_THAT(ParseForm(http_.seen()[0].body), Not(Contains(Key("code_verifier"))));
}

// RFC 8707 section 2.2.
TEST_F(TokenRequest, RefreshRepeatsResourceAndWhereNeededTheRedirectUri) {
  Answer(200, kTokens);
  EXPECT_EQ(
      Refresh(*Example("refresh_with_redirect_uri: true\n"), {"https://a.example", "https://b.example"}).kind,
      Kind::kGranted);
  EXPECT_THAT(
      ParseForm(http_.seen()[0].body),
      ElementsAre(Pair("grant_type", "refresh_token"), Pair("refresh_token", "tGzv3JOkF0XG5Qx2TlKWIA"),
                  Pair("redirect_uri", "https://app.example/callback"), Pair("resource", "https://a.example"),
                  Pair("resource", "https://b.example")));
}

// Of a grant that was made before the provider was known to want it.
TEST_F(TokenRequest, ARefreshWithoutARedirectUriSendsNone) {
  Answer(200, kTokens);
  const auto provider = Example("refresh_with_redirect_uri: true\n");
  const auto outcome = loop_.Run(provider->Refresh(kToken, false, Secret("RT"), "", {}, In(seconds(5))));
  EXPECT_EQ(outcome.kind, Kind::kGranted);
  EXPECT_THAT(ParseForm(http_.seen()[0].body), Not(Contains(Key("redirect_uri"))));
}

TEST_F(TokenRequest, ADiscoveredEndpointIsAnUntrustedUrl) {
  Answer(200, kTokens);
  EXPECT_EQ(Exchange(*Example(), true).kind, Kind::kGranted);
  EXPECT_TRUE(http_.seen()[0].untrusted_url);
}

TEST_F(TokenRequest, IsNotSentWhenNoTimeIsLeft) {
  Answer(200, kTokens);
  const auto provider = Example();
  const TokenOutcome outcome =
      loop_.Run(provider->Refresh(kToken, false, Secret("RT"), "", {}, clock_.Steady()));
  EXPECT_EQ(outcome.kind, Kind::kNotSent);
  EXPECT_TRUE(HasReason(outcome.status, Reason::kDeadline));
  EXPECT_THAT(http_.seen(), IsEmpty());
}

TEST_F(TokenRequest, EndsAtTheRecordsLimitWhateverTheCallerAllows) {
  http_.Hold();
  const auto provider = Example("request_timeout: 2s\n");
  const auto outcome = loop_.Start(provider->Refresh(kToken, false, Secret("RT"), "", {}, In(seconds(60))));
  loop_.RunReady();
  clock_.Advance(seconds(2));
  loop_.RunUntil([&] { return outcome->has_value(); });
  EXPECT_EQ((*outcome)->kind, Kind::kInDoubt);
  EXPECT_THAT(http_.seen(), SizeIs(1));
}

TEST_F(TokenRequest, IsSentOnceWhateverTheAnswer) {
  const auto provider = Example();
  for (const int status : {200, 302, 400, 401, 403, 429, 500, 503}) {
    for (const char* body :
         {"", "{}", R"({"error":"invalid_grant"})", R"({"error":"server_error"})", "<html>"}) {
      Answer(status, body);
      const size_t before = http_.seen().size();
      EXPECT_FALSE(Refresh(*provider).status.ok());
      EXPECT_EQ(http_.seen().size(), before + 1) << status << " " << body;
    }
  }
}

TEST_F(TokenRequest, ErrorTextNeverHoldsAPieceOfACredential) {
  const auto provider = Example("client_authentication: client_secret_post\n");
  const auto exchanged = [&](const std::string& error, const std::string& description) {
    Answer(400, fmt::format(R"({{"error":"{}","error_description":"{}"}})", error, description));
    return Exchange(*provider);
  };
  EXPECT_EQ(exchanged("invalid_grant", "the code is bad").error_description, "the code is bad");
  for (const char* leak : {"code SplxlOBeZQQYbYS6WxSbIA", "...ZQQYbYS6...", "verifier dBjftJeZ4CVP-mB92K27",
                           "secret gX1fBat3bV"}) {
    EXPECT_EQ(exchanged("invalid_grant", leak).error_description, "") << leak;
  }
  const TokenOutcome outcome = exchanged("bad code SplxlOBeZQQYbYS6WxSbIA", "");
  EXPECT_EQ(outcome.kind, Kind::kRefused);
  EXPECT_EQ(outcome.error, "unknown_error");
  EXPECT_THAT(MessageOf(outcome.status), Not(HasSubstr("Splxl")));
}

}  // namespace
}  // namespace grantkeep::testing
