// SPDX-License-Identifier: Apache-2.0
// TokenSource against a service whose every word is the test's own.
#include "grantkeep/token_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "grantkeep/call_error.h"
#include "tests/unit/client/fake_service.h"

namespace grantkeep::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using Result = absl::StatusOr<std::shared_ptr<const Token>>;

void SetExpiry(seconds from_now, google::protobuf::Timestamp& timestamp) {
  const auto at = std::chrono::system_clock::now() + from_now;
  timestamp.set_seconds(std::chrono::duration_cast<seconds>(at.time_since_epoch()).count());
}

v1::WatchGrantsResponse News(const std::string& id, uint64_t generation, seconds lifetime = seconds(3600)) {
  v1::WatchGrantsResponse news;
  news.mutable_grant()->set_grant_id(id);
  news.mutable_grant()->set_subject("u");
  news.mutable_grant()->set_provider("p");
  news.mutable_grant()->set_generation(generation);
  news.mutable_grant()->set_state(v1::GRANT_STATE_ACTIVE);
  news.set_access_token("at-" + std::to_string(generation));
  news.set_token_type("Bearer");
  SetExpiry(lifetime, *news.mutable_grant()->mutable_access_token_expire_time());
  return news;
}

class TokenSourceTest : public ::testing::Test {
 protected:
  TokenSourceTest() {
    service_.watch_grants = [this](grpc::ServerContext& context, const v1::WatchGrantsRequest& request,
                                   grpc::ServerWriter<v1::WatchGrantsResponse>& writer) {
      return Stream(context, request, writer);
    };
    service_.refresh = [this](const v1::RefreshRequest& request, v1::RefreshResponse& response) {
      ++refreshes_;
      return on_refresh_ ? on_refresh_(request, response)
                         : StatusWithReason(grpc::StatusCode::UNAVAILABLE, "away", "STORE_UNAVAILABLE");
    };
  }
  ~TokenSourceTest() override {
    source_.reset();
    BreakStreams();
    const std::lock_guard lock(mutex_);
    closing_ = true;
    changed_.notify_all();
  }

  void Open(TokenSourceOptions options = {}) {
    options.address = service_.address();
    source_ = std::move(TokenSource::Create(options)).value();
  }
  std::shared_ptr<GrantTokens> Add(const std::string& id = "g") { return source_->Add("u", id); }

  // What every stream says of a grant from now on.
  void Say(v1::WatchGrantsResponse news) {
    const std::lock_guard lock(mutex_);
    const std::string id = news.grant().grant_id();
    said_[id] = std::move(news);
    ++version_[id];
    changed_.notify_all();
  }
  void BreakStreams() {
    const std::lock_guard lock(mutex_);
    ++breaks_;
    changed_.notify_all();
  }
  // Streams are taken and say nothing.
  void Hang(bool hangs) {
    const std::lock_guard lock(mutex_);
    hangs_ = hangs;
    changed_.notify_all();
  }
  void AnswerRefresh(uint64_t generation, seconds lifetime = seconds(3600),
                     v1::Freshness freshness = v1::FRESHNESS_FRESH) {
    on_refresh_ = [=](const v1::RefreshRequest&, v1::RefreshResponse& response) {
      response.set_access_token("at-" + std::to_string(generation));
      response.set_token_type("Bearer");
      response.set_generation(generation);
      response.set_freshness(freshness);
      SetExpiry(lifetime, *response.mutable_expire_time());
      return grpc::Status::OK;
    };
  }

  static void Eventually(const std::function<bool()>& holds) {
    const auto end = steady_clock::now() + seconds(20);
    while (!holds()) {
      ASSERT_LT(steady_clock::now(), end) << "not in time";
      std::this_thread::sleep_for(milliseconds(1));
    }
  }
  void AwaitInMemory(const GrantTokens& tokens, uint64_t generation) {
    Eventually([&] {
      const auto token = tokens.InMemory();
      return token != nullptr && token->generation == generation;
    });
  }
  static std::string Text(const Result& token) {
    return token.ok() ? (*token)->access_token : CallError::From(token.status()).reason;
  }

