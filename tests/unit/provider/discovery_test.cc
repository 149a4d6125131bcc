// SPDX-License-Identifier: Apache-2.0
#include "provider/discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "tests/unit/provider/provider_fixture.h"

namespace grantkeep::testing {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kDocument[] =
    R"({"issuer":"https://as.example","authorization_endpoint":"https://as.example/authorize",
  "token_endpoint":"https://as.example/token","revocation_endpoint":"https://as.example/revoke",
  "response_types_supported":["code","token"],"grant_types_supported":["authorization_code","refresh_token"],
  "code_challenge_methods_supported":["plain","S256"],"token_endpoint_auth_methods_supported":["client_secret_basic"],
  "authorization_response_iss_parameter_supported":true,"unknown":{"a":[1]},"scopes_supported":["a"]})";

MetadataExpectation Expected(std::string issuer = "https://as.example") {
  MetadataExpectation expected;
  expected.issuer = std::move(issuer);
  expected.client_authentication = config::v1::CLIENT_AUTHENTICATION_CLIENT_SECRET_BASIC;
  return expected;
}

// RFC 8414 section 3.1, OpenID Connect Discovery section 4.
TEST(MetadataUrls, InsertOrAppendTheWellKnownPath) {
  for (const char* issuer : {"https://as.example", "https://as.example/"}) {
    EXPECT_THAT(MetadataUrls(issuer), ElementsAre("https://as.example/.well-known/oauth-authorization-server",
                                                  "https://as.example/.well-known/openid-configuration"));
  }
  for (const char* issuer : {"https://as.example:8443/a/b", "https://as.example:8443/a/b/"}) {
    EXPECT_THAT(MetadataUrls(issuer),
                ElementsAre("https://as.example:8443/.well-known/oauth-authorization-server/a/b",
                            "https://as.example:8443/.well-known/openid-configuration/a/b",
                            "https://as.example:8443/a/b/.well-known/openid-configuration"));
  }
}

TEST(ParseMetadata, ReadsWhatAFlowNeeds) {
  const auto metadata = ParseMetadata(Expected(), "application/json; charset=utf-8", kDocument);
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  EXPECT_EQ(metadata->issuer, "https://as.example");
  EXPECT_EQ(metadata->authorization_endpoint, "https://as.example/authorize");
  EXPECT_EQ(metadata->token_endpoint, "https://as.example/token");
  EXPECT_EQ(metadata->revocation_endpoint, "https://as.example/revoke");
  EXPECT_TRUE(metadata->iss_parameter_supported);
  EXPECT_TRUE(metadata->discovered);
}

std::string Altered(std::string_view member, std::string_view json) {
  boost::json::object object = boost::json::parse(kDocument).as_object();
  if (json.empty()) {
    object.erase(member);
  } else {
    object[member] = boost::json::parse(json);
  }
  return boost::json::serialize(object);
}

TEST(ParseMetadata, OnlyTheRequiredMembersAreRequired) {
  const std::map<std::string, std::string> missing = {
      {"issuer", "metadata: issuer is missing"},
      {"authorization_endpoint", "metadata: authorization_endpoint is missing"},
      {"token_endpoint", "metadata: token_endpoint is missing"},
      {"response_types_supported", "metadata: response_types_supported is missing"},
      {"revocation_endpoint", ""},
      {"grant_types_supported", ""},
      {"code_challenge_methods_supported", ""},
      {"token_endpoint_auth_methods_supported", ""},
      {"authorization_response_iss_parameter_supported", ""},
      {"unknown", ""},
  };
  for (const auto& [member, message] : missing) {
    const auto metadata = ParseMetadata(Expected(), "application/json", Altered(member, ""));
    EXPECT_EQ(MessageOf(metadata.status()), message) << member;
  }
}

