// SPDX-License-Identifier: Apache-2.0
// The life of a call: limits, callers that leave, shutdown.
#include <gmock/gmock.h>

#include <filesystem>
#include <string>

#include "grpc/health/v1/health.pb.h"
#include "tests/unit/rpc/server_fixture.h"

namespace grantkeep {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;
using testing::ServerFixture;
using AuthStub = v1::AuthService::Stub;

class Calls : public ServerFixture {
 protected:
  auto StartRefresh(const std::function<void(grpc::ClientContext&)>& prepare = nullptr) {
    return Start(*auth_, &AuthStub::Refresh, RefreshOf("expired"), prepare);
  }
};

TEST_F(Calls, AllCallsInFlightAreAnsweredByOneRefresh) {
  StartServer();
  PutExpiredGrantAndHoldTheProvider();
  std::vector<std::future<std::pair<grpc::Status, v1::RefreshResponse>>> waiting(20);
  for (auto& call : waiting) call = StartRefresh();
  RunUntilTheProviderIsAsked();
  rooms_.http.Release();
  for (auto& call : waiting) {
    RunUntilReady(call);
    const auto [status, answer] = call.get();
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(answer.access_token(), "at-2");
  }
  EXPECT_EQ(rooms_.http.seen().size(), 1u);
}

TEST_F(Calls, BeyondTheLimitTheAnswerIsOverloadedWithATimeToComeBack) {
  StartServer(1);
  PutExpiredGrantAndHoldTheProvider();
  auto first = StartRefresh();
  RunUntilTheProviderIsAsked();
  auto second = StartRefresh();
  const auto [refused, nothing] = second.get();
  EXPECT_EQ(refused.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonIn(refused), "OVERLOADED");
  EXPECT_GT(DetailIn<details::RetryInfo>(refused, "RetryInfo").retry_delay().nanos(), 0);
  rooms_.http.Release();
  RunUntilReady(first);
  EXPECT_TRUE(first.get().first.ok());
}

TEST_F(Calls, ACallThatEndedMakesRoomForTheNext) {
  StartServer(1);
  rooms_.PutGrant("g", std::chrono::hours(1));
  for (int i = 0; i < 50; ++i) {
    // The room is free when the server has seen its answer leave, which may be after the caller has.
    grpc::Status status;
    do {
      status = Refresh(RefreshOf("g")).first;
    } while (ReasonIn(status) == "OVERLOADED");
    EXPECT_TRUE(status.ok());
  }
}

TEST_F(Calls, ACallerThatLeavesDoesNotDisturbTheOthers) {
  StartServer();
  PutExpiredGrantAndHoldTheProvider();
  grpc::ClientContext leaving_context;
  auto leaving = std::async(std::launch::async, [&] {
    v1::RefreshResponse response;
    return auth_->Refresh(&leaving_context, RefreshOf("expired"), &response);
  });
  auto staying = StartRefresh();
  RunUntilTheProviderIsAsked();
  leaving_context.TryCancel();
  EXPECT_EQ(leaving.get().error_code(), StatusCode::CANCELLED);
  rooms_.http.Release();
  RunUntilReady(staying);
  EXPECT_EQ(staying.get().second.access_token(), "at-2");
}

TEST_F(Calls, ACallerThatLeftBeforeTheLoopCameToItIsNotWorkedFor) {
  StartServer();
  PutExpiredGrantAndHoldTheProvider();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  v1::RefreshResponse response;
  // The loop stands still meanwhile.
  EXPECT_EQ(auth_->Refresh(&context, RefreshOf("expired"), &response).error_code(),
            StatusCode::DEADLINE_EXCEEDED);
  // What the caller sends next arrives after its farewell.
  EXPECT_TRUE(StartRaw("/grpc.health.v1.Health/Check", "").get().ok());
  Drain();
  EXPECT_TRUE(rooms_.http.seen().empty());
}

TEST_F(Calls, ADeadlineThatPassesLeavesTheRefreshUnderWay) {
  StartServer();
  PutExpiredGrantAndHoldTheProvider();
  auto first = StartRefresh([](grpc::ClientContext& context) {
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(300));
  });
  RunUntilTheProviderIsAsked();
  EXPECT_EQ(first.get().first.error_code(), StatusCode::DEADLINE_EXCEEDED);
  rooms_.http.Release();
  const auto [status, answer] = Refresh(RefreshOf("expired"));
  EXPECT_EQ(answer.access_token(), "at-2");
  EXPECT_EQ(rooms_.http.seen().size(), 1u);
}

