// SPDX-License-Identifier: Apache-2.0
#include "daemon/readiness.h"

#include <gtest/gtest.h>

#include "base/reason.h"
#include "tests/support/rooms.h"

namespace grantkeep::testing {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class ReadinessTest : public ::testing::Test {
 protected:
  void Lose() { rooms_.store->failure = Error(Reason::kStoreUnavailable, "down"); }
  void Find() { rooms_.store->failure.reset(); }

  Rooms rooms_{"providers: []"};
  Readiness readiness_{*rooms_.store, rooms_.clock, minutes(5)};
};

TEST_F(ReadinessTest, NothingIsReadyBeforeTheStoreWasChecked) {
  EXPECT_FALSE(readiness_.AuthIsReady());
  EXPECT_FALSE(readiness_.VaultAdminIsReady());
  readiness_.SetPrepared();
  EXPECT_TRUE(readiness_.AuthIsReady());
  EXPECT_TRUE(readiness_.VaultAdminIsReady());
}

TEST_F(ReadinessTest, AnOutageIsVaultAdminsAtOnceAndTheServersAfterOutageServe) {
  readiness_.SetPrepared();
  Lose();
  EXPECT_FALSE(readiness_.VaultAdminIsReady());
  EXPECT_TRUE(readiness_.AuthIsReady());
  rooms_.clock.Advance(minutes(5) - seconds(1));
  EXPECT_TRUE(readiness_.AuthIsReady());
  rooms_.clock.Advance(seconds(1));
  EXPECT_FALSE(readiness_.AuthIsReady());
  EXPECT_FALSE(readiness_.VaultAdminIsReady());
  Find();
  EXPECT_TRUE(readiness_.AuthIsReady());
  EXPECT_TRUE(readiness_.VaultAdminIsReady());
}

TEST_F(ReadinessTest, EachOutageIsCountedByItself) {
  readiness_.SetPrepared();
  for (int outage = 0; outage < 2; ++outage) {
    Lose();
    EXPECT_TRUE(readiness_.AuthIsReady());
    rooms_.clock.Advance(minutes(4));
    EXPECT_TRUE(readiness_.AuthIsReady());
    Find();
    EXPECT_TRUE(readiness_.AuthIsReady());
  }
}

TEST_F(ReadinessTest, WithoutOutageServeAnOutageIsEverybodysAtOnce) {
  Readiness strict(*rooms_.store, rooms_.clock, Duration(0));
  strict.SetPrepared();
  EXPECT_TRUE(strict.AuthIsReady());
  Lose();
  EXPECT_FALSE(strict.AuthIsReady());
}

}  // namespace
}  // namespace grantkeep::testing
