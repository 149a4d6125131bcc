// SPDX-License-Identifier: Apache-2.0
// Grants that end, over real sockets: a workload, grantkeepd, and the practice provider.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/e2e/practice_fixture.h"

namespace grantkeep::testing {
namespace {

using practice::Fault;
using namespace std::chrono_literals;

class RevokeTest : public PracticeOverStores {
 protected:
  Answer<v1::RevokeGrantResponse> Revoke(const std::string& grant_id) const {
    v1::RevokeGrantRequest request;
    request.set_tenant(World::kTenant);
    request.set_subject(World::kSubject);
    request.set_grant_id(grant_id);
    return world_->caller().RevokeGrant(request);
  }
  bool IsForgotten(const std::string& grant_id) const {
    return world_->Refresh(grant_id).status.reason == "GRANT_NOT_FOUND" &&
           world_->GetGrant(grant_id).state() == v1::GRANT_STATE_REVOKED;
  }
};

TEST_P(RevokeTest, ARevokedGrantIsDeadHereAndAtTheProvider) {
  Start();
  const v1::Grant grant = SignIn();
  const auto token = world_->Refresh(grant.grant_id());
  ASSERT_EQ(ResourceStatus(token->access_token()), 200);
  const auto revoked = Revoke(grant.grant_id());
  ASSERT_TRUE(revoked.ok()) << revoked.status;
  EXPECT_TRUE(revoked->forgotten());
  EXPECT_TRUE(revoked->revoked_at_provider());
  EXPECT_TRUE(IsForgotten(grant.grant_id()));
  EXPECT_EQ(ResourceStatus(token->access_token()), 401) << "its access tokens die with the refresh token";
  EXPECT_EQ(practice_->Stats().live_families, 0u);
}

TEST_P(RevokeTest, AProviderThatFailsIsAskedAgainAndTheGrantIsForgottenAtOnce) {
  Start();
  const Fault::Kind kinds[] = {Fault::Kind::kUnavailable, Fault::Kind::kReset, Fault::Kind::kHang};
  uint64_t requests = 0;
  for (const Fault::Kind kind : kinds) {
    const v1::Grant grant = SignIn();
    practice_->InjectRevocationFault({.kind = kind});
    const auto revoked = Revoke(grant.grant_id());
    ASSERT_TRUE(revoked.ok()) << revoked.status;
    EXPECT_TRUE(revoked->forgotten());
    EXPECT_FALSE(revoked->revoked_at_provider()) << practice::FaultName(kind);
    EXPECT_TRUE(IsForgotten(grant.grant_id()));
    EXPECT_EQ(practice_->Stats().live_families, 1u);
    // As its caller may do; without one the outbox does it.
    EXPECT_TRUE(Eventually([&] { return Revoke(grant.grant_id())->revoked_at_provider(); }));
    EXPECT_EQ(practice_->Stats().live_families, 0u);
    const auto stats = practice_->Stats();
    EXPECT_GE(stats.revocation_requests, requests + 2);
    requests = stats.revocation_requests;
  }
}

TEST_P(RevokeTest, ARevocationWhoseAnswerIsLostIsConfirmedByAnother) {
  Start();
  const v1::Grant grant = SignIn();
  practice_->InjectRevocationFault({.kind = Fault::Kind::kReset, .after_processing = true});
  EXPECT_FALSE(Revoke(grant.grant_id())->revoked_at_provider());
  EXPECT_EQ(practice_->Stats().live_families, 0u);
  EXPECT_TRUE(Eventually([&] { return Revoke(grant.grant_id())->revoked_at_provider(); }));
}

TEST_P(RevokeTest, TokensThatARefreshBringsAfterItsGrantWasRevokedAreRevokedToo) {
  Start();
  const v1::Grant grant = SignInAndExpire();
  practice_->SetLatency(600ms);
  Answer<v1::RefreshResponse> refreshed;
  std::thread refresh([&] { refreshed = world_->Refresh(grant.grant_id()); });
  EXPECT_TRUE(Eventually([&] { return practice_->Stats().refresh_requests == 1; }));
  EXPECT_TRUE(Revoke(grant.grant_id())->forgotten());
  refresh.join();
  EXPECT_EQ(refreshed.status.reason, "GRANT_NOT_FOUND");
  EXPECT_TRUE(IsForgotten(grant.grant_id()));
  EXPECT_TRUE(Eventually([&] { return Revoke(grant.grant_id())->revoked_at_provider(); }));
  EXPECT_EQ(practice_->Stats().live_families, 0u);
}

INSTANTIATE_TEST_SUITE_P(Stores, RevokeTest, kStoreKinds, StoreKindName);

}  // namespace
}  // namespace grantkeep::testing
