// SPDX-License-Identifier: Apache-2.0
#include "provider/form.h"

#include <gtest/gtest.h>

namespace grantkeep {
namespace {

TEST(Form, EncodesTheVectorOfRfc6749AppendixB) {
  EXPECT_EQ(FormEncode(" %&+\xC2\xA3\xE2\x82\xAC"), "+%25%26%2B%C2%A3%E2%82%AC");
}

TEST(Form, LeavesAloneWhatServersThatDoNotDecodeExpect) {
  EXPECT_EQ(FormEncode("AZaz09-._~*"), "AZaz09-._~*");
  EXPECT_EQ(FormEncode(std::string_view("\0/:=?\x7F\xFF", 7)), "%00%2F%3A%3D%3F%7F%FF");
}

FormParameters Example() {
  FormParameters parameters;
  parameters.Add("grant_type", "refresh_token");
  parameters.Add("resource", "https://a.example");
  parameters.Add("empty", "");
  parameters.Add("resource", "https://b.example");
  return parameters;
}

TEST(Form, BodyKeepsOrderAndLeavesOutEmptyParameters) {
  EXPECT_EQ(Example().ToForm().Expose(),
            "grant_type=refresh_token&resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example");
  EXPECT_EQ(FormParameters().ToForm().Expose(), "");
}

TEST(Form, JsonBodyMakesAnArrayOfARepeatedParameter) {
  EXPECT_EQ(Example().ToJson().Expose(),
            R"({"grant_type":"refresh_token","resource":["https://a.example","https://b.example"]})");
  EXPECT_EQ(FormParameters().ToJson().Expose(), "{}");
}

TEST(Form, JsonBodyEscapesWhatJsonForbids) {
  FormParameters parameters;
  parameters.Add("code", "a\"b\\c\n\x1F\xC2\xA3");
  EXPECT_EQ(parameters.ToJson().Expose(), "{\"code\":\"a\\\"b\\\\c\\u000A\\u001F\xC2\xA3\"}");
}

TEST(Form, EightBytesOfACredentialAreAPieceOfIt) {
  EXPECT_TRUE(HoldsPieceOf("bad token 23456789!", "123456789abc"));
  EXPECT_FALSE(HoldsPieceOf("bad token 2345678!", "x12345678abc"));
  EXPECT_TRUE(HoldsPieceOf("code was abc", "abc"));
  EXPECT_FALSE(HoldsPieceOf("code was ab", "abc"));
  EXPECT_FALSE(HoldsPieceOf("anything", ""));
  FormParameters parameters;
  parameters.Add("redirect_uri", "https://app.example/callback");
  parameters.Add("code", "SplxlOBeZQQYbYS6WxSbIA");
  EXPECT_TRUE(parameters.LeaksInto("unknown code ZQQYbYS6"));
  EXPECT_FALSE(parameters.LeaksInto("redirect_uri https://app.example/callback is not registered"));
}

}  // namespace
}  // namespace grantkeep
