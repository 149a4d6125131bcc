// SPDX-License-Identifier: Apache-2.0
// WatchGrants through a real socket: what is sent, slow readers, callers that leave, shutdown.
#include <gmock/gmock.h>

#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/rpc/server_fixture.h"

namespace grantkeep {
namespace {

using grpc::StatusCode;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using storage::v1::Grant;
using ::testing::ElementsAre;
using testing::ServerFixture;

v1::WatchGrantsRequest RequestFor(const std::vector<std::string>& grants) {
  v1::WatchGrantsRequest request;
  request.set_tenant("t");
  for (const std::string& grant : grants) {
    request.add_grants()->set_subject("u");
    request.mutable_grants(request.grants_size() - 1)->set_grant_id(grant);
  }
  return request;
}

// "g ACTIVE 1 at-1"
std::string Describe(const v1::WatchGrantsResponse& news) {
  std::string text = news.grant().grant_id();
  if (news.not_found()) return text + " not found";
  text += " " + v1::GrantState_Name(news.grant().state()).substr(12) + " " +
          std::to_string(news.grant().generation());
  return text + (news.access_token().empty() ? "" : " " + news.access_token());
}

// A caller with a thread of its own that reads a stream, unless it is told to wait.
class Watcher {
 public:
  Watcher(v1::AuthService::Stub& stub, const v1::WatchGrantsRequest& request, bool reads = true,
          const std::function<void(grpc::ClientContext&)>& prepare = nullptr)
      : reads_(reads) {
    if (prepare) prepare(context_);
    thread_ = std::thread([this, &stub, request] {
      const auto reader = stub.WatchGrants(&context_, request);
      while (!reads_) std::this_thread::sleep_for(milliseconds(1));
      v1::WatchGrantsResponse news;
      while (reader->Read(&news)) {
        const std::lock_guard lock(mutex_);
        told_.push_back(Describe(news));
        bytes_ += news.ByteSizeLong();
      }
      const grpc::Status status = reader->Finish();
      const std::lock_guard lock(mutex_);
      status_ = status;
      ended_ = true;
    });
  }
  ~Watcher() {
    Leave();
    reads_ = true;
    thread_.join();
  }
  void Leave() { context_.TryCancel(); }
  void Read() { reads_ = true; }
  bool ended() const {
    const std::lock_guard lock(mutex_);
    return ended_;
  }
  grpc::Status status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }
  std::vector<std::string> told() const {
    const std::lock_guard lock(mutex_);
    return told_;
  }

