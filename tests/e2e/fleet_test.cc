// SPDX-License-Identifier: Apache-2.0
// Two of the real grantkeepd over one Redis are one service.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/e2e/practice_fixture.h"

namespace grantkeep::testing {
namespace {

class FleetTest : public PracticeTest {
 protected:
  FleetTest() : PracticeTest(StoreKind::kRedis) {
    Start();
    other_ = StartAnother(DefaultProviders());
  }

  std::unique_ptr<World> other_;
};

TEST_F(FleetTest, ASignInBegunAtOneIsCompletedAtTheOtherOnce) {
  const PendingSignIn pending = world_->Begin("practice");
  const std::string callback = Visit(pending);
  const auto completed = other_->Complete(pending, callback);
  ASSERT_TRUE(completed.ok()) << completed.status;
  EXPECT_EQ(world_->Complete(pending, callback).status.reason, "FLOW_NOT_FOUND");
  EXPECT_EQ(practice_->Stats().code_requests, 1u);
}

TEST_F(FleetTest, WhatOneHasRefreshedTheOtherServes) {
  const v1::Grant grant = SignInAndExpire();
  const auto refreshed = world_->Refresh(grant.grant_id());
  ASSERT_TRUE(refreshed.ok()) << refreshed.status;
  const auto served = other_->Refresh(grant.grant_id());
  ASSERT_TRUE(served.ok()) << served.status;
  EXPECT_EQ(served->access_token(), refreshed->access_token());
  EXPECT_EQ(practice_->Stats().refresh_requests, 1u);
  EXPECT_EQ(practice_->Stats().reuse_detections, 0u);
}

TEST_F(FleetTest, ASecretStoredAtOneIsReadAtTheOther) {
  v1::PutStaticSecretRequest put;
  put.set_tenant(World::kTenant);
  put.set_name("bot-token");
  put.set_value("value");
  ASSERT_TRUE(world_->caller().PutStaticSecret(put).ok());
  v1::GetStaticSecretRequest get;
  get.set_tenant(World::kTenant);
  get.set_name("bot-token");
  const auto secret = other_->caller().GetStaticSecret(get);
  ASSERT_TRUE(secret.ok()) << secret.status;
  EXPECT_EQ(secret->value(), "value");
}

}  // namespace
}  // namespace grantkeep::testing