TEST(ParseMetadata, WrongMembersAreNamed) {
  const std::vector<std::tuple<std::string, std::string, std::string>> wrong = {
      {"authorization_endpoint", "5", "metadata: authorization_endpoint has the wrong type"},
      {"authorization_endpoint", "\"/authorize\"",
       "metadata: authorization_endpoint must be an absolute URI with a host"},
      {"authorization_endpoint", "\"http://as.example/a\"", "metadata: authorization_endpoint must be https"},
      {"authorization_endpoint", "\"https://as.example/a?redirect_uri=x\"",
       "metadata: authorization_endpoint has a protocol parameter in its query"},
      {"authorization_endpoint", "\"javascript:alert(1)\"",
       "metadata: authorization_endpoint must be an absolute URI with a host"},
      {"token_endpoint", "\"http://127.0.0.1/t\"", "metadata: token_endpoint must be https"},
      {"token_endpoint", "\"https://u@as.example/t\"",
       "metadata: token_endpoint must not have user information"},
      {"token_endpoint", "[\"https://as.example/t\"]", "metadata: token_endpoint has the wrong type"},
      {"revocation_endpoint", "\"ftp://as.example/t\"", "metadata: revocation_endpoint must be https"},
      {"response_types_supported", "\"code\"", "metadata: response_types_supported has the wrong type"},
      {"response_types_supported", "[\"token\"]", "metadata: response_types_supported does not list code"},
      {"grant_types_supported", "[\"implicit\"]",
       "metadata: grant_types_supported does not list authorization_code"},
      {"code_challenge_methods_supported", "[\"plain\"]",
       "metadata: code_challenge_methods_supported does not list S256"},
      {"code_challenge_methods_supported", "[]",
       "metadata: code_challenge_methods_supported does not list S256"},
      {"code_challenge_methods_supported", "[\"s256\"]",
       "metadata: code_challenge_methods_supported does not list S256"},
      {"token_endpoint_auth_methods_supported", "[\"client_secret_post\"]",
       "metadata: token_endpoint_auth_methods_supported does not list client_secret_basic"},
      {"authorization_response_iss_parameter_supported", "\"true\"",
       "metadata: authorization_response_iss_parameter_supported has the wrong type"},
      {"require_pushed_authorization_requests", "true",
       "metadata: require_pushed_authorization_requests is not supported"},
      {"issuer", "[\"https://as.example\"]", "metadata: issuer has the wrong type"},
  };
  for (const auto& [member, json, message] : wrong) {
    const auto metadata = ParseMetadata(Expected(), "application/json", Altered(member, json));
    EXPECT_EQ(MessageOf(metadata.status()), message) << member << " " << json;
    EXPECT_TRUE(HasReason(metadata.status(), Reason::kProviderError)) << member;
  }
}

