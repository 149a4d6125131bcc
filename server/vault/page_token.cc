// SPDX-License-Identifier: Apache-2.0
#include "vault/page_token.h"

#include "base/reason.h"
#include "crypto/digest.h"
#include "vault/fields.h"

namespace grantkeep {
namespace {

constexpr size_t kCheckSize = 8;
// Longer than the position of any listing: a forged one must not reach the store.
constexpr size_t kMaxPosition = 400;

std::string CheckOf(std::string_view scope, std::string_view position) {
  const Fields fields("grantkeep/page", scope, position);
  return Sha256(fields.view()).substr(0, kCheckSize);
}

}  // namespace

std::string EncodePageToken(std::string_view scope, std::string_view position) {
  return Base64UrlEncode(CheckOf(scope, position).append(position));
}

absl::StatusOr<std::string> DecodePageToken(std::string_view scope, std::string_view token) {
  if (token.empty()) return std::string();
  const auto bytes = Base64UrlDecode(token);
  if (bytes.has_value() && bytes->size() > kCheckSize && bytes->size() <= kCheckSize + kMaxPosition) {
    std::string position = bytes->substr(kCheckSize);
    if (bytes->substr(0, kCheckSize) == CheckOf(scope, position)) return position;
  }
  return FieldError("page_token", "is not the next_page_token of this listing");
}

}  // namespace grantkeep
