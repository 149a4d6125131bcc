// SPDX-License-Identifier: Apache-2.0
#include "vault/page_token.h"

#include <gtest/gtest.h>

#include <string>

#include "base/reason.h"
#include "crypto/digest.h"

namespace grantkeep {
namespace {

void ExpectRefused(std::string_view scope, std::string_view token) {
  const auto decoded = DecodePageToken(scope, token);
  ASSERT_FALSE(decoded.ok()) << token;
  EXPECT_TRUE(HasReason(decoded.status(), Reason::kInvalidField));
  EXPECT_EQ(FieldOf(decoded.status()), "page_token");
}

TEST(PageToken, GivesThePositionBack) {
  const std::string position("\x07g\0rant", 7);
  EXPECT_EQ(DecodePageToken("scope", EncodePageToken("scope", position)).value(), position);
}

TEST(PageToken, EmptyIsTheFirstPage) { EXPECT_EQ(DecodePageToken("scope", "").value(), ""); }

TEST(PageToken, OfAnotherListingIsRefused) { ExpectRefused("other", EncodePageToken("scope", "position")); }

TEST(PageToken, IsRefusedWithAnyBitFlippedOrAtAnotherLength) {
  const std::string token = EncodePageToken("scope", "position");
  for (size_t bit = 0; bit < 8 * token.size(); ++bit) {
    std::string altered = token;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << (bit % 8)));
    ExpectRefused("scope", altered);
  }
  for (size_t size = 1; size < token.size(); ++size) ExpectRefused("scope", token.substr(0, size));
  ExpectRefused("scope", token + "A");
  ExpectRefused("scope", token + "=");
}

TEST(PageToken, OfGarbageIsRefused) {
  for (const char* token : {"x", "!!!!", "AAAA", "AAAAAAAAAAA", "AAAAAAAAAAAA"})
    ExpectRefused("scope", token);
}

}  // namespace
}  // namespace grantkeep
