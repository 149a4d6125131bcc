// SPDX-License-Identifier: Apache-2.0
#include "rpc/convert.h"

#include <fmt/format.h>

#include "base/reason.h"

namespace grantkeep::rpc {
namespace {

constexpr uint32_t kDefaultPage = 100;
constexpr uint32_t kMaxPage = 1000;

v1::GrantState StateToProto(storage::v1::Grant::State state) {
  switch (state) {
    case storage::v1::Grant::STATE_ACTIVE:
      return v1::GRANT_STATE_ACTIVE;
    case storage::v1::Grant::STATE_IN_DOUBT:
      return v1::GRANT_STATE_IN_DOUBT;
    case storage::v1::Grant::STATE_NEEDS_REAUTH:
      return v1::GRANT_STATE_NEEDS_REAUTH;
    case storage::v1::Grant::STATE_REVOKED:
      return v1::GRANT_STATE_REVOKED;
    default:
      return v1::GRANT_STATE_UNSPECIFIED;
  }
}

v1::NextStep NextStepOf(storage::v1::Grant::State state) {
  switch (state) {
    case storage::v1::Grant::STATE_ACTIVE:
    case storage::v1::Grant::STATE_IN_DOUBT:
      return v1::NEXT_STEP_NONE;
    case storage::v1::Grant::STATE_NEEDS_REAUTH:
      return v1::NEXT_STEP_SIGN_IN;
    case storage::v1::Grant::STATE_REVOKED:
      return v1::NEXT_STEP_NEW_GRANT;
    default:
      return v1::NEXT_STEP_UNSPECIFIED;
  }
}

}  // namespace

void SetTimestamp(Time time, google::protobuf::Timestamp& out) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  out.set_seconds(seconds.time_since_epoch().count());
  out.set_nanos(static_cast<int32_t>(std::chrono::nanoseconds(time - seconds).count()));
}

v1::Grant GrantToProto(const TenantId& tenant, const storage::v1::Grant& stored) {
  v1::Grant grant;
  grant.set_grant_id(stored.grant_id());
  grant.set_tenant(tenant.value());
  grant.set_subject(stored.subject());
  grant.set_provider(stored.provider());
  grant.set_issuer(stored.issuer());
  *grant.mutable_scopes() = stored.scopes();
  *grant.mutable_resource() = stored.resource();
  grant.set_generation(stored.generation());
  grant.set_state(StateToProto(stored.state()));
  grant.set_state_reason(stored.state_reason());
  grant.set_next_step(NextStepOf(stored.state()));
  if (stored.state_time_us() != 0) {
    SetTimestamp(FromMicros(stored.state_time_us()), *grant.mutable_state_time());
  }
  SetTimestamp(FromMicros(stored.create_time_us()), *grant.mutable_create_time());
  if (stored.expire_time_us() != 0) {
    SetTimestamp(FromMicros(stored.expire_time_us()), *grant.mutable_access_token_expire_time());
  }
  grant.set_refreshable(!stored.refresh_token().empty());
  grant.set_failed_refreshes(stored.failures());
  if (stored.failures() > 0 && stored.not_before_us() != 0) {
    SetTimestamp(FromMicros(stored.not_before_us()), *grant.mutable_next_refresh_time());
  }
  return grant;
}

absl::StatusOr<size_t> PageSize(uint32_t requested) {
  if (requested > kMaxPage) {
    return FieldError("page_size", fmt::format("must be at most {}, is {}", kMaxPage, requested));
  }
  return requested == 0 ? kDefaultPage : requested;
}

}  // namespace grantkeep::rpc
