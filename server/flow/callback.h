// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_FLOW_CALLBACK_H_
#define GRANTKEEP_FLOW_CALLBACK_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "flow/flow.h"
#include "grantkeep/storage/v1/records.pb.h"

namespace grantkeep {

// An authorization response (RFC 6749 section 4.1.2, RFC 9207) as it arrived, hostile until
// checked. Pure functions.
struct Callback {
  // Scheme, authority and path of the URL; empty when only parameters were given.
  std::string base_url;
  CallbackParameters parameters;

  // The parameter's value; nothing when it is absent or empty (RFC 6749 section 3.1).
  std::optional<std::string> Find(std::string_view name) const;
};

// kCallbackMalformed, naming the field, when it is not an absolute URL with a query.
absl::StatusOr<Callback> ParseCallback(const CompleteAuthRequest& request);

// The one `state` parameter; kCallbackMalformed when there is none or more than one.
absl::StatusOr<std::string> StateOf(const Callback& callback);

// Everything that is checked before the code may be sent anywhere, in this order: no parameter
// twice, the response arrived at the flow's redirect_uri, `iss` equals the flow's issuer
// character by character (RFC 9207 section 2.4), and only then the provider's own error.
// Returns the code.
absl::StatusOr<std::string> CheckCallback(const Callback& callback, const storage::v1::Flow& flow);

}  // namespace grantkeep

#endif  // GRANTKEEP_FLOW_CALLBACK_H_