  std::atomic<int> refreshes_ = 0;
  std::atomic<int> streams_opened_ = 0;
  std::atomic<int> streams_open_ = 0;
  std::function<grpc::Status(const v1::RefreshRequest&, v1::RefreshResponse&)> on_refresh_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, v1::WatchGrantsResponse> said_;
  std::map<std::string, int> version_;
  std::vector<size_t> sizes_;  // of the requests
  int breaks_ = 0;
  bool hangs_ = false;
  bool closing_ = false;
  // Ends before what its handlers use.
  FakeService service_;
  std::unique_ptr<TokenSource> source_;

 private:
  grpc::Status Stream(grpc::ServerContext& context, const v1::WatchGrantsRequest& request,
                      grpc::ServerWriter<v1::WatchGrantsResponse>& writer) {
    std::unique_lock lock(mutex_);
    ++streams_opened_;
    ++streams_open_;
    sizes_.push_back(static_cast<size_t>(request.grants_size()));
    const int breaks = breaks_;
    std::map<std::string, int> sent;
    while (breaks == breaks_ && !closing_ && !context.IsCancelled()) {
      std::vector<v1::WatchGrantsResponse> fresh;
      for (const auto& watched : request.grants()) {
        const std::string& id = watched.grant_id();
        if (hangs_ || !said_.contains(id) || sent[id] == version_[id]) continue;
        sent[id] = version_[id];
        fresh.push_back(said_[id]);
      }
      lock.unlock();
      for (const auto& news : fresh) writer.Write(news);
      lock.lock();
      if (fresh.empty()) changed_.wait_for(lock, milliseconds(5));
    }
    --streams_open_;
    return {grpc::StatusCode::UNAVAILABLE, "broken off"};
  }
};

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

