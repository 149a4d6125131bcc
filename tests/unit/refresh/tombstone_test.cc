// SPDX-License-Identifier: Apache-2.0
#include "refresh/tombstone.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/reason.h"
#include "refresh/schedule.h"

namespace grantkeep {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::v1::Grant;
using storage::v1::Outbox;
using Kind = RevocationOutcome::Kind;

const Time kNow = FromMicros(1'800'000'000'000'000);

Grant Whole() {
  Grant grant;
  grant.set_grant_id("g");
  grant.set_subject("u");
  grant.set_provider("p");
  grant.set_issuer("https://as.example");
  grant.set_token_endpoint("https://as.example/token");
  grant.set_revocation_endpoint("https://as.example/revoke");
  grant.set_redirect_uri("https://app.example/cb");
  grant.add_scopes("read");
  grant.add_resource("https://api.example");
  grant.set_create_time_us(1);
  grant.set_generation(7);
  grant.set_access_token("at");
  grant.set_token_type("Bearer");
  grant.set_refresh_token("rt");
  grant.set_issue_time_us(2);
  grant.set_expire_time_us(3);
  grant.set_state(Grant::STATE_ACTIVE);
  grant.set_not_before_us(4);
  grant.set_failures(5);
  grant.set_forced_time_us(6);
  (*grant.mutable_url_parts())["domain"] = "acme";
  grant.set_last_used_time_us(8);
  return grant;
}

Grant Tombstone(std::string_view refresh_token = "rt") {
  Grant grant = Whole();
  grant.set_refresh_token(std::string(refresh_token));
  MakeTombstone(grant, kNow, kNow);
  return grant;
}

RevocationOutcome Outcome(Kind kind, std::optional<seconds> retry_after = std::nullopt) {
  RevocationOutcome outcome;
  outcome.kind = kind;
  if (!outcome.confirmed()) outcome.status = Error(Reason::kProviderError, "no");
  outcome.retry_after = retry_after;
  return outcome;
}

OutboxState Settle(Grant& tombstone, const std::vector<Kind>& kinds, double jitter = 0.5, Time now = kNow) {
  const Outbox asked = tombstone.outbox();
  std::vector<RevocationOutcome> outcomes;
  outcomes.reserve(kinds.size());
  for (const Kind kind : kinds) outcomes.push_back(Outcome(kind));
  return SettleOutbox(tombstone, asked, outcomes, jitter, now);
}

TEST(MakeTombstone, LeavesWhatRevocationNeedsAndNothingElse) {
  Grant grant = Whole();
  MakeTombstone(grant, kNow + seconds(45), kNow);
  Grant expected;
  expected.set_grant_id("g");
  expected.set_subject("u");
  expected.set_provider("p");
  expected.set_issuer("https://as.example");
  expected.set_token_endpoint("https://as.example/token");
  expected.set_revocation_endpoint("https://as.example/revoke");
  expected.set_create_time_us(1);
  expected.set_generation(7);
  (*expected.mutable_url_parts())["domain"] = "acme";
  expected.set_state(Grant::STATE_REVOKED);
  expected.set_state_reason("REVOKE_GRANT");
  expected.set_state_time_us(ToMicros(kNow));
  expected.mutable_outbox()->add_tokens()->set_refresh_token("rt");
  expected.mutable_outbox()->mutable_tokens(0)->set_access_token("at");
  expected.mutable_outbox()->set_not_before_us(ToMicros(kNow + seconds(45)));
  EXPECT_EQ(grant.DebugString(), expected.DebugString());
  EXPECT_TRUE(OwesRevocation(grant));
  EXPECT_FALSE(IsRevokedAtProvider(grant));
}

TEST(MakeTombstone, KeepsTheEndOfARefreshThatIsUnderWayAndNotItsOwner) {
  Grant grant = Whole();
  grant.mutable_intent()->set_owner("somebody");
  grant.mutable_intent()->set_end_time_us(ToMicros(kNow + seconds(20)));
  Grant ended = grant;
  MakeTombstone(grant, kNow, kNow);
  EXPECT_EQ(grant.intent().end_time_us(), ToMicros(kNow + seconds(20)));
  EXPECT_EQ(grant.intent().owner(), "");
  MakeTombstone(ended, kNow, kNow + seconds(20));
  EXPECT_FALSE(ended.has_intent());
}

TEST(MakeTombstone, WithoutTokensOrWithThoseOfACloneOwesNothingAndConfirmsNothing) {
  Grant empty = Whole();
  empty.clear_access_token();
  empty.clear_refresh_token();
  Grant cloned = Whole();
  cloned.set_state(Grant::STATE_NEEDS_REAUTH);
  cloned.set_state_reason("CLONED");
  for (Grant* grant : {&empty, &cloned}) {
    MakeTombstone(*grant, kNow, kNow);
    EXPECT_FALSE(OwesRevocation(*grant));
    EXPECT_FALSE(IsRevokedAtProvider(*grant));
    EXPECT_EQ(DueTime(*grant, {}, 0), Time::max());
  }
}

TEST(AddToOutbox, TakesEachSetOnceAndMakesItDueAtOnce) {
  Grant grant = Tombstone();
  grant.mutable_intent()->set_end_time_us(ToMicros(kNow + seconds(20)));
  grant.mutable_outbox()->set_attempts(5);
  EXPECT_FALSE(AddToOutbox(grant, "rt", "at", kNow)) << "it is there";
  EXPECT_FALSE(AddToOutbox(grant, "", "", kNow)) << "there is nothing to add";
  EXPECT_EQ(grant.outbox().attempts(), 5u);
  EXPECT_TRUE(AddToOutbox(grant, "rt-2", "", kNow + seconds(1)));
  EXPECT_EQ(grant.outbox().tokens_size(), 2);
  EXPECT_EQ(grant.outbox().attempts(), 0u);
  EXPECT_FALSE(grant.has_intent());
  EXPECT_EQ(DueTime(grant, {}, 0), kNow + seconds(1));
}

TEST(AddToOutbox, KeepsTheNewestEight) {
  Grant grant = Tombstone("rt-0");
  for (int i = 1; i <= 10; ++i) EXPECT_TRUE(AddToOutbox(grant, fmt::format("rt-{}", i), "", kNow));
  ASSERT_EQ(grant.outbox().tokens_size(), kMaxOutbox);
  EXPECT_EQ(grant.outbox().tokens(0).refresh_token(), "rt-3");
  EXPECT_EQ(grant.outbox().tokens(7).refresh_token(), "rt-10");
}

TEST(AddToOutbox, BringsOneBackThatWasConfirmedOrGivenUp) {
  Grant confirmed = Tombstone();
  EXPECT_EQ(Settle(confirmed, {Kind::kRevoked}), OutboxState::kConfirmed);
  Grant given_up = Tombstone();
  GiveUpOutbox(given_up);
  for (Grant* grant : {&confirmed, &given_up}) {
    EXPECT_TRUE(AddToOutbox(*grant, "rt-late", "", kNow));
    EXPECT_TRUE(OwesRevocation(*grant));
    EXPECT_FALSE(IsRevokedAtProvider(*grant));
  }
}

TEST(SettleOutbox, IsConfirmedOnceEverySetIs) {
  for (const Kind kind : {Kind::kRevoked, Kind::kAlready}) {
    Grant grant = Tombstone();
    AddToOutbox(grant, "rt-2", "at-2", kNow);
    EXPECT_EQ(Settle(grant, {Kind::kRevoked, kind}), OutboxState::kConfirmed);
    EXPECT_TRUE(IsRevokedAtProvider(grant));
    EXPECT_EQ(DueTime(grant, {}, 0), Time::max());
    EXPECT_EQ(grant.state(), Grant::STATE_REVOKED);
  }
}

TEST(SettleOutbox, KeepsWhatIsToBeTriedAgainAndWhatWasRefusedBesideIt) {
  Grant grant = Tombstone("rt-1");
  AddToOutbox(grant, "rt-2", "at-2", kNow);
  AddToOutbox(grant, "rt-3", "at-3", kNow);
  EXPECT_EQ(Settle(grant, {Kind::kRevoked, Kind::kTryLater, Kind::kRefused}), OutboxState::kTryLater);
  ASSERT_EQ(grant.outbox().tokens_size(), 2);
  EXPECT_EQ(grant.outbox().tokens(0).refresh_token(), "rt-2");
  EXPECT_EQ(grant.outbox().tokens(1).refresh_token(), "rt-3");
  EXPECT_EQ(Settle(grant, {Kind::kRevoked, Kind::kRefused}), OutboxState::kGivenUp);
  EXPECT_FALSE(OwesRevocation(grant));
  EXPECT_FALSE(IsRevokedAtProvider(grant)) << "one of them was never confirmed";
}

TEST(SettleOutbox, DoublesTheWaitFromOneSecondToOneHour) {
  Grant grant = Tombstone();
  Duration expected = seconds(1);
  for (uint32_t attempts = 1; attempts < kMaxOutboxTries; ++attempts) {
    ASSERT_EQ(Settle(grant, {Kind::kTryLater}), OutboxState::kTryLater) << attempts;
    EXPECT_EQ(grant.outbox().attempts(), attempts);
    EXPECT_EQ(FromMicros(grant.outbox().not_before_us()) - kNow, expected) << attempts;
    EXPECT_EQ(DueTime(grant, {}, 0), kNow + expected);
    expected = std::min<Duration>(expected * 2, hours(1));
  }
  EXPECT_EQ(Settle(grant, {Kind::kTryLater}), OutboxState::kGivenUp) << "the last try";
  EXPECT_FALSE(OwesRevocation(grant));
  EXPECT_FALSE(IsRevokedAtProvider(grant));
}

TEST(SettleOutbox, SpreadsTriesAndWaitsAsLongAsTheProviderSays) {
  Grant early = Tombstone();
  Grant late = Tombstone();
  Settle(early, {Kind::kTryLater}, 0);
  Settle(late, {Kind::kTryLater}, 1);
  EXPECT_EQ(FromMicros(early.outbox().not_before_us()) - kNow, std::chrono::milliseconds(800));
  EXPECT_EQ(FromMicros(late.outbox().not_before_us()) - kNow, std::chrono::milliseconds(1200));
  Grant told = Tombstone();
  const Outbox asked = told.outbox();
  std::vector<RevocationOutcome> outcomes;
  outcomes.push_back(Outcome(Kind::kTryLater, minutes(10)));
  SettleOutbox(told, asked, outcomes, 0.5, kNow);
  EXPECT_EQ(FromMicros(told.outbox().not_before_us()) - kNow, minutes(10));
}

TEST(SettleOutbox, LeavesWhatArrivedMeanwhileAndMakesItDue) {
  for (const Kind kind : {Kind::kRevoked, Kind::kRefused, Kind::kTryLater}) {
    Grant grant = Tombstone("rt-1");
    const Outbox asked = grant.outbox();
    AddToOutbox(grant, "rt-2", "at-2", kNow);
    std::vector<RevocationOutcome> outcomes;
    outcomes.push_back(Outcome(kind));
    EXPECT_EQ(SettleOutbox(grant, asked, outcomes, 0.5, kNow + seconds(3)), OutboxState::kTryLater);
    EXPECT_EQ(grant.outbox().tokens_size(), kind == Kind::kRevoked ? 1 : 2);
    EXPECT_EQ(FromMicros(grant.outbox().not_before_us()), kNow + seconds(3));
  }
}

// A refresh that reached the provider after the revocation did may have brought other tokens.
TEST(SettleOutbox, BelievesNoConfirmationBeforeTheRefreshUnderWayHasEnded) {
  Grant grant = Tombstone();
  grant.mutable_intent()->set_end_time_us(ToMicros(kNow + seconds(20)));
  EXPECT_EQ(Settle(grant, {Kind::kRevoked}), OutboxState::kTryLater);
  EXPECT_TRUE(OwesRevocation(grant));
  EXPECT_EQ(DueTime(grant, {}, 0), kNow + seconds(20));
  EXPECT_EQ(grant.outbox().attempts(), 0u) << "nothing has failed";
  EXPECT_EQ(Settle(grant, {Kind::kRevoked}, 0.5, kNow + seconds(20)), OutboxState::kConfirmed);
  EXPECT_FALSE(grant.has_intent());
}

TEST(SettleOutbox, OfOneThatAnotherHasSettledSaysHow) {
  Grant confirmed = Tombstone();
  const Outbox asked = confirmed.outbox();
  std::vector<RevocationOutcome> outcomes;
  outcomes.push_back(Outcome(Kind::kTryLater));
  Settle(confirmed, {Kind::kRevoked});
  EXPECT_EQ(SettleOutbox(confirmed, asked, outcomes, 0.5, kNow), OutboxState::kConfirmed);
  Grant given_up = Tombstone();
  GiveUpOutbox(given_up);
  EXPECT_EQ(SettleOutbox(given_up, asked, outcomes, 0.5, kNow), OutboxState::kGivenUp);
}

}  // namespace
}  // namespace grantkeep
