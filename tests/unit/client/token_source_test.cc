// SPDX-License-Identifier: Apache-2.0
// What GrantTokens::Get hands out, and what it asks the service for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <set>

#include "tests/unit/client/token_source_fixture.h"

namespace grantkeep::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Result = absl::StatusOr<std::shared_ptr<const Token>>;

TEST_F(TokenSourceTest, WhatTheStreamHasToldIsHandedOutWithoutACall) {
  Open();
  Say(News("g", 1));
  const auto tokens = Add();
  AwaitInMemory(*tokens, 1);
  const Result token = tokens->Get();
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ((*token)->access_token, "at-1");
  EXPECT_EQ((*token)->token_type, "Bearer");
  EXPECT_TRUE((*token)->expire_time.has_value());
  Say(News("g", 2));
  AwaitInMemory(*tokens, 2);
  EXPECT_EQ((*token)->access_token, "at-1") << "what was handed out stays as it is";
  EXPECT_EQ(refreshes_, 0);
}

TEST_F(TokenSourceTest, BeforeTheStreamHasToldAnythingTheServiceIsAsked) {
  Open();
  Hang(true);
  AnswerRefresh(3);
  const auto tokens = Add();
  EXPECT_EQ(Text(tokens->Get()), "at-3");
  EXPECT_EQ(refreshes_, 1);
}

TEST_F(TokenSourceTest, ATokenThatHasExpiredOrLivesTooShortIsAskedForAnew) {
  for (const seconds left : {seconds(-1), seconds(5)}) {
    Open();
    Say(News("g", 1, left));
    AnswerRefresh(2);
    const auto tokens = Add();
    Eventually([&] { return Text(tokens->Get()) == "at-2"; });
    EXPECT_NE(Text(tokens->Get()), "at-1");
    source_.reset();
  }
}

TEST_F(TokenSourceTest, AShortTokenThatIsTheBestThereIsIsNotAskedForAgainAtOnce) {
  Open();
  Say(News("g", 1, seconds(5)));
  AnswerRefresh(1, seconds(5), v1::FRESHNESS_BELOW_MIN_TTL);
  const auto tokens = Add();
  Eventually([&] { return streams_opened_ > 0 && tokens->Get().ok() && tokens->InMemory() != nullptr; });
  const int asked = refreshes_;
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(Text(tokens->Get()), "at-1");
  EXPECT_LE(refreshes_, asked + 1);
}

TEST_F(TokenSourceTest, WhileTheStreamIsDownTheServiceIsAsked) {
  Open();
  Say(News("g", 1));
  AnswerRefresh(2);
  const auto tokens = Add();
  AwaitInMemory(*tokens, 1);
  Hang(true);
  BreakStreams();
  Eventually([&] { return tokens->InMemory() == nullptr; });
  EXPECT_EQ(Text(tokens->Get()), "at-2");
  EXPECT_EQ(refreshes_, 1);
}

TEST_F(TokenSourceTest, WhenTheServiceCannotBeAskedEitherAValidTokenIsHandedOutForAsLongAsIsAllowed) {
  for (const bool allowed : {true, false}) {
    TokenSourceOptions options;
    if (!allowed) options.outage_serve = milliseconds(0);
    Open(options);
    Hang(false);
    Say(News("g", 1));
    const auto tokens = Add();
    AwaitInMemory(*tokens, 1);
    Hang(true);
    BreakStreams();
    Eventually([&] { return tokens->InMemory() == nullptr; });
    EXPECT_EQ(Text(tokens->Get()), allowed ? "at-1" : "STORE_UNAVAILABLE");
    source_.reset();
  }
}

TEST_F(TokenSourceTest, ServiceThatFailsIsNotAskedByEveryCallOfWhoHasAToken) {
  Open();
  Say(News("g", 1));
  const auto tokens = Add();
  AwaitInMemory(*tokens, 1);
  Hang(true);
  BreakStreams();
  Eventually([&] { return tokens->InMemory() == nullptr; });
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Text(tokens->Get()), "at-1");
  EXPECT_LE(refreshes_, 5);
}

