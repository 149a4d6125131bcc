// SPDX-License-Identifier: Apache-2.0
#include "refresh/token_failure.h"

#include <fmt/format.h>

#include <string_view>

#include "base/reason.h"

namespace grantkeep {

bool RefusesClient(const TokenOutcome& outcome) {
  return outcome.kind == TokenOutcome::Kind::kRefused &&
         (outcome.error == "invalid_client" || outcome.error == "unauthorized_client");
}

absl::Status FailureOf(const TokenOutcome& outcome, const ProviderId& provider) {
  // What kept us from asking at all may be ours: it says so itself.
  if (outcome.kind == TokenOutcome::Kind::kNotSent) return outcome.status;
  if (RefusesClient(outcome)) {
    return Error(Reason::kClientMisconfigured,
                 fmt::format("'{}' refuses our client credentials ({})", provider.value(), outcome.error));
  }
  if (outcome.throttled()) {
    return Error(Reason::kProviderThrottled,
                 fmt::format("'{}' answered 429: too many requests", provider.value()));
  }
  return Error(Reason::kProviderError,
               std::string_view(outcome.status.message().data(), outcome.status.message().size()));
}

}  // namespace grantkeep
