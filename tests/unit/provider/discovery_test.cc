// SPDX-License-Identifier: Apache-2.0
#include "provider/discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/provider/metadata_document.h"
#include "tests/unit/provider/provider_fixture.h"

namespace grantkeep::testing {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::SizeIs;

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
    return loop_.Run(provider.Metadata({}, In(seconds(30))));
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

TEST_F(DiscoveryTest, AnIssuerThatDiffersByASlashIsToldSo) {
  Serve({{"https://as.example/.well-known/oauth-authorization-server", &Good}});
  EXPECT_THAT(MessageOf(Get(*Discovered("https://as.example/")).status()),
              ::testing::EndsWith("expected 'https://as.example/': write the configured issuer with the same "
                                  "end, the slash counts"));
}

TEST_F(DiscoveryTest, AFailureIsRememberedForFiveSeconds) {
  const auto provider = Discovered();
  Serve({});
  EXPECT_EQ(MessageOf(Get(*provider).status()),
            "provider 'example': metadata: answered 404: there is no metadata under this issuer; correct "
            "issuer, or "
            "give the endpoints");
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
  const size_t before = http_.seen().size();
  clock_.Advance(minutes(59));
  EXPECT_TRUE(Get(*provider).ok());
  EXPECT_EQ(http_.seen().size(), before);
  // After the hour callers wait for the new document again.
  http_.OnRequest([](const ScriptedHttp::Seen&) {
    return ScriptedHttp::Json(200, Altered("token_endpoint", "\"https://as.example/token2\""));
  });
  clock_.Advance(minutes(1));
  http_.Hold();
  const auto waiting = loop_.Start(provider->Metadata({}, In(seconds(30))));
  loop_.RunReady();
  EXPECT_FALSE(waiting->has_value());
  http_.Release();
  loop_.RunUntil([&] { return waiting->has_value(); });
  EXPECT_EQ((*waiting)->value().token_endpoint, "https://as.example/token2");
}

// The first caller after a good hour waits, as long as it can; after a failure nobody does.
TEST_F(DiscoveryTest, AServerThatHangsHoldsUpNobodyWhoHasADocument) {
  const auto provider = Discovered();
  Serve({{"https://as.example/.well-known/oauth-authorization-server", &Good}});
  ASSERT_TRUE(Get(*provider).ok());
  http_.Hold();
  clock_.Advance(hours(1));
  const auto first = loop_.Start(provider->Metadata({}, In(seconds(2))));
  loop_.RunReady();
  EXPECT_FALSE(first->has_value());
  clock_.Advance(seconds(2));
  loop_.RunUntil([&] { return first->has_value(); });
  EXPECT_TRUE((*first)->ok());
  clock_.Advance(seconds(8));  // the fetch fails
  loop_.RunReady();
  clock_.Advance(seconds(5));
  const size_t before = http_.seen().size();
  const auto second = loop_.Start(provider->Metadata({}, In(seconds(30))));
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
  const auto first = loop_.Start(provider->Metadata({}, In(seconds(30))));
  const auto second = loop_.Start(provider->Metadata({}, In(seconds(30))));
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
  const auto hasty = loop_.Start(provider->Metadata({}, In(seconds(1))));
  const auto patient = loop_.Start(provider->Metadata({}, In(seconds(30))));
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
  const auto waiting = loop_.Start(provider->Metadata({}, In(seconds(60))));
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