TEST_F(Calls, DrainLetsACallInFlightFinishAndTakesNoOther) {
  StartServer();
  PutExpiredGrantAndHoldTheProvider();
  auto call = StartRefresh();
  RunUntilTheProviderIsAsked();
  auto drained = std::async(std::launch::async,
                            [&] { server_->Drain(rooms_.clock.Steady() + std::chrono::seconds(20)); });
  // Once the socket is gone the server takes no more.
  rooms_.loop.RunUntil([&] { return !std::filesystem::exists(dir_ / "s"); });
  grpc::ChannelArguments own_connection;
  own_connection.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto fresh =
      grpc::CreateCustomChannel(server_->address(), grpc::InsecureChannelCredentials(), own_connection);
  grpc::ClientContext context;
  v1::RefreshResponse response;
  EXPECT_EQ(v1::AuthService::NewStub(fresh)->Refresh(&context, RefreshOf("expired"), &response).error_code(),
            StatusCode::UNAVAILABLE);
  rooms_.http.Release();
  RunUntilReady(call);
  EXPECT_EQ(call.get().second.access_token(), "at-2");
  RunUntilReady(drained);
  server_->Close();
}

TEST_F(Calls, ACallThatOutlivesTheDrainIsToldAndItsLateAnswerGoesNowhere) {
  StartServer();
  PutExpiredGrantAndHoldTheProvider();
  auto call = StartRefresh();
  RunUntilTheProviderIsAsked();
  Drain(std::chrono::milliseconds(50));
  const auto [status, nothing] = call.get();
  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
  EXPECT_EQ(ReasonIn(status), "SHUTTING_DOWN");
  EXPECT_TRUE(DetailIn<details::RetryInfo>(status, "RetryInfo").has_retry_delay());
  // The queues are closed; the refresh, which nobody may cut off, ends now.
  rooms_.http.Release();
  rooms_.loop.RunUntil([&] { return rooms_.LoadGrant("expired").grant->generation() == 2; });
}

TEST_F(Calls, DestructionAloneShutsDownToo) {
  StartServer();
  rooms_.PutGrant("g", std::chrono::hours(1));
  ASSERT_TRUE(Refresh(RefreshOf("g")).first.ok());
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(dir_ / "s"));
}

TEST_F(Calls, HealthTurnsBeforeTheServerGoes) {
  StartServer();
  const auto health = [&] {
    std::string bytes;
    EXPECT_TRUE(CallRaw("/grpc.health.v1.Health/Check", "", &bytes).ok());
    grpc::health::v1::HealthCheckResponse response;
    EXPECT_TRUE(response.ParseFromString(bytes));
    return response.status();
  };
  EXPECT_EQ(health(), grpc::health::v1::HealthCheckResponse::SERVING);
  server_->StopServing();
  EXPECT_EQ(health(), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
}

TEST_F(Calls, TheSocketIsForItsOwnerOnly) {
  StartServer();
  const auto permissions = std::filesystem::status(dir_ / "s").permissions();
  EXPECT_EQ(permissions, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(Calls, ASecondServerOnTheSameSocketIsRefused) {
  StartServer();
  RpcServerOptions options;
  options.listen = server_->address();
  RpcRooms rooms{.flow = flow_,
                 .refresher = refresher_,
                 .revoker = revoker_,
                 .grants = *rooms_.grants,
                 .static_secrets = static_secrets_,
                 .find_static_provider = nullptr,
                 .clock = rooms_.clock,
                 .loop = rooms_.loop.context()};
  const auto second = RpcServer::Start(options, rooms);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("another process is listening"));
  EXPECT_TRUE(CallRaw("/grpc.health.v1.Health/Check", "").ok()) << "the first is undisturbed";
}

TEST_F(Calls, AFreePortIsChosenAndATakenOneRefused) {
  RpcServerOptions options;
  options.listen = "127.0.0.1:0";
  RpcRooms rooms{.flow = flow_,
                 .refresher = refresher_,
                 .revoker = revoker_,
                 .grants = *rooms_.grants,
                 .static_secrets = static_secrets_,
                 .find_static_provider = nullptr,
                 .clock = rooms_.clock,
                 .loop = rooms_.loop.context()};
  auto first = RpcServer::Start(options, rooms);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_THAT((*first)->address(), ::testing::MatchesRegex("127\\.0\\.0\\.1:[1-9][0-9]+"));
  options.listen = (*first)->address();
  const auto second = RpcServer::Start(options, rooms);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use"));
}

}  // namespace
}  // namespace grantkeep
