// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/world.h"

#include <gtest/gtest.h>

#include <utility>

#include "base/status_macros.h"
#include "crypto/random.h"

namespace grantkeep::testing {

World::World(const std::string& providers, std::map<std::string, std::string> environment,
             const std::string& more)
    : daemon_(GRANTKEEPD, "log:\n  level: trace\n" + more + "providers:\n" + providers,
              std::move(environment)) {}

absl::Status World::Start() {
  RETURN_IF_ERROR(daemon_.Start());
  caller_ = std::make_unique<Caller>(daemon_.address());
  return absl::OkStatus();
}

absl::Status World::StartWithoutStore() {
  RETURN_IF_ERROR(daemon_.Begin());
  caller_ = std::make_unique<Caller>(daemon_.address());
  return absl::OkStatus();
}

v1::StartAuthRequest World::StartRequest(const std::string& provider) {
  SystemRandom random;
  v1::StartAuthRequest request;
  request.set_tenant(kTenant);
  request.set_provider(provider);
  request.set_subject(kSubject);
  request.set_redirect_uri(kRedirectUri);
  request.set_session_binding(RandomToken(random, 16));
  return request;
}

PendingSignIn World::Begin(const Caller& caller, const std::string& provider) {
  const v1::StartAuthRequest request = StartRequest(provider);
  const auto started = caller.StartAuth(request);
  EXPECT_TRUE(started.ok()) << started.status;
  return {started->authorization_url(), started->state(), request.session_binding()};
}

Answer<v1::CompleteAuthResponse> World::Complete(const Caller& caller, const PendingSignIn& pending,
                                                 const std::string& callback_url) {
  v1::CompleteAuthRequest request;
  request.set_tenant(kTenant);
  request.set_callback_url(callback_url);
  request.set_session_binding(pending.session_binding);
  return caller.CompleteAuth(request);
}

v1::RefreshRequest World::RefreshRequest(const std::string& grant_id, uint64_t rejected_generation) {
  v1::RefreshRequest request;
  request.set_tenant(kTenant);
  request.set_subject(kSubject);
  request.set_grant_id(grant_id);
  request.set_rejected_generation(rejected_generation);
  return request;
}

Answer<v1::RefreshResponse> World::Refresh(const std::string& grant_id, uint64_t rejected_generation) const {
  return caller_->Refresh(RefreshRequest(grant_id, rejected_generation));
}

v1::Grant World::GetGrant(const Caller& caller, const std::string& grant_id) {
  v1::GetGrantRequest request;
  request.set_tenant(kTenant);
  request.set_subject(kSubject);
  request.set_grant_id(grant_id);
  const auto answer = caller.GetGrant(request);
  EXPECT_TRUE(answer.ok()) << answer.status;
  return answer->grant();
}

}  // namespace grantkeep::testing
