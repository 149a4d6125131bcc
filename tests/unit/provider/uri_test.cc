// SPDX-License-Identifier: Apache-2.0
#include "provider/uri.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grantkeep {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Endpoint, IsAbsoluteHttpsWithoutFragmentOrUserInformation) {
  for (const char* good : {"https://as.example", "https://as.example/token", "https://as.example:8443/a?b=c",
                           "https://192.0.2.1/token", "https://[2001:db8::1]/token"}) {
    EXPECT_EQ(ProblemWithEndpoint(good, false), "") << good;
  }
  EXPECT_EQ(ProblemWithEndpoint("https://as.example/#a", false), "must not have a fragment");
  EXPECT_EQ(ProblemWithEndpoint("https://as.example/#", false), "must not have a fragment");
  EXPECT_EQ(ProblemWithEndpoint("https://user@as.example/", false), "must not have user information");
  EXPECT_EQ(ProblemWithEndpoint("http://as.example/", false), "must be https");
  EXPECT_EQ(ProblemWithEndpoint("http://127.0.0.1/", false), "must be https");
  EXPECT_EQ(ProblemWithEndpoint("ftp://as.example/", false), "must be https");
  EXPECT_EQ(ProblemWithEndpoint("HTTPS://as.example/", false), "must be https");
  for (const char* bad :
       {"", "/token", "as.example/token", "//as.example/token", "https:", "https://", "https:///a",
        "https:as.example", "https://as.example/a b", "https://as.example/\x01", "https://as.example/%zz",
        "https://as.example:0/", "https://as.example:65536/", "https://as.example:080/",
        "https://as.example:/", "https://as.example\\a", "https://\xC3\xA4.example/"}) {
    EXPECT_EQ(ProblemWithEndpoint(bad, false), "must be an absolute URI with a host") << bad;
  }
  EXPECT_EQ(ProblemWithEndpoint("https://as.example/" + std::string(2048, 'a'), false),
            "must be an absolute URI with a host");
}

TEST(Endpoint, MayBePlainHttpToLoopbackInDevelopmentOnly) {
  for (const char* loopback :
       {"http://127.0.0.1:8080/token", "http://[::1]/token", "http://localhost/token"}) {
    EXPECT_EQ(ProblemWithEndpoint(loopback, true), "") << loopback;
    EXPECT_EQ(ProblemWithEndpoint(loopback, false), "must be https") << loopback;
  }
  for (const char* other : {"http://as.example/", "http://127.0.0.1.example/", "http://localhost.example/",
                            "http://10.0.0.1/", "http://0x7f.1/", "http://127.0.0.2/"}) {
    EXPECT_EQ(ProblemWithEndpoint(other, true), "must be https, or http to a loopback address") << other;
  }
}

TEST(Issuer, HasNoQuery) {
  EXPECT_EQ(ProblemWithIssuer("https://as.example/tenant/", false), "");
  EXPECT_EQ(ProblemWithIssuer("https://as.example/?a", false), "must not have a query");
  EXPECT_EQ(ProblemWithIssuer("https://as.example/?", false), "must not have a query");
}

TEST(RedirectUri, IsHttpsOrLoopbackWithoutFragment) {
  for (const char* good : {"https://app.example/cb", "https://app.example/cb?a=b", "http://127.0.0.1:1/cb",
                           "http://[::1]/cb", "http://localhost:8080/cb"}) {
    EXPECT_EQ(ProblemWithRedirectUri(good), "") << good;
  }
  EXPECT_EQ(ProblemWithRedirectUri("https://app.example/cb#"), "must not have a fragment");
  EXPECT_EQ(ProblemWithRedirectUri("http://app.example/cb"), "must be https, or http to a loopback address");
  EXPECT_EQ(ProblemWithRedirectUri("com.example.app:/cb"), "must be an absolute URI with a host");
  EXPECT_EQ(ProblemWithRedirectUri("javascript:alert(1)"), "must be an absolute URI with a host");
}

TEST(RedirectUri, MatchesExactlyUnlessItIsALoopbackLiteral) {
  EXPECT_TRUE(RedirectUriMatches("https://app.example/cb", "https://app.example/cb"));
  for (const char* other :
       {"https://app.example/cb/", "https://app.example/cb?", "https://app.example/cb?a=b",
        "https://app.example/CB", "https://APP.example/cb", "https://app.example:443/cb",
        "https://app.example/x/../cb", "https://app.example/%63b", "https://app.example.evil.example/cb",
        "https://app.example@evil.example/cb", "http://app.example/cb", " https://app.example/cb",
        "https://app.example/cb "}) {
    EXPECT_FALSE(RedirectUriMatches("https://app.example/cb", other)) << other;
  }
}

// RFC 8252 section 7.3.
TEST(RedirectUri, OfALoopbackLiteralMatchesWithAnyPort) {
  for (const char* configured : {"http://127.0.0.1/cb", "http://127.0.0.1:1234/cb"}) {
    EXPECT_TRUE(RedirectUriMatches(configured, "http://127.0.0.1:50000/cb"));
    EXPECT_TRUE(RedirectUriMatches(configured, "http://127.0.0.1/cb"));
    for (const char* other :
         {"http://127.0.0.1:50000/", "http://127.0.0.1:50000/cb?a", "http://127.0.0.1:50000/cb/x",
          "http://127.0.0.1:99999/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:0/cb",
          "http://[::1]:50000/cb", "http://localhost:50000/cb", "http://127.0.0.1.evil.example:50000/cb",
          "http://127.0.0.1@evil.example/cb", "http://127.0.0.1:5@evil.example/cb",
          "https://127.0.0.1:50000/cb", "http://127.0.0.1:50000/cb#a",
          "http://127.0.0.1:50000\\@evil.example/cb"}) {
      EXPECT_FALSE(RedirectUriMatches(configured, other)) << other;
    }
  }
  EXPECT_TRUE(RedirectUriMatches("http://[::1]/cb", "http://[::1]:50000/cb"));
  EXPECT_TRUE(RedirectUriMatches("http://127.0.0.1", "http://127.0.0.1:50000"));
  EXPECT_FALSE(RedirectUriMatches("http://localhost/cb", "http://localhost:50000/cb"));
}

TEST(RedirectUri, KnowsLoopbackLiterals) {
  EXPECT_TRUE(IsLoopbackLiteral("http://127.0.0.1:5/a"));
  EXPECT_TRUE(IsLoopbackLiteral("http://[::1]:5"));
  for (const char* other :
       {"http://localhost/a", "https://127.0.0.1/a", "http://127.0.0.10/a", "http://127.0.0.1.evil.example/",
        "http://127.0.0.1@evil.example/", "http://[::2]/"}) {
    EXPECT_FALSE(IsLoopbackLiteral(other)) << other;
  }
}

TEST(Query, NamesAreDecoded) {
  EXPECT_THAT(QueryParameterNames("https://a.example/x"), IsEmpty());
  EXPECT_THAT(QueryParameterNames("https://a.example/x?"), IsEmpty());
  EXPECT_THAT(QueryParameterNames("https://a.example/x?a=1&&b&st%61te=2&c+d=3#?e=4"),
              ElementsAre("a", "b", "state", "c d"));
  EXPECT_THAT(QueryParameterNames("https://a.example/x?a%2=1&%zz=2"), ElementsAre("a%2", "%zz"));
}

}  // namespace
}  // namespace grantkeep
