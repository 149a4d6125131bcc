// SPDX-License-Identifier: Apache-2.0
#include "client/cli/browser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grantkeep::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kUrl[] = "https://provider.example/authorize?a=1&b=%3B";

TEST(BrowserTest, OnlyHttpsAndLoopbackReachABrowser) {
  EXPECT_TRUE(IsBrowsable(kUrl));
  EXPECT_TRUE(IsBrowsable("http://127.0.0.1:8080/authorize"));
  for (const char* url :
       {"", "http://provider.example/", "file:///etc/passwd", "javascript:alert(1)", "--help", "https://a b/",
        "https://a/\n", "https://a/\x1b[2J", "http://127.0.0.1.a/"}) {
    EXPECT_FALSE(IsBrowsable(url)) << url;
  }
}

TEST(BrowserTest, TheUrlIsOneArgumentAndNoShellReadsIt) {
  EXPECT_THAT(BrowserCommands("", true, kUrl), ElementsAre(ElementsAre("xdg-open", kUrl)));
  EXPECT_THAT(BrowserCommands("firefox -P work %s", true, kUrl),
              ElementsAre(ElementsAre("firefox", "-P", "work", kUrl)));
}

TEST(BrowserTest, BrowserVariableListsSeveralInOrder) {
  EXPECT_THAT(BrowserCommands("open --url=%s:w3m", false, kUrl),
              ElementsAre(ElementsAre("open", std::string("--url=") + kUrl), ElementsAre("w3m", kUrl)));
}

TEST(BrowserTest, NothingIsOpenedWithoutADisplay) {
  EXPECT_THAT(BrowserCommands("", false, kUrl), IsEmpty());
}

}  // namespace
}  // namespace grantkeep::cli
