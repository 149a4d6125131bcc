// SPDX-License-Identifier: Apache-2.0
#include "flow/new_grant.h"

#include <utility>

#include "refresh/grant_changes.h"

namespace grantkeep {

Wiped<storage::v1::Grant> NewGrant(const storage::v1::Flow& flow, const TokenOutcome& outcome,
                                   const config::v1::Provider& record, std::string grant_id, Time now) {
  Wiped<storage::v1::Grant> grant;
  grant->set_grant_id(std::move(grant_id));
  grant->set_subject(flow.subject());
  grant->set_provider(flow.provider());
  grant->set_issuer(flow.issuer());
  grant->set_token_endpoint(flow.token_endpoint());
  grant->set_revocation_endpoint(flow.revocation_endpoint());
  if (record.refresh_with_redirect_uri()) grant->set_redirect_uri(flow.redirect_uri());
  *grant->mutable_resource() = flow.resource();
  *grant->mutable_url_parts() = flow.url_parts();
  grant->set_create_time_us(ToMicros(now));
  grant->set_last_used_time_us(ToMicros(now));
  *grant->mutable_scopes() = flow.scopes();
  WriteTokens(*grant, outcome, record);
  grant->set_state(storage::v1::Grant::STATE_ACTIVE);
  grant->set_state_time_us(ToMicros(now));
  return grant;
}

}  // namespace grantkeep
