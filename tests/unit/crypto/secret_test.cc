// SPDX-License-Identifier: Apache-2.0
#include "crypto/secret.h"

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <gtest/gtest.h>

#include <ostream>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>

namespace grantkeep {
namespace {

template <typename Stream>
concept Streams = requires(Stream& stream, const Secret& secret) { stream << secret; };

static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!std::is_copy_assignable_v<Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret>);
static_assert(std::is_nothrow_move_assignable_v<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_convertible_v<std::string, Secret>);
static_assert(!std::is_convertible_v<const char*, Secret>);
static_assert(!Streams<std::ostream>);
static_assert(!Streams<std::ostringstream>);
static_assert(!fmt::is_formattable<Secret>::value);

TEST(Secret, HoldsACopyOfTheBytes) {
  std::string bytes("a\0b\xff", 4);
  const Secret secret{std::string_view(bytes)};
  bytes[0] = 'z';
  EXPECT_EQ(secret.Expose(), std::string_view("a\0b\xff", 4));
  EXPECT_EQ(secret.size(), 4u);
}

TEST(Secret, LeavesNothingInASourceThatItTakesOver) {
  std::string source = "a secret that is too long for the small string buffer";
  const char* const storage = source.data();
  const size_t size = source.size();
  const Secret secret = Secret::Take(std::move(source));
  EXPECT_EQ(secret.size(), size);
  EXPECT_TRUE(source.empty());  // NOLINT(bugprone-use-after-move): the rule under test
  EXPECT_EQ(std::string(storage, size), std::string(size, '\0'));
}

TEST(Secret, MovesWithoutCopyingAndEmptiesTheSource) {
  Secret source("hunter");
  const char* const storage = source.Expose().data();
  Secret target = std::move(source);
  EXPECT_EQ(target.Expose().data(), storage);
  EXPECT_TRUE(source.empty());  // NOLINT(bugprone-use-after-move): the rule under test
  target = std::move(*&target);
  EXPECT_EQ(target.Expose(), "hunter");
}

TEST(Secret, ClonesByNameOnly) {
  const Secret secret("hunter");
  Secret clone = secret.Clone();
  EXPECT_TRUE(clone == secret);
  clone.Mutable()[0] = 'p';
  EXPECT_EQ(secret.Expose(), "hunter");
}

TEST(Secret, EqualsByContent) {
  EXPECT_TRUE(Secret("a") == Secret("a"));
  EXPECT_FALSE(Secret("a") == Secret("b"));
  EXPECT_FALSE(Secret("a") == Secret("aa"));
  EXPECT_TRUE(Secret() == Secret(std::string_view()));
}

TEST(Secret, OfSizeStartsAsZeros) {
  EXPECT_EQ(Secret::OfSize(6).Expose(), std::string(6, '\0'));
  EXPECT_TRUE(Secret::OfSize(0).empty());
}

TEST(WipeString, OverwritesTheWholeCapacity) {
  std::string text = "a value that is longer than what replaces it later";
  const size_t size = text.size();
  text = "short";
  const char* const storage = text.data();
  WipeString(text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(text.data(), storage);
  EXPECT_EQ(std::string(storage, size), std::string(size, '\0'));
}

}  // namespace
}  // namespace grantkeep