TEST_F(TokenSourceTest, AnEndThatTheServiceHasToldIsAnErrorWithoutACall) {
  Open();
  v1::WatchGrantsResponse ended = News("g", 2);
  ended.clear_access_token();
  ended.mutable_grant()->set_state(v1::GRANT_STATE_NEEDS_REAUTH);
  ended.mutable_grant()->set_state_reason("INVALID_GRANT");
  Say(ended);
  const auto tokens = Add();
  Eventually([&] { return Text(tokens->Get()) == "NEEDS_REAUTH"; });
  const int asked = refreshes_;
  const Result refused = tokens->Get();
  EXPECT_TRUE(CallError::From(refused.status()).NeedsSignIn());
  EXPECT_THAT(std::string(refused.status().message()), ::testing::HasSubstr("INVALID_GRANT"));

  ended.mutable_grant()->set_state(v1::GRANT_STATE_REVOKED);
  Say(ended);
  Eventually([&] { return Text(tokens->Get()) == "GRANT_NOT_FOUND"; });
  v1::WatchGrantsResponse none;
  none.mutable_grant()->set_grant_id("g");
  none.mutable_grant()->set_subject("u");
  none.set_not_found(true);
  Say(none);
  Eventually([&] { return std::string(tokens->Get().status().message()).ends_with("no such grant"); });
  EXPECT_EQ(Text(tokens->Get()), "GRANT_NOT_FOUND");
  EXPECT_EQ(refreshes_, asked);
  // A new sign-in ends the end.
  Say(News("g", 3));
  AwaitInMemory(*tokens, 3);
}

TEST_F(TokenSourceTest, ARevocationTakesATokenThatIsStillValidAway) {
  Open();
  Say(News("g", 1));
  const auto tokens = Add();
  AwaitInMemory(*tokens, 1);
  v1::WatchGrantsResponse revoked = News("g", 1);
  revoked.clear_access_token();
  revoked.mutable_grant()->set_state(v1::GRANT_STATE_REVOKED);
  Say(revoked);
  Eventually([&] { return Text(tokens->Get()) == "GRANT_NOT_FOUND"; });
}

TEST_F(TokenSourceTest, AnAnswerFromBeforeARevocationIsNotHandedOutAfterIt) {
  Open();
  Hang(true);
  const auto tokens = Add();
  // The answer is on its way while the stream tells of the end.
  std::promise<void> asked;
  std::promise<void> answer;
  std::atomic<bool> first = true;
  on_refresh_ = [&](const v1::RefreshRequest&, v1::RefreshResponse& response) {
    if (!first.exchange(false)) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "away");
    asked.set_value();
    answer.get_future().wait();
    response.set_access_token("at-1");
    response.set_generation(1);
    SetExpiry(seconds(3600), *response.mutable_expire_time());
    return grpc::Status::OK;
  };
  auto got = std::async(std::launch::async, [&] { return Text(tokens->Get()); });
  asked.get_future().wait();
  v1::WatchGrantsResponse revoked = News("g", 1);
  revoked.clear_access_token();
  revoked.mutable_grant()->set_state(v1::GRANT_STATE_REVOKED);
  Say(revoked);
  Hang(false);
  // Known from the stream: without a call.
  Eventually([&] { return Text(tokens->Get()) == "GRANT_NOT_FOUND"; });
  answer.set_value();
  EXPECT_EQ(got.get(), "GRANT_NOT_FOUND");
  EXPECT_EQ(Text(tokens->Get()), "GRANT_NOT_FOUND");
}

TEST_F(TokenSourceTest, TroubleOfTheServiceTakesNoValidTokenAway) {
  Open();
  const std::vector<grpc::StatusCode> codes = {grpc::StatusCode::INTERNAL, grpc::StatusCode::UNKNOWN,
                                               grpc::StatusCode::CANCELLED,
                                               grpc::StatusCode::RESOURCE_EXHAUSTED};
  // A grant each: after a failure it is not asked about again for a while.
  const auto all = AddMany(codes.size());
  Hang(true);
  BreakStreams();
  for (size_t i = 0; i < codes.size(); ++i) {
    Eventually([&] { return all[i]->InMemory() == nullptr; });
    on_refresh_ = [code = codes[i]](const v1::RefreshRequest&, v1::RefreshResponse&) {
      return grpc::Status(code, "trouble");
    };
    EXPECT_EQ(Text(all[i]->Get()), "at-1") << codes[i];
  }
  EXPECT_EQ(refreshes_, static_cast<int>(codes.size()));
}