 private:
  grpc::ClientContext context_;
  std::atomic<bool> reads_;
  mutable std::mutex mutex_;
  std::vector<std::string> told_;
  size_t bytes_ = 0;
  bool ended_ = false;
  grpc::Status status_;
  std::thread thread_;
};

class WatchGrants : public ServerFixture {
 protected:
  void RunUntilTold(const Watcher& watcher, size_t messages) {
    rooms_.loop.RunUntil([&] { return watcher.told().size() >= messages || watcher.ended(); });
    ASSERT_GE(watcher.told().size(), messages) << watcher.status().error_message();
  }
  void RunUntilEnded(const Watcher& watcher) {
    rooms_.loop.RunUntil([&] { return watcher.ended(); });
  }
  // Whatever else is written to the record meanwhile: that it is used, for one.
  void Write(const std::string& id, const std::function<void(Grant&)>& change) {
    for (auto outcome = CommitResult::Outcome::kRevisionMismatch; outcome != CommitResult::Outcome::kDone;) {
      StoredGrant stored = rooms_.LoadGrant(id);
      change(*stored.grant);
      const absl::StatusOr<GrantCommit> commit = rooms_.loop.Run(rooms_.grants->Commit(
          TenantId("t"), std::move(stored.grant), stored.revision, {}, rooms_.clock.Steady() + seconds(5)));
      ASSERT_TRUE(commit.ok()) << commit.status();
      outcome = commit->outcome;
    }
  }
  // The next generation, with a token so long that few of them fit the buffers on the way.
  void WriteNextGeneration(const std::string& id, size_t length = 0) {
    Write(id, [length](Grant& grant) {
      grant.set_generation(grant.generation() + 1);
      grant.set_access_token("at-" + std::to_string(grant.generation()) + std::string(length, 'x'));
    });
  }
  grpc::Status EndOf(const v1::WatchGrantsRequest& request) {
    Watcher watcher(*auth_, request);
    RunUntilEnded(watcher);
    return watcher.status();
  }
};

TEST_F(WatchGrants, BeginsWithEveryGrantAndGoesOnWithEachChange) {
  StartServer();
  rooms_.PutGrant("g", minutes(60));
  const Watcher watcher(*auth_, RequestFor({"g", "none"}));
  RunUntilTold(watcher, 2);
  WriteNextGeneration("g");
  RunUntilTold(watcher, 3);
  Write("g", [](Grant& grant) { grant.set_state(Grant::STATE_REVOKED); });
  RunUntilTold(watcher, 4);
  EXPECT_THAT(watcher.told(),
              ElementsAre("g ACTIVE 1 at-1", "none not found", "g ACTIVE 2 at-2", "g REVOKED 2"));
}

TEST_F(WatchGrants, OfAGrantThatThereIsNotItsNameIsToldAndNothingElse) {
  StartServer();
  rooms_.PutGrant("g", minutes(60));
  v1::WatchGrantsRequest request = RequestFor({"g"});
  request.mutable_grants(0)->set_subject("somebody else");
  auto first = std::async(std::launch::async, [&] {
    grpc::ClientContext context;
    const auto reader = auth_->WatchGrants(&context, request);
    v1::WatchGrantsResponse news;
    EXPECT_TRUE(reader->Read(&news));
    context.TryCancel();
    reader->Finish();
    return news;
  });
  RunUntilReady(first);
  EXPECT_EQ(first.get().ShortDebugString(),
            R"(grant { grant_id: "g" tenant: "t" subject: "somebody else" } not_found: true)");
}

TEST_F(WatchGrants, ASlowReaderIsSentTheNewestOnly) {
  StartServer();
  rooms_.PutGrant("g", minutes(60));
  // Little is on its way at a time.
  grpc::ChannelArguments small;
  small.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  small.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 64 * 1024);
  const auto stub = v1::AuthService::NewStub(
      grpc::CreateCustomChannel(server_->address(), grpc::InsecureChannelCredentials(), small));
  Watcher watcher(*stub, RequestFor({"g"}), false);
  constexpr size_t kLength = 16'000;
  constexpr int kChanges = 300;
  for (int i = 0; i < kChanges; ++i) WriteNextGeneration("g", kLength);
  watcher.Read();
  const std::string newest = "g ACTIVE 301 at-301" + std::string(kLength, 'x');
  rooms_.loop.RunUntil([&] { return !watcher.told().empty() && watcher.told().back() == newest; });
  EXPECT_LT(watcher.told().size(), 100u);
}

TEST_F(WatchGrants, ACallerThatLeavesMakesRoom) {
  StartServer(2);  // one stream
  rooms_.PutGrant("g", minutes(60));
  {
    const Watcher watcher(*auth_, RequestFor({"g"}));
    RunUntilTold(watcher, 1);
    const Watcher another(*auth_, RequestFor({"g"}));
    RunUntilEnded(another);
    EXPECT_EQ(another.status().error_code(), StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(ReasonIn(another.status()), "OVERLOADED");
    EXPECT_TRUE(Refresh(RefreshOf("g")).first.ok()) << "streams leave room for other calls";
  }
  std::unique_ptr<Watcher> next;
  rooms_.loop.RunUntil([&] {
    if (next == nullptr || next->ended()) next = std::make_unique<Watcher>(*auth_, RequestFor({"g"}));
    return !next->told().empty();
  });
}

TEST_F(WatchGrants, ACallerThatLeavesWithoutReadingMakesRoom) {
  StartServer(2);
  rooms_.PutGrant("g", minutes(60));
  {
    const Watcher stuck(*auth_, RequestFor({"g"}), false);
    for (int i = 0; i < 20; ++i) WriteNextGeneration("g", 16'000);
  }
  std::unique_ptr<Watcher> next;
  rooms_.loop.RunUntil([&] {
    if (next == nullptr || next->ended()) next = std::make_unique<Watcher>(*auth_, RequestFor({"g"}));
    return !next->told().empty();
  });
}

TEST_F(WatchGrants, TheCallersDeadlineEndsTheStream) {
  StartServer();
  rooms_.PutGrant("g", minutes(60));
  const Watcher watcher(*auth_, RequestFor({"g"}), true, [](grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() + milliseconds(300));
  });
  RunUntilEnded(watcher);
  EXPECT_EQ(watcher.status().error_code(), StatusCode::DEADLINE_EXCEEDED);
  // Its place is free, or the fixture's drain would not end.
}

TEST_F(WatchGrants, AShutdownEndsStreamsAtOnceAndNotAtTheEndOfTheDrain) {
  StartServer();
  rooms_.PutGrant("g", minutes(60));
  const Watcher watcher(*auth_, RequestFor({"g"}));
  RunUntilTold(watcher, 1);
  const auto begin = std::chrono::steady_clock::now();
  Drain(minutes(5));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(10));
  RunUntilEnded(watcher);
  EXPECT_EQ(watcher.status().error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonIn(watcher.status()), "SHUTTING_DOWN");
  EXPECT_TRUE(DetailIn<details::RetryInfo>(watcher.status(), "RetryInfo").has_retry_delay());
}

