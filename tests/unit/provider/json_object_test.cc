// SPDX-License-Identifier: Apache-2.0
#include "provider/json_object.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grantkeep {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Type = JsonMember::Type;

JsonObject Parse(std::string_view text) {
  auto object = JsonObject::Parse(text);
  EXPECT_TRUE(object.ok()) << object.status();
  return std::move(object).value();
}

std::vector<std::string> Strings(const JsonMember* member) {
  std::vector<std::string> strings;
  for (const Secret& secret : member->strings) strings.emplace_back(secret.Expose());
  return strings;
}

TEST(JsonObject, ReadsTheTopLevelByType) {
  const JsonObject object = Parse(R"( {"s":"a\u00e9\n","n":-1.5,"i":3600,"u":18446744073709551615,"b":true,
      "z":null,"l":["a","b"],"e":[],"m":["a",1],"o":{"s":"inner","l":["x"]},"d":[["a"]],"p":["a",{"s":"q"}]} )");
  EXPECT_EQ(object.Find("s")->text.Expose(), "a\xC3\xA9\n");
  EXPECT_EQ(object.Find("n")->number, -1.5);
  EXPECT_EQ(object.Find("i")->number, 3600);
  EXPECT_EQ(object.Find("u")->type, Type::kNumber);
  EXPECT_TRUE(object.Find("b")->boolean);
  EXPECT_EQ(object.Find("z"), nullptr);
  EXPECT_THAT(Strings(object.Find("l")), ElementsAre("a", "b"));
  EXPECT_EQ(object.Find("e")->type, Type::kStrings);
  EXPECT_THAT(object.Find("e")->strings, IsEmpty());
  EXPECT_EQ(object.Find("o")->type, Type::kObject);
  for (const char* nested : {"m", "d", "p"}) EXPECT_EQ(object.Find(nested)->type, Type::kOther) << nested;
  EXPECT_EQ(object.Find("inner"), nullptr);
  EXPECT_EQ(object.Find("x"), nullptr);
}

TEST(JsonObject, AMemberOfANestedObjectIsNotATopLevelMember) {
  const JsonObject object = Parse(R"({"a":{"access_token":"inner","b":[{"access_token":"deep"}]},"c":1})");
  EXPECT_EQ(object.Find("access_token"), nullptr);
  EXPECT_EQ(object.Find("c")->number, 1);
}

TEST(JsonObject, ReadsTheObjectsInItByTypeAndNothingDeeper) {
  const JsonObject object = Parse(
      R"({"u":{"s":"in","n":7,"b":true,"z":null,"l":["x","y"],"m":["x",{"q":"x"}],"o":{"s":"deep","l":["deep"]},)"
      R"("d":[[{"s":"deep"}]],"t":"last"},"s":"out","e":{},"a":[{"s":"deep"}]})");
  ASSERT_EQ(object.Find("u")->type, Type::kObject);
  const JsonObject& inner = *object.Find("u")->object;
  EXPECT_EQ(inner.Find("s")->text.Expose(), "in");
  EXPECT_EQ(inner.Find("n")->number, 7);
  EXPECT_TRUE(inner.Find("b")->boolean);
  EXPECT_EQ(inner.Find("z"), nullptr);
  EXPECT_THAT(Strings(inner.Find("l")), ElementsAre("x", "y"));
  for (const char* deeper : {"m", "o", "d"}) EXPECT_EQ(inner.Find(deeper)->type, Type::kOther) << deeper;
  EXPECT_EQ(inner.Find("o")->object, nullptr);
  EXPECT_EQ(inner.Find("t")->text.Expose(), "last");
  EXPECT_EQ(object.Find("s")->text.Expose(), "out");
  EXPECT_EQ(object.Find("t"), nullptr);
  EXPECT_THAT(object.Find("e")->object->members(), IsEmpty());
  EXPECT_EQ(object.Find("a")->type, Type::kOther);
}

TEST(JsonObject, RepeatedObjectsAreNotMerged) {
  const JsonObject object = Parse(R"({"u":{"a":"1","a":"2"},"u":{"b":"3"},"v":{"c":"4"},"v":5})");
  EXPECT_TRUE(object.Find("u")->repeated);
  EXPECT_EQ(object.Find("u")->object->Find("a"), nullptr);
  EXPECT_EQ(object.Find("u")->object->Find("b")->text.Expose(), "3");
  EXPECT_EQ(object.Find("v")->type, Type::kNumber);
  EXPECT_EQ(object.Find("v")->object, nullptr);
  EXPECT_TRUE(Parse(R"({"u":{"a":"1","a":"2"}})").Find("u")->object->Find("a")->repeated);
}

TEST(JsonObject, MarksRepeatedMembersAndKeepsTheLast) {
  const JsonObject object = Parse(R"({"a":["x"],"b":1,"a":"2","\u0062":2})");
  EXPECT_TRUE(object.Find("a")->repeated);
  EXPECT_EQ(object.Find("a")->type, Type::kString);
  EXPECT_EQ(object.Find("a")->text.Expose(), "2");
  EXPECT_TRUE(object.Find("b")->repeated);
  EXPECT_THAT(object.Find("a")->strings, IsEmpty());
}

TEST(JsonObject, RefusesWhatIsNotOneStrictObject) {
  for (const char* bad : {"",
                          " ",
                          "null",
                          "1",
                          "\"a\"",
                          "[]",
                          "[{\"a\":1}]",
                          "{",
                          "{\"a\":}",
                          "{\"a\":1",
                          "{\"a\":1}}",
                          "{}{}",
                          "{} x",
                          "{\"a\":NaN}",
                          "{\"a\":Infinity}",
                          "{\"a\":-Infinity}",
                          "{\"a\":01}",
                          "{\"a\":1,}",
                          "{a:1}",
                          "{'a':1}",
                          "{\"a\":\"\n\"}",
                          "{\"a\":\"\xFF\"}",
                          "{\"a\":\"\\ud800\"}",
                          "// c\n{}",
                          "{}/**/",
                          "\xEF\xBB\xBF{}",
                          "<html></html>"}) {
    EXPECT_FALSE(JsonObject::Parse(bad).ok()) << bad;
  }
  EXPECT_FALSE(JsonObject::Parse(std::string_view("{\"a\":\"\0\"}", 9)).ok());
}

TEST(JsonObject, DepthIsLimited) {
  const auto nested = [](int levels) {
    return "{\"a\":" + std::string(static_cast<size_t>(levels - 1), '[') +
           std::string(static_cast<size_t>(levels - 1), ']') + "}";
  };
  EXPECT_TRUE(JsonObject::Parse(nested(JsonObject::kMaxDepth)).ok());
  EXPECT_FALSE(JsonObject::Parse(nested(JsonObject::kMaxDepth + 1)).ok());
  EXPECT_FALSE(JsonObject::Parse(std::string(60'000, '[')).ok());
}

TEST(JsonObject, EveryCutOfAnObjectIsRefused) {
  const std::string whole =
      R"({"access_token":"a\u0041b","expires_in":3600,"scope":["x","y"],"n":{"a":[1]}})";
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(JsonObject::Parse(std::string_view(whole).substr(0, length)).ok()) << length;
  }
  EXPECT_TRUE(JsonObject::Parse(whole).ok());
}

TEST(JsonObject, ErrorsRepeatNothingOfTheText) {
  const auto parsed = JsonObject::Parse(R"({"access_token":"hunter2)");
  EXPECT_EQ(std::string(parsed.status().message()).find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace grantkeep
