// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_UNIT_CLIENT_TOKEN_SOURCE_FIXTURE_H_
#define GRANTKEEP_TESTS_UNIT_CLIENT_TOKEN_SOURCE_FIXTURE_H_

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "grantkeep/call_error.h"
#include "grantkeep/token_source.h"
#include "tests/unit/client/fake_service.h"

namespace grantkeep::testing {

inline void SetExpiry(std::chrono::seconds from_now, google::protobuf::Timestamp& timestamp) {
  const auto at = std::chrono::system_clock::now() + from_now;
  timestamp.set_seconds(std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count());
}

inline v1::WatchGrantsResponse News(const std::string& id, uint64_t generation,
                                    std::chrono::seconds lifetime = std::chrono::seconds(3600)) {
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

// A TokenSource against a service whose every word is the test's own.
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

  // So many, which a stream has told of at generation 1.
  std::vector<std::shared_ptr<GrantTokens>> AddMany(size_t count, const std::string& subject = "u") {
    std::vector<std::shared_ptr<GrantTokens>> all;
    for (size_t i = 0; i < count; ++i) {
      v1::WatchGrantsResponse news = News("g" + std::to_string(i), 1);
      news.mutable_grant()->set_subject(subject);
      Say(std::move(news));
      all.push_back(source_->Add(subject, "g" + std::to_string(i)));
    }
    for (const auto& tokens : all) AwaitInMemory(*tokens, 1);
    return all;
  }

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
  void AnswerRefresh(uint64_t generation, std::chrono::seconds lifetime = std::chrono::seconds(3600),
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
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!holds()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "not in time";
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  void AwaitInMemory(const GrantTokens& tokens, uint64_t generation) {
    Eventually([&] {
      const auto token = tokens.InMemory();
      return token != nullptr && token->generation == generation;
    });
  }
  static std::string Text(const absl::StatusOr<std::shared_ptr<const Token>>& token) {
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
      if (fresh.empty()) changed_.wait_for(lock, std::chrono::milliseconds(5));
    }
    --streams_open_;
    return {grpc::StatusCode::UNAVAILABLE, "broken off"};
  }
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_UNIT_CLIENT_TOKEN_SOURCE_FIXTURE_H_