TEST_F(TokenSourceTest, AStreamThatBreaksOffIsOpenedAgain) {
  Open();
  Say(News("g", 1));
  const auto tokens = Add();
  AwaitInMemory(*tokens, 1);
  for (int i = 1; i <= 3; ++i) {
    BreakStreams();
    Eventually([&] { return streams_opened_ > i; });
    AwaitInMemory(*tokens, 1);
  }
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
  on_refresh_ = [&](const v1::RefreshRequest&, v1::RefreshResponse& response) {
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
  Eventually([&] { return Text(tokens->Get(milliseconds(1))) == "GRANT_NOT_FOUND"; });
  answer.set_value();
  EXPECT_EQ(got.get(), "GRANT_NOT_FOUND");
  EXPECT_EQ(Text(tokens->Get()), "GRANT_NOT_FOUND");
}

TEST_F(TokenSourceTest, ANameThatIsNoneTakesTheStreamFromNobody) {
  Open();
  Say(News("g", 1));
  const std::vector<std::shared_ptr<GrantTokens>> wrong = {Add(""),
                                                           Add("no id"),
                                                           Add(std::string(65, 'g')),
                                                           source_->Add("", "g"),
                                                           source_->Add(std::string(257, 'u'), "g"),
                                                           source_->Add("u\n", "g"),
                                                           source_->Add("\xff", "g")};
  const auto tokens = Add();
  AwaitInMemory(*tokens, 1);
  on_refresh_ = [](const v1::RefreshRequest&, v1::RefreshResponse&) {
    return StatusWithReason(grpc::StatusCode::INVALID_ARGUMENT, "grant_id: is required", "INVALID_FIELD");
  };
  EXPECT_EQ(Text(wrong[0]->Get()), "INVALID_FIELD");
  const std::lock_guard lock(mutex_);
  for (const size_t size : sizes_) EXPECT_EQ(size, 1u);
}

TEST_F(TokenSourceTest, AReplacedStreamEndsAlsoWhenNobodyWantsItsGrantsAnyMore) {
  Open();
  std::vector<std::shared_ptr<GrantTokens>> all;
  for (int i = 0; i < 100; ++i) {
    Say(News("g" + std::to_string(i), 1));
    all.push_back(Add("g" + std::to_string(i)));
  }
  for (const auto& tokens : all) AwaitInMemory(*tokens, 1);
  // The stream that takes its place is told nothing.
  Hang(true);
  all.resize(10);
  Eventually([&] { return streams_opened_ >= 2; });
  all.clear();
  Eventually([&] { return source_->streams() == 0 && streams_open_ == 0; });
}

TEST_F(TokenSourceTest, AnInternalErrorOfTheServiceTakesNoValidTokenAway) {
  Open();
  Say(News("g", 1));
  const auto tokens = Add();
  AwaitInMemory(*tokens, 1);
  Hang(true);
  BreakStreams();
  Eventually([&] { return tokens->InMemory() == nullptr; });
  for (const grpc::StatusCode code : {grpc::StatusCode::INTERNAL, grpc::StatusCode::UNKNOWN,
                                      grpc::StatusCode::CANCELLED, grpc::StatusCode::RESOURCE_EXHAUSTED}) {
    on_refresh_ = [code](const v1::RefreshRequest&, v1::RefreshResponse&) {
      return grpc::Status(code, "trouble");
    };
    EXPECT_EQ(Text(tokens->Get()), "at-1") << code;
  }
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

TEST_F(TokenSourceTest, GrantsShareAStreamAndManyHaveAFew) {
  Open();
  std::vector<std::shared_ptr<GrantTokens>> all;
  for (int i = 0; i < 2500; ++i) {
    Say(News("g" + std::to_string(i), 1));
    all.push_back(Add("g" + std::to_string(i)));
  }
  for (const auto& tokens : all) AwaitInMemory(*tokens, 1);
  EXPECT_GE(source_->streams(), 3u);
  Eventually([&] { return source_->streams() <= 6; });
  const std::lock_guard lock(mutex_);
  for (const size_t size : sizes_) EXPECT_LE(size, 1024u);
}

TEST_F(TokenSourceTest, GrantsThatAreAddedOneAfterTheOtherEndUpOnFewStreamsWithoutAGap) {
  Open();
  std::vector<std::shared_ptr<GrantTokens>> all;
  for (int i = 0; i < 30; ++i) {
    Say(News("g" + std::to_string(i), 1));
    all.push_back(Add("g" + std::to_string(i)));
    AwaitInMemory(*all.back(), 1);
    for (const auto& tokens : all) EXPECT_NE(tokens->InMemory(), nullptr);
  }
  Eventually([&] { return source_->streams() <= 4; });
  EXPECT_EQ(refreshes_, 0);
}

TEST_F(TokenSourceTest, TheSameGrantIsTheSameHandle) {
  Open();
  const auto tokens = Add();
  EXPECT_EQ(Add(), tokens);
  EXPECT_NE(source_->Add("another", "g"), tokens);
}

TEST_F(TokenSourceTest, AGrantThatNobodyHoldsIsNotWatchedAnyMore) {
  Open();
  Say(News("g", 1));
  auto tokens = Add();
  AwaitInMemory(*tokens, 1);
  tokens.reset();
  Eventually([&] { return source_->streams() == 0 && streams_open_ == 0; });
  tokens = Add();
  AwaitInMemory(*tokens, 1);
}

TEST_F(TokenSourceTest, ItEndsWhileTheServiceHangs) {
  Open();
  Hang(true);
  std::atomic<bool> asked = false;
  std::atomic<bool> go_on = false;
  on_refresh_ = [&](const v1::RefreshRequest&, v1::RefreshResponse&) {
    asked = true;
    while (!go_on) std::this_thread::sleep_for(milliseconds(1));
    return grpc::Status::OK;
  };
  const auto tokens = Add();
  Result result(nullptr);
  std::thread waiting([&] { result = tokens->Get(); });
  Eventually([&] { return asked && streams_open_ == 1; });
  const auto begin = steady_clock::now();
  source_.reset();
  EXPECT_LT(steady_clock::now() - begin, seconds(5));
  waiting.join();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(tokens->Get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(tokens->InMemory(), nullptr);
  go_on = true;
}

TEST_F(TokenSourceTest, ItEndsWhileThereIsNoService) {
  auto source = TokenSource::Create({.address = "unix:/nowhere/s",
                                     .tenant = "t",
                                     .min_ttl = seconds(10),
                                     .timeout = seconds(30),
                                     .outage_serve = seconds(0)});
  ASSERT_TRUE(source.ok());
  const auto tokens = (*source)->Add("u", "g");
  EXPECT_EQ(tokens->Get().status().code(), absl::StatusCode::kUnavailable);
  source->reset();
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