TEST_F(WatchGrants, AReaderThatDoesNotReadDoesNotHoldAShutdownUp) {
  StartServer();
  rooms_.PutGrant("g", minutes(60));
  const Watcher stuck(*auth_, RequestFor({"g"}), false);
  for (int i = 0; i < 100; ++i) WriteNextGeneration("g", 16'000);
  const auto begin = std::chrono::steady_clock::now();
  Drain(minutes(5));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(10));
}

TEST_F(WatchGrants, AStreamThatIsStillBeingLookedUpDoesNotHoldAShutdownUp) {
  StartServer();
  rooms_.store->before_get = [this]() -> boost::asio::awaitable<void> {
    co_await rooms_.clock.SleepUntil(Tick::max());
  };
  const Watcher watcher(*auth_, RequestFor({"g"}));
  rooms_.loop.RunUntil([&] { return rooms_.store->gets > 0; });
  Drain(minutes(5));
  RunUntilEnded(watcher);
  EXPECT_EQ(ReasonIn(watcher.status()), "SHUTTING_DOWN");
}

TEST_F(WatchGrants, TheServerMayBeDestroyedWhileTheLoopStillHasTheStreams) {
  StartServer();
  rooms_.store->before_get = [this]() -> boost::asio::awaitable<void> {
    co_await rooms_.clock.SleepUntil(rooms_.clock.Steady() + seconds(60));
  };
  const Watcher watcher(*auth_, RequestFor({"g"}));
  rooms_.loop.RunUntil([&] { return rooms_.store->gets > 0; });
  Drain(minutes(5));
  server_.reset();
  rooms_.store->before_get = nullptr;
  rooms_.clock.Advance(seconds(61));
  rooms_.loop.RunReady();
  rooms_.PutGrant("g", minutes(60));
  rooms_.loop.RunReady();
}

TEST_F(WatchGrants, AGrantThatIsNamedTwiceIsRefusedByItsPlace) {
  StartServer();
  v1::WatchGrantsRequest request = RequestFor({"g", "h", "g"});
  const grpc::Status status = EndOf(request);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldIn(status), "grants[2]");
  // The same id of another subject is another grant, which at most one of the two can have.
  request.mutable_grants(2)->set_subject("another");
  const Watcher watcher(*auth_, request);
  RunUntilTold(watcher, 3);
}

TEST_F(WatchGrants, AThousandAndTwentyFourGrantsAreAStreamAndOneMoreIsRefused) {
  StartServer();
  std::vector<std::string> names;
  names.reserve(1024);
  for (int i = 0; i < 1024; ++i) names.push_back("grant-with-a-name-of-some-length-" + std::to_string(i));
  v1::WatchGrantsRequest request = RequestFor(names);
  for (auto& watched : *request.mutable_grants())
    watched.set_subject("user-of-some-length@organisation.example");
  const Watcher watcher(*auth_, request);
  RunUntilTold(watcher, 1024);
  request.add_grants()->set_subject("u");
  request.mutable_grants(1024)->set_grant_id("one more");
  const grpc::Status status = EndOf(request);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldIn(status), "grants");
}

TEST_F(WatchGrants, WhatIsRefusedNamesTheField) {
  StartServer();
  v1::WatchGrantsRequest request;
  EXPECT_EQ(FieldIn(EndOf(request)), "tenant");
  request.set_tenant("t");
  EXPECT_EQ(FieldIn(EndOf(request)), "grants");
  request.add_grants()->set_subject("u");
  EXPECT_EQ(FieldIn(EndOf(request)), "grants[0].grant_id");
  request.mutable_grants(0)->set_grant_id("../g");
  EXPECT_EQ(FieldIn(EndOf(request)), "grants[0].grant_id");
}

}  // namespace
}  // namespace grantkeep
