// SPDX-License-Identifier: Apache-2.0
#include "flow/renewed_grant.h"

#include <fmt/format.h>

#include <map>
#include <string>

#include "base/reason.h"
#include "flow/new_grant.h"

namespace grantkeep {
namespace {

using storage::v1::Flow;
using storage::v1::Grant;

// The server that the old refresh token is of is that of the new sign-in (refresh/same_server.h).
bool IsOfSameServer(const Grant& old, const Flow& flow) {
  const std::map<std::string, std::string> then(old.url_parts().begin(), old.url_parts().end());
  const std::map<std::string, std::string> now(flow.url_parts().begin(), flow.url_parts().end());
  return old.issuer() == flow.issuer() && old.token_endpoint() == flow.token_endpoint() && then == now;
}

void KeepRefreshToken(const Grant& old, Grant& grant) {
  grant.set_refresh_token(old.refresh_token());
  if (!old.has_intent() || old.intent().generation() != old.generation()) return;
  *grant.mutable_intent() = old.intent();
  grant.mutable_intent()->set_generation(grant.generation());
}

}  // namespace

absl::Status CheckRenewable(const std::optional<StoredGrant>& found, const SubjectId& subject,
                            const ProviderId& provider) {
  if (!found.has_value() || found->grant->subject() != subject.value() ||
      found->grant->state() == Grant::STATE_REVOKED) {
    return Error(Reason::kGrantNotFound, "grant_id: no such grant");
  }
  if (found->grant->provider() != provider.value()) {
    return FieldError("grant_id", fmt::format("is a grant at '{}', not at '{}'", found->grant->provider(),
                                              provider.value()));
  }
  return absl::OkStatus();
}

Wiped<Grant> RenewedGrant(const Grant& old, const Flow& flow, const TokenOutcome& outcome,
                          const config::v1::Provider& record, Time now) {
  Wiped<Grant> grant = NewGrant(flow, outcome, record, old.grant_id(), now);
  grant->set_create_time_us(old.create_time_us());
  grant->set_generation(old.generation() + 1);
  grant->set_last_used_time_us(ToMicros(now));
  if (grant->refresh_token().empty() && !old.refresh_token().empty() &&
      old.state() != Grant::STATE_NEEDS_REAUTH && IsOfSameServer(old, flow)) {
    KeepRefreshToken(old, *grant);
  }
  return grant;
}

}  // namespace grantkeep
