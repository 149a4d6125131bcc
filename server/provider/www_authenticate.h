// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_PROVIDER_WWW_AUTHENTICATE_H_
#define GRANTKEEP_PROVIDER_WWW_AUTHENTICATE_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace grantkeep {

// One challenge of a WWW-Authenticate header field (RFC 9110 section 11.6.1): why a resource did not
// accept a request, and what it wants. It is untrusted text from whoever answered.
struct Challenge {
  std::string scheme;   // in lower case: "bearer"
  std::string token68;  // of schemes that have one instead of parameters; else empty
  // Names in lower case, values without quotes and escapes.
  std::map<std::string, std::string, std::less<>> parameters;

  // RFC 6750 section 3: the error code, and the scopes that are needed (separated by spaces).
  std::optional<std::string_view> error() const { return Parameter("error"); }
  std::optional<std::string_view> scope() const { return Parameter("scope"); }
  // RFC 9728 section 5.1, with any scheme: where the resource's metadata is. Not checked to be a URL.
  std::optional<std::string_view> resource_metadata() const { return Parameter("resource_metadata"); }

  std::optional<std::string_view> Parameter(std::string_view name) const;
};

inline constexpr size_t kMaxChallengeHeader = size_t{8} * 1024;
inline constexpr size_t kMaxChallenges = 16;
inline constexpr size_t kMaxChallengeParameters = 32;  // of one challenge

// Pure: the challenges of one header field, in order; several fields are as one with a comma between
// (RFC 9110 section 5.3), see below. Fails on anything that is not in the grammar, on a parameter
// that a challenge gives twice (section 11.2), and beyond the limits above. The status repeats
// nothing of `header`.
absl::StatusOr<std::vector<Challenge>> ParseChallenges(std::string_view header);

// The challenges of all these fields. The limits on size and number hold for all of them together.
absl::StatusOr<std::vector<Challenge>> ParseChallenges(const std::vector<std::string_view>& headers);

// The challenge to act upon: the first Bearer challenge (RFC 6750), or else the first one with
// resource_metadata. Null when there is none.
const Challenge* FindOAuthChallenge(const std::vector<Challenge>& challenges);

}  // namespace grantkeep

#endif  // GRANTKEEP_PROVIDER_WWW_AUTHENTICATE_H_