TEST_F(TokenSourceTest, WhatWasRejectedIsForgottenWhenTheStoreHasGoneBackBehindIt) {
  Open();
  Say(News("g", 7));
  const auto tokens = Add();
  AwaitInMemory(*tokens, 7);
  tokens->Reject(7);
  Say(News("g", 5));
  BreakStreams();
  AwaitInMemory(*tokens, 5);
}

TEST_F(TokenSourceTest, WhatTheServiceDoesNotKnowAnyMoreIsAsked) {
  Open();
  v1::WatchGrantsResponse unknown;
  unknown.mutable_grant()->set_grant_id("g");
  unknown.mutable_grant()->set_subject("u");
  unknown.set_unverified(true);
  Say(News("g", 1));
  const auto tokens = Add();
  AwaitInMemory(*tokens, 1);
  Say(unknown);
  Eventually([&] { return tokens->InMemory() == nullptr; });
  EXPECT_EQ(Text(tokens->Get()), "STORE_UNAVAILABLE");
}

TEST_F(TokenSourceTest, ARejectedTokenIsNotHandedOutAgain) {
  Open();
  Say(News("g", 1));
  const auto tokens = Add();
  AwaitInMemory(*tokens, 1);
  std::atomic<uint64_t> rejected = 0;
  on_refresh_ = [&](const v1::RefreshRequest& request, v1::RefreshResponse&) {
    rejected = request.rejected_generation();
    return StatusWithReason(grpc::StatusCode::UNAVAILABLE, "later", "PROVIDER_THROTTLED");
  };
  tokens->Reject(7);  // there never was
  EXPECT_EQ(Text(tokens->Get()), "at-1");
  tokens->Reject(1);
  EXPECT_EQ(Text(tokens->Get()), "PROVIDER_THROTTLED");
  EXPECT_EQ(rejected, 1u);
  Say(News("g", 2));
  AwaitInMemory(*tokens, 2);
  tokens->Reject(1);  // an old one
  EXPECT_EQ(Text(tokens->Get()), "at-2");
}

TEST_F(TokenSourceTest, AnAnswerThatIsNewerThanTheStreamIsNotOvertakenByIt) {
  Open();
  Hang(true);
  AnswerRefresh(5);
  const auto tokens = Add();
  EXPECT_EQ(Text(tokens->Get()), "at-5");
  Say(News("g", 4));
  Hang(false);
  AwaitInMemory(*tokens, 5);
  EXPECT_EQ(refreshes_, 1);
}

TEST_F(TokenSourceTest, TheSameGrantIsTheSameHandle) {
  Open();
  const auto tokens = Add();
  EXPECT_EQ(Add(), tokens);
  EXPECT_NE(source_->Add("another", "g"), tokens);
}

TEST_F(TokenSourceTest, AMinTtlThatTheServiceWouldRefuseIsRefused) {
  TokenSourceOptions options;
  options.address = service_.address();
  options.min_ttl = std::chrono::hours(25);
  EXPECT_EQ(TokenSource::Create(options).status().code(), absl::StatusCode::kInvalidArgument);
  options.min_ttl = milliseconds(-1);
  EXPECT_EQ(TokenSource::Create(options).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TokenSourceTest, AnAddressThatIsNoneIsRefused) {
  TokenSourceOptions options;
  options.address = "example.com:7450";
  EXPECT_EQ(TokenSource::Create(options).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TokenSourceTest, ManyThreadsReadWhileTokensAreReplaced) {
  Open();
  Say(News("g", 1));
  const auto tokens = Add();
  AwaitInMemory(*tokens, 1);
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> wrong = 0;
  std::vector<std::thread> readers(4);
  for (std::thread& reader : readers) {
    reader = std::thread([&] {
      uint64_t newest = 0;
      while (!stop) {
        const auto token = tokens->InMemory();
        if (token == nullptr) continue;
        if (token->generation < newest || token->access_token != "at-" + std::to_string(token->generation)) {
          ++wrong;
        }
        newest = token->generation;
      }
    });
  }
  for (uint64_t generation = 2; generation <= 500; ++generation) {
    Say(News("g", generation));
    if (generation % 50 == 0) AwaitInMemory(*tokens, generation);
  }
  AwaitInMemory(*tokens, 500);
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
}  // namespace grantkeep::testing
