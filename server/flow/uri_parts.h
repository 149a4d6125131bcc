// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_FLOW_URI_PARTS_H_
#define GRANTKEEP_FLOW_URI_PARTS_H_

#include <optional>
#include <string_view>

namespace grantkeep {

// An absolute URI cut at its delimiters (RFC 3986 section 3), nothing decoded. Views into the text.
struct UriParts {
  std::string_view scheme;
  std::string_view authority;  // empty when there is none
  std::string_view path;
  std::optional<std::string_view> query;
  std::optional<std::string_view> fragment;
};

// Nothing when `text` has no scheme or a byte outside printable ASCII.
std::optional<UriParts> SplitUri(std::string_view text);

}  // namespace grantkeep

#endif  // GRANTKEEP_FLOW_URI_PARTS_H_
