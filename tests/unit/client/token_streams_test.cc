// SPDX-License-Identifier: Apache-2.0
// The streams of a TokenSource: how many, for whom, how long.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <set>

#include "tests/unit/client/token_source_fixture.h"

namespace grantkeep::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using Result = absl::StatusOr<std::shared_ptr<const Token>>;

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

TEST_F(TokenSourceTest, ManyLongNamesDoNotMakeStreamsReplaceEachOther) {
  Open();
  // By their bytes more than ten requests, by their number not even four.
  auto all = AddMany(4000, std::string(250, 's'));
  Eventually([&] { return static_cast<size_t>(streams_open_) == source_->streams(); });
  const int opened = streams_opened_;
  for (int i = 0; i < 3; ++i) {
    Say(News("more" + std::to_string(i), 1));
    all.push_back(Add("more" + std::to_string(i)));
    AwaitInMemory(*all.back(), 1);
  }
  // Small ones may have been put together with the new. The others, at least ten, were left alone each time.
  EXPECT_LT(streams_opened_ - opened, 10);
}

TEST_F(TokenSourceTest, AReplacedStreamEndsAlsoWhenNobodyWantsItsGrantsAnyMore) {
  Open();
  auto all = AddMany(100);
  const int opened = streams_opened_;
  // The stream that takes their place is told nothing.
  Hang(true);
  all.resize(10);
  Eventually([&] { return streams_opened_ > opened; });
  all.clear();
  Eventually([&] { return source_->streams() == 0 && streams_open_ == 0; });
}

TEST_F(TokenSourceTest, GrantsShareAStreamAndManyHaveAFew) {
  Open();
  const auto all = AddMany(2500);
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
  // The call outlives this function.
  const auto go_on = std::make_shared<std::atomic<bool>>(false);
  on_refresh_ = [&asked, go_on](const v1::RefreshRequest&, v1::RefreshResponse&) {
    asked = true;
    while (!*go_on) std::this_thread::sleep_for(milliseconds(1));
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
  *go_on = true;
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

}  // namespace
}  // namespace grantkeep::testing
