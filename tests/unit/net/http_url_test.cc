// SPDX-License-Identifier: Apache-2.0
#include "net/http_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grantkeep {
namespace {

using ::testing::HasSubstr;

std::string Refusal(const std::string& url, bool development = true) {
  absl::StatusOr<HttpUrl> parsed = HttpUrl::Parse(url, development);
  return parsed.ok() ? "" : std::string(parsed.status().message());
}

TEST(HttpUrlTest, HttpsUrlsAreTakenApart) {
  absl::StatusOr<HttpUrl> url = HttpUrl::Parse("https://Login.Example.com/a/../token?x=1%20", false);
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->origin(), "https://Login.Example.com:443");
  EXPECT_FALSE(url->plaintext());
  EXPECT_FALSE(url->loopback());
  EXPECT_FALSE(url->address().has_value());

  absl::StatusOr<HttpUrl> literal = HttpUrl::Parse("https://[2001:db8::1]:8443", false);
  ASSERT_TRUE(literal.ok());
  EXPECT_EQ(literal->address(), boost::asio::ip::make_address("2001:db8::1"));
  EXPECT_EQ(literal->origin(), "https://[2001:db8::1]:8443");
}

TEST(HttpUrlTest, OtherSchemesAreRefused) {
  for (const char* url : {"", "example.com/", "//example.com/", "ftp://example.com/", "file:///etc/passwd",
                          "gopher://example.com/", "HTTPS://example.com/", "https:/example.com",
                          "https:example.com", "ws://example.com/", "dict://example.com/"}) {
    EXPECT_THAT(Refusal(url), HasSubstr("scheme")) << url;
  }
}

TEST(HttpUrlTest, UserinfoIsRefused) {
  for (const char* url :
       {"https://user@example.com/", "https://user:pw@example.com/", "https://@example.com/",
        "https://:@example.com/", "https://good.example@evil.example/"}) {
    EXPECT_THAT(Refusal(url), HasSubstr("userinfo")) << url;
  }
  EXPECT_EQ(Refusal("https://example.com/@user?mail=a@b"), "") << "an @ behind the host is none";
}

TEST(HttpUrlTest, FragmentsAndStrangeBytesAreRefused) {
  EXPECT_THAT(Refusal("https://example.com/#top"), HasSubstr("fragment"));
  EXPECT_THAT(Refusal("https://example.com#@evil.example/"), HasSubstr("fragment"));
  EXPECT_THAT(Refusal("https://example.com\\@evil.example/"), HasSubstr("backslash"));
  for (const std::string& bad :
       std::vector<std::string>{" ", "\t", "\r\n", "\n", std::string(1, '\0'), "\x7f", "\x80", "\xc3\xa9"}) {
    EXPECT_THAT(Refusal("https://example.com/a" + bad + "b"), HasSubstr("printable"));
    EXPECT_THAT(Refusal("https://exa" + bad + "mple.com/"), HasSubstr("printable"));
  }
}

TEST(HttpUrlTest, HostsThatHideWhatTheyAreAreRefused) {
  for (const char* url :
       {"https://", "https:///path", "https://?q", "https://:443/", "https://[fe80::1%25eth0]/",
        "https://%31%32%37.0.0.1/", "https://[::1/", "https://host:99999/", "https://host:x/"}) {
    EXPECT_THAT(Refusal(url), HasSubstr("URL refused")) << url;
  }
}

TEST(HttpUrlTest, PlaintextIsForLoopbackHostsWithTheDevelopmentSwitch) {
  for (const char* url :
       {"http://127.0.0.1:8080/x", "http://127.9.9.9/", "http://[::1]:1/", "http://localhost/"}) {
    EXPECT_EQ(Refusal(url, true), "") << url;
    EXPECT_THAT(Refusal(url, false), HasSubstr("scheme")) << url;
  }
  for (const char* url : {"http://example.com/", "http://10.0.0.1/", "http://localhost.example.com/",
                          "http://localhost./", "http://127.0.0.1.example.com/", "http://0.0.0.0/"}) {
    EXPECT_THAT(Refusal(url, true), HasSubstr("scheme")) << url;
  }
}

TEST(HttpUrlTest, OtherSpellingsOfAnAddressAreThatAddress) {
  for (const char* url :
       {"https://2130706433/", "https://0x7f.1/", "https://0177.0.0.1/", "https://127.1/"}) {
    absl::StatusOr<HttpUrl> parsed = HttpUrl::Parse(url, false);
    ASSERT_TRUE(parsed.ok()) << url;
    EXPECT_EQ(parsed->address(), boost::asio::ip::make_address("127.0.0.1")) << url;
  }
}

TEST(HttpUrlTest, ErrorsDoNotQuoteTheUrl) {
  EXPECT_THAT(Refusal("https://example.com/?secret=s3cret#f"), ::testing::Not(HasSubstr("s3cret")));
  EXPECT_THAT(Refusal("https://u:s3cret@example.com/"), ::testing::Not(HasSubstr("s3cret")));
}

TEST(HttpUrlTest, OverlongUrlsAreRefused) {
  EXPECT_THAT(Refusal("https://example.com/" + std::string(8192, 'a')), HasSubstr("longer than 8192"));
}

}  // namespace
}  // namespace grantkeep
