// SPDX-License-Identifier: Apache-2.0
#include "refresh/adoption.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "refresh/grant_changes.h"

namespace grantkeep {
namespace {

using config::v1::Provider;
using google::protobuf::util::MessageDifferencer;
using std::chrono::hours;
using std::chrono::seconds;
using storage::v1::Grant;

const Time kNow = FromMicros(1'800'000'000'000'000);
constexpr Duration kCallLimit = seconds(20);

Provider WithRotation(config::v1::Rotation rotation) {
  Provider provider;
  provider.set_rotation(rotation);
  if (rotation == config::v1::ROTATION_GRACE) provider.mutable_rotation_grace()->set_seconds(3600);
  return provider;
}

Grant WrittenIn(uint64_t epoch) {
  Grant grant;
  grant.set_store_epoch(epoch);
  grant.set_generation(4);
  grant.set_state(Grant::STATE_ACTIVE);
  grant.set_state_time_us(7);
  grant.set_access_token("at");
  grant.set_refresh_token("rt");
  grant.set_expire_time_us(ToMicros(kNow + hours(1)));
  return grant;
}

StoreIdentity Adopted(uint64_t restored_in, uint64_t cloned_in) {
  return {.id = "", .epoch = 9, .restored_in = restored_in, .cloned_in = cloned_in};
}

TEST(CountAdoption, WhatAGrantCountsAsByEpochAndRotation) {
  struct Case {
    uint64_t written_in;
    uint64_t restored_in;
    uint64_t cloned_in;
    config::v1::Rotation rotation;
    Grant::State state;
    const char* reason;
  };
  constexpr auto kStrict = config::v1::ROTATION_STRICT;
  constexpr auto kUnknown = config::v1::ROTATION_UNSPECIFIED;
  constexpr auto kGrace = config::v1::ROTATION_GRACE;
  constexpr auto kNone = config::v1::ROTATION_NONE;
  constexpr auto kKeepsOld = config::v1::ROTATION_KEEPS_OLD;
  constexpr auto kActive = Grant::STATE_ACTIVE;
  constexpr auto kInDoubt = Grant::STATE_IN_DOUBT;
  constexpr auto kNeedsReauth = Grant::STATE_NEEDS_REAUTH;
  for (const Case& c : {
           Case{1, 0, 0, kStrict, kActive, ""},
           Case{0, 0, 0, kStrict, kActive, ""},  // before epochs were written, and never adopted
           Case{2, 3, 0, kStrict, kInDoubt, "RESTORED"},
           Case{2, 3, 0, kUnknown, kInDoubt, "RESTORED"},
           Case{2, 3, 0, kGrace, kInDoubt, "RESTORED"},
           Case{2, 3, 0, kNone, kActive, ""},
           Case{2, 3, 0, kKeepsOld, kActive, ""},
           Case{3, 3, 0, kStrict, kActive, ""},  // written after the adoption
           Case{4, 3, 0, kStrict, kActive, ""},
           Case{0, 2, 0, kStrict, kInDoubt, "RESTORED"},
           Case{2, 0, 3, kStrict, kNeedsReauth, "CLONED"},
           Case{2, 0, 3, kUnknown, kNeedsReauth, "CLONED"},
           Case{2, 0, 3, kGrace, kNeedsReauth, "CLONED"},
           Case{2, 0, 3, kNone, kNeedsReauth, "CLONED"},
           Case{2, 0, 3, kKeepsOld, kNeedsReauth, "CLONED"},
           Case{0, 0, 2, kNone, kNeedsReauth, "CLONED"},
           Case{3, 0, 3, kStrict, kActive, ""},
           Case{1, 2, 3, kStrict, kNeedsReauth, "CLONED"},  // both: the clone's counts
           Case{1, 3, 2, kStrict, kNeedsReauth, "CLONED"},
           Case{2, 3, 2, kStrict, kInDoubt, "RESTORED"},  // signed in again on the clone
           Case{3, 2, 3, kStrict, kActive, ""},
       }) {
    SCOPED_TRACE(testing::Message() << c.written_in << " " << c.restored_in << " " << c.cloned_in << " "
                                    << c.rotation);
    const StoreIdentity store = Adopted(c.restored_in, c.cloned_in);
    const Grant before = WrittenIn(c.written_in);
    Grant grant = before;
    CountAdoption(grant, store, WithRotation(c.rotation));
    EXPECT_EQ(grant.state(), c.state);
    EXPECT_EQ(grant.state_reason(), c.reason);
    if (c.state == kActive) EXPECT_TRUE(MessageDifferencer::Equals(grant, before));
    if (c.state != kActive) EXPECT_TRUE(PredatesAdoption(before, store));
    EXPECT_EQ(grant.access_token(), "at");
    EXPECT_EQ(grant.refresh_token(), "rt") << "nothing is forgotten";
  }
}

TEST(CountAdoption, WhoWaitsForASignInOrIsGoneStaysSo) {
  for (const Grant::State state : {Grant::STATE_NEEDS_REAUTH, Grant::STATE_REVOKED}) {
    for (const StoreIdentity& store : {Adopted(2, 0), Adopted(0, 2)}) {
      Grant grant = WrittenIn(1);
      EnterState(grant, state, "INVALID_GRANT", kNow);
      const Grant before = grant;
      CountAdoption(grant, store, WithRotation(config::v1::ROTATION_STRICT));
      EXPECT_TRUE(MessageDifferencer::Equals(grant, before)) << state;
    }
  }
}

TEST(CountAdoption, WithoutARefreshTokenThereIsNothingToDoubt) {
  Grant grant = WrittenIn(1);
  grant.clear_refresh_token();
  CountAdoption(grant, Adopted(2, 0), WithRotation(config::v1::ROTATION_STRICT));
  EXPECT_EQ(grant.state(), Grant::STATE_ACTIVE);
  CountAdoption(grant, Adopted(0, 2), WithRotation(config::v1::ROTATION_STRICT));
  EXPECT_EQ(grant.state(), Grant::STATE_NEEDS_REAUTH);
}

TEST(CountAdoption, ARestoredRefreshTokenIsPresentedOnceMoreAndOnlyWhenTheAccessTokenIsOfNoUse) {
  for (const auto rotation :
       {config::v1::ROTATION_STRICT, config::v1::ROTATION_GRACE, config::v1::ROTATION_UNSPECIFIED}) {
    const Provider provider = WithRotation(rotation);
    Grant grant = WrittenIn(1);
    CountAdoption(grant, Adopted(2, 0), provider);
    const auto may = [&](bool forced, Time now) {
      return MayPresent(grant, provider, kCallLimit, forced, now);
    };
    EXPECT_EQ(may(false, kNow), Presentation::kNotWhileValid);
    EXPECT_EQ(may(true, kNow), Presentation::kLast);
    EXPECT_EQ(may(false, kNow + hours(2)), Presentation::kLast);
    EXPECT_EQ(grant.intent().end_time_us(), 0) << "nobody is to be waited for";
    RecordIntent(grant, "me", kCallLimit, true, false, kNow + hours(2));
    EXPECT_EQ(may(false, kNow + hours(3)), Presentation::kNever);
  }
}

TEST(CountAdoption, WhatTheBackupKnowsOfAttemptsStays) {
  const Provider grace = WithRotation(config::v1::ROTATION_GRACE);
  Grant tried = WrittenIn(1);
  RecordIntent(tried, "somebody", kCallLimit, false, false, kNow);
  CountAdoption(tried, Adopted(2, 0), grace);
  EXPECT_EQ(tried.intent().end_time_us(), ToMicros(kNow + kCallLimit));
  EXPECT_EQ(MayPresent(tried, grace, kCallLimit, true, kNow + seconds(30)), Presentation::kLast)
      << "of the grace period of a backup nothing is left";

  Grant spent = WrittenIn(1);
  RecordIntent(spent, "somebody", kCallLimit, true, false, kNow);
  CountAdoption(spent, Adopted(2, 0), grace);
  EXPECT_EQ(MayPresent(spent, grace, kCallLimit, true, kNow + hours(1)), Presentation::kNever);

  Grant left_over = WrittenIn(1);
  RecordIntent(left_over, "somebody", kCallLimit, true, false, kNow);
  left_over.set_generation(5);
  CountAdoption(left_over, Adopted(2, 0), grace);
  EXPECT_EQ(MayPresent(left_over, grace, kCallLimit, true, kNow), Presentation::kLast)
      << "of another generation";
}

}  // namespace
}  // namespace grantkeep
