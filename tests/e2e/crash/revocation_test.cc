// SPDX-License-Identifier: Apache-2.0
// grantkeepd is killed while it revokes a grant at the provider.
#include "tests/e2e/crash/crash_fixture.h"
#include "tests/support/eventually.h"

namespace grantkeep::testing {
namespace {

using practice::Fault;
using namespace std::chrono_literals;

class KilledWhileItRevokes : public CrashFixture, public ::testing::WithParamInterface<StoreKind> {
 protected:
  KilledWhileItRevokes() : CrashFixture(GetParam(), practice::Rotation::kStrict) {}
};

// Whoever comes next waits until the lease of the dead has ended, 45 s after it was taken.
TEST_P(KilledWhileItRevokes, IsSucceededByTheNextAndTheGrantStaysRevoked) {
  PracticeTest::Start(Providers());
  SetTokens(1h);
  const std::string id = SignIn().grant_id();
  practice_->InjectRevocationFault({.kind = Fault::Kind::kHang});
  std::future<Answer<v1::RevokeGrantResponse>> revoked = std::async(std::launch::async, [&] {
    v1::RevokeGrantRequest request;
    request.set_tenant(World::kTenant);
    request.set_subject(World::kSubject);
    request.set_grant_id(id);
    return world_->caller().RevokeGrant(request);
  });
  EXPECT_TRUE(Eventually([&] { return practice_->Stats().revocation_requests == 1; }));
  world_->daemon().Kill();
  EXPECT_FALSE(revoked.get().ok());
  EXPECT_EQ(practice_->Stats().live_families, 1u);
  Start();
  EXPECT_EQ(world_->Refresh(id).status.reason, "GRANT_NOT_FOUND");
  EXPECT_TRUE(Eventually([&] { return practice_->Stats().live_families == 0; }, 90s));
  EXPECT_EQ(world_->GetGrant(id).state(), v1::GRANT_STATE_REVOKED);
}

INSTANTIATE_TEST_SUITE_P(Stores, KilledWhileItRevokes, kStoreKinds, StoreKindName);

}  // namespace
}  // namespace grantkeep::testing
