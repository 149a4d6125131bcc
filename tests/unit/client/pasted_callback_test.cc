// SPDX-License-Identifier: Apache-2.0
#include "client/cli/pasted_callback.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client/command_run.h"

namespace grantkeep::cli {
namespace {

using grantkeep::testing::MemoryFile;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

constexpr char kRedirectUri[] = "http://127.0.0.1:8400/callback";

TEST(CallbackInTest, IsTheUrlOfThisSignInWhateverStandsAroundIt) {
  const std::string url = std::string(kRedirectUri) + "?code=c&state=st4te&iss=https%3A%2F%2Fa";
  for (const std::string& pasted : {url, url + "\r", "  " + url + " \t"}) {
    EXPECT_EQ(CallbackIn(pasted, kRedirectUri, "st4te"), url);
  }
}

TEST(CallbackInTest, EverythingElseIsNot) {
  for (const char* pasted :
       {"", " ", "c0de", "http://127.0.0.1:8400/callback", "http://127.0.0.1:8400/callback?code=c",
        "http://127.0.0.1:8400/callback?code=c&state=other", "http://127.0.0.1:8401/callback?state=st4te",
        "http://127.0.0.1:8400/callback2?state=st4te",
        "http://127.0.0.1:8400/callback?state=st4te&state=st4te",
        "http://127.0.0.1:8400/callback?code=a b&state=st4te",
        "https://evil.example/?x=http://127.0.0.1:8400/callback?state=st4te"}) {
    EXPECT_EQ(CallbackIn(pasted, kRedirectUri, "st4te"), std::nullopt) << pasted;
  }
}

TEST(PastedCallbackTest, WrongLinesAreSaidToBeSoWithoutRepeatingThem) {
  const MemoryFile in("c0de-of-somebody\n\n" + std::string(kRedirectUri) + "?code=c&state=st4te");
  const MemoryFile err;
  const Console console{.in = in.fd(), .out = err.fd(), .err = err.fd()};
  PastedCallback pasted(console, kRedirectUri, "st4te");
  while (!pasted.Look(0ms)) {
  }
  EXPECT_EQ(pasted.found(), std::string(kRedirectUri) + "?code=c&state=st4te");
  EXPECT_FALSE(pasted.ended());
  EXPECT_THAT(err.Content(), HasSubstr("has to be copied whole"));
  EXPECT_THAT(err.Content(), Not(HasSubstr("somebody")));
}

TEST(PastedCallbackTest, ALineMayComeInPiecesAndTheInputMayEnd) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const MemoryFile err;
  const Console console{.in = ends[0], .out = err.fd(), .err = err.fd()};
  PastedCallback pasted(console, kRedirectUri, "st4te");
  EXPECT_FALSE(pasted.Look(0ms)) << "nothing is there yet";
  ASSERT_EQ(write(ends[1], kRedirectUri, 10), 10);
  EXPECT_FALSE(pasted.Look(0ms));
  close(ends[1]);
  EXPECT_TRUE(pasted.Look(0ms));
  EXPECT_TRUE(pasted.ended());
  close(ends[0]);
}

}  // namespace
}  // namespace grantkeep::cli