TEST(ParseMetadata, ARepeatedMemberIsRefused) {
  const std::string twice =
      std::string(kDocument).insert(1, R"("token_endpoint":"https://evil.example/token",)");
  EXPECT_EQ(MessageOf(ParseMetadata(Expected(), "application/json", twice).status()),
            "metadata: token_endpoint is given twice");
}

// RFC 8414 section 3.3 and 4: no normalisation of any kind.
TEST(ParseMetadata, IssuerIsComparedByCodePoint) {
  for (const char* other : {"https://as.example/", "https://AS.example", "HTTPS://as.example",
                            "https://as.example:443", "https://as.example/%2e", "https://as.exampl%65",
                            "https://evil.example", "", "https://as.example "}) {
    const auto metadata =
        ParseMetadata(Expected(), "application/json", Altered("issuer", fmt::format("\"{}\"", other)));
    EXPECT_TRUE(HasReason(metadata.status(), Reason::kIssuerMismatch)) << other;
  }
  EXPECT_TRUE(ParseMetadata(Expected("https://as.example/"), "application/json",
                            Altered("issuer", "\"https://as.example/\""))
                  .ok());
}

TEST(ParseMetadata, WhatTheOperatorSaysIsNotContested) {
  MetadataExpectation expected = Expected();
  expected.client_authentication.reset();
  expected.pkce = false;
  EXPECT_TRUE(ParseMetadata(expected, "application/json",
                            Altered("token_endpoint_auth_methods_supported", "[\"private_key_jwt\"]"))
                  .ok());
  EXPECT_TRUE(
      ParseMetadata(expected, "application/json", Altered("code_challenge_methods_supported", "[\"plain\"]"))
          .ok());
}

TEST(ParseMetadata, LoopbackEndpointsAreForDevelopment) {
  MetadataExpectation expected = Expected();
  expected.development = true;
  const std::string document = Altered("token_endpoint", "\"http://127.0.0.1:9000/token\"");
  EXPECT_TRUE(ParseMetadata(expected, "application/json", document).ok());
  EXPECT_FALSE(ParseMetadata(Expected(), "application/json", document).ok());
}

TEST(ParseMetadata, TypeSizeAndFormAreChecked) {
  for (const char* type : {"", "text/html", "application/jsonp", "application/json-seq", "text/json"}) {
    EXPECT_EQ(MessageOf(ParseMetadata(Expected(), type, kDocument).status()),
              "metadata: the document is not application/json")
        << type;
  }
  EXPECT_TRUE(ParseMetadata(Expected(), "Application/JSON ;charset=utf-8", kDocument).ok());
  EXPECT_EQ(MessageOf(ParseMetadata(Expected(), "application/json", "<html>").status()),
            "metadata: the document is not valid JSON");
  EXPECT_EQ(MessageOf(ParseMetadata(Expected(), "application/json", "[]").status()),
            "metadata: the document is not a JSON object");
  EXPECT_EQ(
      MessageOf(
          ParseMetadata(Expected(), "application/json", kDocument + std::string(64 * 1024, ' ')).status()),
      "metadata: the document is too large");
}

class DiscoveryTest : public ProviderFixture {
 protected:
  // Answers by URL; anything else is 404.
  void Serve(std::map<std::string, HttpOutcome (*)()> pages) {
    http_.OnRequest([pages = std::move(pages)](const ScriptedHttp::Seen& seen) {
      const auto page = pages.find(seen.url);
      return page == pages.end() ? ScriptedHttp::Json(404, "{}") : page->second();
    });
  }
  static HttpOutcome Good() { return ScriptedHttp::Json(200, kDocument); }
  static HttpOutcome GoodWithPath() {
    return ScriptedHttp::Json(200, Altered("issuer", "\"https://as.example/tenant\""));
  }
  static HttpOutcome Html() {
    HttpOutcome page = ScriptedHttp::Json(200, "<html>");
    page.response->headers[0].second = "text/html";
    return page;
  }
  static HttpOutcome Broken() { return ScriptedHttp::Json(500, "{}"); }

  std::unique_ptr<Provider> Discovered(const std::string& issuer = "https://as.example",
                                       const std::string& more = "") {
    return Make(Record("id: example\nclient: {client_id: x, client_secrets: [{env: SECRET}]}\nissuer: " +
                       issuer + "\n" + more));
  }
  absl::StatusOr<ServerMetadata> Get(Provider& provider) {
    return loop_.Run(provider.Metadata(In(seconds(30))));
  }
};

TEST_F(DiscoveryTest, AsksAtTheFirstPlaceAndKeepsTheAnswerForAnHour) {
  Serve({{"https://as.example/.well-known/oauth-authorization-server", &Good}});
  const auto provider = Discovered();
  const auto metadata = Get(*provider);
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  EXPECT_EQ(metadata->token_endpoint, "https://as.example/token");
  EXPECT_TRUE(metadata->discovered);
  ASSERT_THAT(http_.seen(), SizeIs(1));
  EXPECT_EQ(http_.seen()[0].method, HttpRequest::Method::kGet);
  EXPECT_FALSE(http_.seen()[0].untrusted_url) << "it was built from the configured issuer";

  clock_.Advance(minutes(59));
  EXPECT_TRUE(Get(*provider).ok());
  EXPECT_THAT(http_.seen(), SizeIs(1));
  clock_.Advance(minutes(1));
  EXPECT_TRUE(Get(*provider).ok());
  EXPECT_THAT(http_.seen(), SizeIs(2));
}

TEST_F(DiscoveryTest, AsksOneAfterTheOther) {
  Serve({{"https://as.example/tenant/.well-known/openid-configuration", &GoodWithPath},
         {"https://as.example/.well-known/openid-configuration/tenant", &Html},
         {"https://as.example/.well-known/oauth-authorization-server", &Good}});
  const auto provider = Discovered("https://as.example/tenant");
  const auto metadata = Get(*provider);
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  EXPECT_EQ(metadata->issuer, "https://as.example/tenant");
  EXPECT_THAT(http_.seen(), SizeIs(3));
}

TEST_F(DiscoveryTest, AnotherIssuersDocumentIsNotUsed) {
  Serve({{"https://as.example/.well-known/oauth-authorization-server/tenant", &Good},
         {"https://as.example/.well-known/openid-configuration/tenant", &Html}});
  const auto metadata = Get(*Discovered("https://as.example/tenant"));
  EXPECT_TRUE(HasReason(metadata.status(), Reason::kIssuerMismatch)) << metadata.status();
  EXPECT_EQ(
      MessageOf(metadata.status()),
      "provider 'example': metadata: issuer is 'https://as.example', expected 'https://as.example/tenant'");
}

TEST_F(DiscoveryTest, AFailureIsRememberedForFiveSeconds) {
  const auto provider = Discovered();
  Serve({});
  EXPECT_EQ(MessageOf(Get(*provider).status()), "provider 'example': metadata: answered 404");
  EXPECT_THAT(http_.seen(), SizeIs(2));
  Serve({{"https://as.example/.well-known/oauth-authorization-server", &Good}});
  clock_.Advance(milliseconds(4999));
  EXPECT_FALSE(Get(*provider).ok());
  EXPECT_THAT(http_.seen(), SizeIs(2));
  clock_.Advance(milliseconds(1));
  EXPECT_TRUE(Get(*provider).ok());
}

// Whatever the failure is: silence, trouble, nothing there any more, or another issuer's document.
TEST_F(DiscoveryTest, ADocumentThatCannotBeFetchedAnewGoesOnBeingUsedForADay) {
  const std::map<std::string, std::function<HttpOutcome()>> failures = {
      {"unreachable", [] { return HttpOutcome{{}, absl::UnavailableError("refused"), true}; }},
      {"503", [] { return ScriptedHttp::Json(503, ""); }},
      {"404", [] { return ScriptedHttp::Json(404, ""); }},
      {"other issuer", [] { return ScriptedHttp::Json(200, Altered("issuer", "\"https://evil.example\"")); }},
  };
  for (const auto& [name, failure] : failures) {
    SCOPED_TRACE(name);
    const auto provider = Discovered();
    Serve({{"https://as.example/.well-known/oauth-authorization-server", &Good}});
    ASSERT_TRUE(Get(*provider).ok());
    http_.OnRequest([&](const ScriptedHttp::Seen&) { return failure(); });
    for (int hour = 1; hour < 24; ++hour) {
      clock_.Advance(hours(1));
      const size_t before = http_.seen().size();
      const auto metadata = Get(*provider);
      ASSERT_TRUE(metadata.ok()) << hour << " " << metadata.status();
      EXPECT_EQ(metadata->issuer, "https://as.example");
      loop_.RunReady();
      EXPECT_GT(http_.seen().size(), before) << "it is asked for all the same";
    }
    clock_.Advance(hours(1) - milliseconds(1));
    EXPECT_TRUE(Get(*provider).ok());
    loop_.RunReady();
    clock_.Advance(milliseconds(1));
    EXPECT_FALSE(Get(*provider).ok());
    Serve({{"https://as.example/.well-known/oauth-authorization-server", &Good}});
    clock_.Advance(seconds(5));
    EXPECT_TRUE(Get(*provider).ok());
  }
}

TEST_F(DiscoveryTest, ADocumentThatIsBackCountsFromThen) {
  const auto provider = Discovered();
  Serve({{"https://as.example/.well-known/oauth-authorization-server", &Good}});
  ASSERT_TRUE(Get(*provider).ok());
  http_.OnRequest(nullptr);
  clock_.Advance(hours(23));
  EXPECT_TRUE(Get(*provider).ok());
  Serve({{"https://as.example/.well-known/oauth-authorization-server", &Good}});
  clock_.Advance(seconds(5));
  EXPECT_TRUE(Get(*provider).ok());
  loop_.RunReady();
  http_.OnRequest(nullptr);
  const size_t before = http_.seen().size();
  clock_.Advance(minutes(59));
  EXPECT_TRUE(Get(*provider).ok());
  EXPECT_EQ(http_.seen().size(), before);
  clock_.Advance(hours(23));
  EXPECT_TRUE(Get(*provider).ok());
  loop_.RunReady();
}

// The first caller after a good hour waits, as long as it can; after a failure nobody does.
TEST_F(DiscoveryTest, AServerThatHangsHoldsUpNobodyWhoHasADocument) {
  const auto provider = Discovered();
  Serve({{"https://as.example/.well-known/oauth-authorization-server", &Good}});
  ASSERT_TRUE(Get(*provider).ok());
  http_.Hold();
  clock_.Advance(hours(1));
  const auto first = loop_.Start(provider->Metadata(In(seconds(2))));
  loop_.RunReady();
  EXPECT_FALSE(first->has_value());
  clock_.Advance(seconds(2));
  loop_.RunUntil([&] { return first->has_value(); });
  EXPECT_TRUE((*first)->ok());
  clock_.Advance(seconds(8));  // the fetch fails
  loop_.RunReady();
  clock_.Advance(seconds(5));
  const size_t before = http_.seen().size();
  const auto second = loop_.Start(provider->Metadata(In(seconds(30))));
  loop_.RunReady();
  ASSERT_TRUE(second->has_value());
  EXPECT_TRUE((*second)->ok());
  EXPECT_EQ(http_.seen().size(), before + 1);
  http_.Release();
  loop_.RunReady();
}

TEST_F(DiscoveryTest, TroubleEndsTheSearch) {
  Serve({{"https://as.example/.well-known/oauth-authorization-server", &Broken}});
  const auto broken = Get(*Discovered());
  EXPECT_TRUE(HasReason(broken.status(), Reason::kProviderError));
  EXPECT_THAT(http_.seen(), SizeIs(1));
  http_.OnRequest(nullptr);
  const auto unreachable = Get(*Discovered());
  EXPECT_TRUE(HasReason(unreachable.status(), Reason::kProviderUnreachable));
  EXPECT_THAT(http_.seen(), SizeIs(2));
}

TEST_F(DiscoveryTest, OneFetchServesEverybodyWhoWaits) {
  Serve({{"https://as.example/.well-known/oauth-authorization-server", &Good}});
  http_.Hold();
  const auto provider = Discovered();
  const auto first = loop_.Start(provider->Metadata(In(seconds(30))));
  const auto second = loop_.Start(provider->Metadata(In(seconds(30))));
  loop_.RunReady();
  EXPECT_THAT(http_.seen(), SizeIs(1));
  http_.Release();
  loop_.RunUntil([&] { return first->has_value() && second->has_value(); });
  EXPECT_TRUE((*first)->ok());
  EXPECT_TRUE((*second)->ok());
  EXPECT_THAT(http_.seen(), SizeIs(1));
}

TEST_F(DiscoveryTest, ACallerThatGivesUpLeavesTheFetchToTheOthers) {
  Serve({{"https://as.example/.well-known/oauth-authorization-server", &Good}});
  http_.Hold();
  const auto provider = Discovered();
  const auto hasty = loop_.Start(provider->Metadata(In(seconds(1))));
  const auto patient = loop_.Start(provider->Metadata(In(seconds(30))));
  loop_.RunReady();
  clock_.Advance(seconds(1));
  loop_.RunUntil([&] { return hasty->has_value(); });
  EXPECT_TRUE(HasReason((*hasty)->status(), Reason::kDeadline));
  EXPECT_FALSE(patient->has_value());
  http_.Release();
  loop_.RunUntil([&] { return patient->has_value(); });
  EXPECT_TRUE((*patient)->ok());
  EXPECT_THAT(http_.seen(), SizeIs(1));
}

TEST_F(DiscoveryTest, AFetchEndsByItself) {
  http_.Hold();
  const auto provider = Discovered();
  const auto waiting = loop_.Start(provider->Metadata(In(seconds(60))));
  loop_.RunReady();
  clock_.Advance(seconds(10));
  loop_.RunUntil([&] { return waiting->has_value(); });
  EXPECT_THAT(MessageOf((*waiting)->status()), HasSubstr("metadata: scripted timeout"));
}

TEST_F(DiscoveryTest, AFetchOutlivesItsProvider) {
  Serve({{"https://as.example/.well-known/oauth-authorization-server", &Good}});
  http_.Hold();
  {
    Discovery discovery("example", Expected(), {}, http_, clock_);
    const auto waiting = loop_.Start(discovery.Get(In(seconds(1))));
    loop_.RunReady();
    clock_.Advance(seconds(1));
    loop_.RunUntil([&] { return waiting->has_value(); });
  }
  http_.Release();
  loop_.RunReady();
  EXPECT_THAT(http_.seen(), SizeIs(1));
}

// MCP authorization, "Authorization Code Protection".
TEST_F(DiscoveryTest, AServerWithoutS256IsRefused) {
  http_.OnRequest([](const ScriptedHttp::Seen&) {
    return ScriptedHttp::Json(200, Altered("code_challenge_methods_supported", "[\"plain\"]"));
  });
  EXPECT_EQ(MessageOf(Get(*Discovered()).status()),
            "provider 'example': metadata: code_challenge_methods_supported does not list S256");
  EXPECT_TRUE(Get(*Discovered("https://as.example", "pkce: disabled\n")).ok());
}

TEST_F(DiscoveryTest, AnExplicitClientAuthenticationIsNotContested) {
  http_.OnRequest([](const ScriptedHttp::Seen&) {
    return ScriptedHttp::Json(200,
                              Altered("token_endpoint_auth_methods_supported", "[\"client_secret_post\"]"));
  });
  EXPECT_THAT(MessageOf(Get(*Discovered()).status()), HasSubstr("does not list client_secret_basic"));
  EXPECT_TRUE(Get(*Discovered("https://as.example", "client_authentication: client_secret_basic\n")).ok());
  EXPECT_TRUE(Get(*Discovered("https://as.example", "client_authentication: client_secret_post\n")).ok());
}

TEST_F(DiscoveryTest, TheRecordMayKnowThatIssIsSent) {
  http_.OnRequest([](const ScriptedHttp::Seen&) {
    return ScriptedHttp::Json(200, Altered("authorization_response_iss_parameter_supported", "false"));
  });
  EXPECT_FALSE(Get(*Discovered())->iss_parameter_supported);
  EXPECT_TRUE(
      Get(*Discovered("https://as.example", "iss_parameter_supported: true\n"))->iss_parameter_supported);
}

TEST_F(DiscoveryTest, ConfiguredEndpointsAreNotDiscovered) {
  const auto provider = Make(Record(std::string(kExampleYaml) + "iss_parameter_supported: true\n"));
  const auto metadata = Get(*provider);
  ASSERT_TRUE(metadata.ok());
  EXPECT_EQ(metadata->issuer, "https://as.example");
  EXPECT_EQ(metadata->authorization_endpoint, "https://as.example/authorize");
  EXPECT_EQ(metadata->revocation_endpoint, "https://as.example/revoke");
  EXPECT_TRUE(metadata->iss_parameter_supported);
  EXPECT_FALSE(metadata->discovered);
  EXPECT_THAT(http_.seen(), SizeIs(0));
}

}  // namespace
}  // namespace grantkeep::testing
