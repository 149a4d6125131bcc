// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_VAULT_PAGE_TOKEN_H_
#define GRANTKEEP_VAULT_PAGE_TOKEN_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace grantkeep {

// Where a listing goes on, as text for callers: base64url of the first 8 bytes of
// SHA-256(scope, position) and the position. `scope` says which listing it is. A token that was
// altered, or made by another listing, is refused; it gives no access, so it needs no key.
std::string EncodePageToken(std::string_view scope, std::string_view position);
// The position; empty for an empty token (the first page). kInvalidField "page_token".
absl::StatusOr<std::string> DecodePageToken(std::string_view scope, std::string_view token);

}  // namespace grantkeep

#endif  // GRANTKEEP_VAULT_PAGE_TOKEN_H_
