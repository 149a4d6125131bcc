// SPDX-License-Identifier: Apache-2.0
// What a watcher hears of the real grantkeepd: a TokenSource that nobody asks for anything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <iostream>
#include <memory>

#include "grantkeep/token_source.h"
#include "tests/e2e/practice_fixture.h"

namespace grantkeep::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

class WatchTest : public PracticeOverStores {
 protected:
  void Watch(World& world, const std::string& grant_id) {
    TokenSourceOptions options;
    options.address = world.daemon().address();
    options.tenant = World::kTenant;
    options.min_ttl = 500ms;
    source_ = std::move(TokenSource::Create(options)).value();
    tokens_ = source_->Add(World::kSubject, grant_id);
  }
  // A grant whose token is heard of.
  v1::Grant SignInAndWatch() {
    SetLifetime(1h);
    v1::Grant grant = SignIn();
    Watch(*world_, grant.grant_id());
    EXPECT_TRUE(Eventually([&] { return Holds(1); }));
    return grant;
  }
  // Never asks the service.
  bool Holds(uint64_t generation) const {
    const auto token = tokens_->InMemory();
    return token != nullptr && token->generation >= generation;
  }

  std::unique_ptr<TokenSource> source_;
  std::shared_ptr<GrantTokens> tokens_;
};

TEST_P(WatchTest, HearsOfRefreshesThatNobodyAskedFor) {
  Start();
  SetLifetime(4s);
  const v1::Grant grant = SignIn();
  Watch(*world_, grant.grant_id());
  EXPECT_TRUE(Eventually([&] { return Holds(3); }));
  const auto token = tokens_->Get();
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(ResourceStatus((*token)->access_token), 200);
  EXPECT_EQ(practice_->Stats().reuse_detections, 0u);
}

TEST_P(WatchTest, HoldsNoDaemonUpAndComesBackToTheNext) {
  Start();
  SignInAndWatch();
  const auto begin = steady_clock::now();
  EXPECT_EQ(world_->daemon().Stop(), 0);
  EXPECT_LT(steady_clock::now() - begin, 10s) << "as long as it may drain";
  ASSERT_TRUE(Eventually([&] { return !Holds(1); }));
  const std::string before = world_->daemon().address();
  ASSERT_TRUE(world_->Start().ok());
  // In development mode the next has a port of its own.
  if (world_->daemon().address() != before) return;
  EXPECT_TRUE(Eventually([&] { return Holds(1); }));
}

INSTANTIATE_TEST_SUITE_P(Stores, WatchTest, kStoreKinds, StoreKindName);

class WatchFleetTest : public WatchTest {};

TEST_P(WatchFleetTest, AChangeThroughAnotherReplicaIsSeenInUnderASecond) {
  Start();
  const std::unique_ptr<World> other = StartAnother(DefaultProviders());
  const v1::Grant grant = SignInAndWatch();
  const auto refreshed = other->Refresh(grant.grant_id(), 1);
  const auto begin = steady_clock::now();
  ASSERT_TRUE(refreshed.ok()) << refreshed.status;
  ASSERT_EQ(refreshed->generation(), 2u);
  EXPECT_TRUE(Eventually([&] { return Holds(2); }));
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
  std::cout << "seen " << took.count() << " ms after the other replica had answered\n";
  EXPECT_LT(took, 1s);
  EXPECT_EQ((*tokens_->Get())->access_token, refreshed->access_token());
}

TEST_P(WatchFleetTest, AServiceThatStandsStillIsNoticed) {
  Start();
  SignInAndWatch();
  // Its connections stay open.
  kill(world_->daemon().pid(), SIGSTOP);
  EXPECT_TRUE(Eventually([&] { return !Holds(1); }, 40s)) << "a revocation would not be heard of";
  kill(world_->daemon().pid(), SIGCONT);
  EXPECT_TRUE(Eventually([&] { return Holds(1); }));
}

TEST_P(WatchFleetTest, ARevocationThroughAnotherReplicaIsSeenInUnderASecond) {
  Start();
  const std::unique_ptr<World> other = StartAnother(DefaultProviders());
  const v1::Grant grant = SignInAndWatch();
  v1::RevokeGrantRequest request;
  request.set_tenant(World::kTenant);
  request.set_subject(World::kSubject);
  request.set_grant_id(grant.grant_id());
  const auto begin = steady_clock::now();
  const auto revoked = other->caller().RevokeGrant(request);
  EXPECT_TRUE(Eventually([&] { return !Holds(1); }));
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
  ASSERT_TRUE(revoked.ok()) << revoked.status;
  std::cout << "seen " << took.count() << " ms after the other replica was asked\n";
  EXPECT_LT(took, 1s);
  EXPECT_EQ(tokens_->Get().status().code(), absl::StatusCode::kNotFound);
}

INSTANTIATE_TEST_SUITE_P(Stores, WatchFleetTest, ::testing::Values(StoreKind::kRedis), StoreKindName);

}  // namespace
}  // namespace grantkeep::testing
