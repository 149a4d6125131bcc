// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_UNIT_RPC_SERVER_FIXTURE_H_
#define GRANTKEEP_TESTS_UNIT_RPC_SERVER_FIXTURE_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/reason.h"
#include "flow/flow.h"
#include "grantkeep/details/status_details.pb.h"
#include "grantkeep/v1/auth.grpc.pb.h"
#include "grantkeep/v1/vault_admin.grpc.pb.h"
#include "refresh/grant_watches.h"
#include "refresh/refresh.h"
#include "refresh/revoker.h"
#include "rpc/server.h"
#include "tests/support/rooms.h"
#include "tests/support/temp_dir.h"
#include "vault/static_secrets.h"

namespace grantkeep::testing {

// A server on a unix socket over real rooms. The loop is the test's own thread, so it runs only
// while the test says so; calls are made from other threads.
class ServerFixture : public ::testing::Test {
 protected:
  static constexpr char kProviders[] = R"(
providers:
  - id: p
    authorization_endpoint: https://as.example/authorize
    token_endpoint: https://as.example/token
    revocation_endpoint: https://as.example/revoke
    rotation: strict
    redirect_uris: [https://app.example/cb]
    optional_authorization_parameters: [hd]
    client:
      client_id: me
      client_secrets: [{env: CLIENT_SECRET}]
)";

  void StartServer(int max_in_flight = 1000) {
    RpcServerOptions options;
    options.listen = "unix:" + (dir_ / "s").string();
    options.pollers = 1;
    options.max_in_flight = max_in_flight;
    options.request_id_prefix = "test";
    RpcRooms rooms{.flow = flow_,
                   .refresher = refresher_,
                   .revoker = revoker_,
                   .grants = *rooms_.grants,
                   .static_secrets = static_secrets_,
                   .find_static_provider = &ServerFixture::FindStaticProvider,
                   .ready = ready_,
                   .adopt_store = &ServerFixture::AdoptStore,
                   .watches = &watches_,
                   .clock = rooms_.clock,
                   .loop = rooms_.loop.context()};
    auto server = RpcServer::Start(options, rooms);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel(server_->address(), grpc::InsecureChannelCredentials());
    auth_ = v1::AuthService::NewStub(channel_);
    vault_ = v1::VaultAdmin::NewStub(channel_);
  }

  void TearDown() override {
    rooms_.http.Release();
    if (server_ != nullptr) Drain();
  }

  // Drains while the loop runs, then closes.
  void Drain(Duration grace = Duration(0)) {
    auto drained = std::async(std::launch::async, [&] { server_->Drain(rooms_.clock.Steady() + grace); });
    RunUntilReady(drained);
    server_->Close();
  }

  // Runs the loop until `result` is there; fails the test after 20 s.
  template <typename T>
  void RunUntilReady(std::future<T>& result) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    do {
      if (std::chrono::steady_clock::now() > end) throw std::runtime_error("no result in time");
      rooms_.loop.RunReady();
    } while (result.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready);
  }

  // A call on another thread.
  template <typename Request, typename Response, typename Stub>
  std::future<std::pair<grpc::Status, Response>> Start(
      Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
      Request request, const std::function<void(grpc::ClientContext&)>& prepare = nullptr) {
    return std::async(std::launch::async, [&stub, method, request = std::move(request), prepare] {
      grpc::ClientContext context;
      if (prepare) prepare(context);
      Response response;
      grpc::Status status = (stub.*method)(&context, request, &response);
      return std::make_pair(std::move(status), std::move(response));
    });
  }
  // The same, run to its end.
  template <typename Request, typename Response, typename Stub>
  std::pair<grpc::Status, Response> CallAnd(Stub& stub,
                                            grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                                         Response*),
                                            Request request) {
    auto result = Start(stub, method, std::move(request));
    RunUntilReady(result);
    return result.get();
  }

  std::pair<grpc::Status, v1::RefreshResponse> Refresh(v1::RefreshRequest request) {
    return CallAnd(*auth_, &v1::AuthService::Stub::Refresh, std::move(request));
  }

  // Any bytes to any method, on another thread; the answer's bytes go to `answer`. A stream is OK when its
  // first message has come.
  std::future<grpc::Status> StartRaw(std::string method, std::string bytes, std::string* answer = nullptr) {
    return std::async(std::launch::async,
                      [this, method = std::move(method), bytes = std::move(bytes), answer] {
                        grpc::GenericStub stub(channel_);
                        grpc::ClientContext context;
                        const grpc::Slice slice(bytes);
                        const grpc::ByteBuffer request(&slice, 1);
                        if (method.ends_with("/WatchGrants")) return BeginStream(stub, method, request);
                        grpc::ByteBuffer response;
                        std::promise<grpc::Status> status;
                        stub.UnaryCall(&context, method, grpc::StubOptions(), &request, &response,
                                       [&](grpc::Status ended) { status.set_value(std::move(ended)); });
                        grpc::Status ended = status.get_future().get();
                        grpc::Slice whole;
                        if (ended.ok() && answer != nullptr && response.DumpToSingleSlice(&whole).ok()) {
                          answer->assign(reinterpret_cast<const char*>(whole.begin()), whole.size());
                        }
                        return ended;
                      });
  }
  // The same, run to its end.
  grpc::Status CallRaw(std::string method, std::string bytes, std::string* answer = nullptr) {
    auto result = StartRaw(std::move(method), std::move(bytes), answer);
    RunUntilReady(result);
    return result.get();
  }

  static v1::RefreshRequest RefreshOf(const std::string& grant) {
    v1::RefreshRequest request;
    request.set_tenant("t");
    request.set_subject("u");
    request.set_grant_id(grant);
    return request;
  }

  // Stores the grant "expired", whose refresh reaches the provider, and lets the provider hold it.
  void PutExpiredGrantAndHoldTheProvider() {
    rooms_.PutGrant("expired", std::chrono::seconds(1));
    rooms_.clock.Advance(std::chrono::seconds(2));
    rooms_.http.OnRequest([](const ScriptedHttp::Seen&) {
      return ScriptedHttp::Json(
          200, R"({"access_token":"at-2","token_type":"Bearer","refresh_token":"rt-2","expires_in":3600})");
    });
    rooms_.http.Hold();
  }
  void RunUntilTheProviderIsAsked() {
    rooms_.loop.RunUntil([&] { return !rooms_.http.seen().empty(); });
  }

  static std::string ReasonIn(const grpc::Status& status) {
    const auto info = DetailIn<details::ErrorInfo>(status, "ErrorInfo");
    return info.domain() == "grantkeep" ? info.reason() : "no ErrorInfo";
  }
  static std::string FieldIn(const grpc::Status& status) {
    const auto bad_request = DetailIn<details::BadRequest>(status, "BadRequest");
    return bad_request.field_violations_size() == 1 ? bad_request.field_violations(0).field() : "";
  }
  template <typename Detail>
  static Detail DetailIn(const grpc::Status& status, const std::string& type) {
    details::Status details;
    Detail detail;
    if (!details.ParseFromString(status.error_details())) return detail;
    for (const auto& any : details.details()) {
      if (any.type_url() == "type.googleapis.com/google.rpc." + type) detail.ParseFromString(any.value());
    }
    return detail;
  }

  TempDir dir_;
  // What health is told; always ready unless a test says otherwise.
  ReadyToServe ready_;
  Rooms rooms_{kProviders};
  StaticSecrets static_secrets_{*rooms_.store, *rooms_.records, *rooms_.changes, rooms_.clock};
  Refresher refresher_{*rooms_.grants, *rooms_.store, *rooms_.catalogue,
                       rooms_.clock,   rooms_.random, rooms_.loop.context()};
  GrantWatches watches_{refresher_, *rooms_.store, *rooms_.changes, rooms_.clock, rooms_.loop.context()};
  Revoker revoker_{*rooms_.grants, *rooms_.store, *rooms_.catalogue,
                   rooms_.clock,   rooms_.random, rooms_.loop.context()};
  AuthFlow flow_{*rooms_.flows, *rooms_.grants, *rooms_.store,           *rooms_.catalogue,
                 rooms_.clock,  rooms_.random,  std::chrono::minutes(10)};
  std::unique_ptr<RpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::AuthService::Stub> auth_;
  std::unique_ptr<v1::VaultAdmin::Stub> vault_;

 private:
  static grpc::Status BeginStream(grpc::GenericStub& stub, const std::string& method,
                                  const grpc::ByteBuffer& request) {
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    const auto next = [&queue] {
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    const auto call = stub.PrepareCall(&context, method, &queue);
    grpc::ByteBuffer first;
    grpc::Status status;
    call->StartCall(nullptr);
    if (next()) {
      call->WriteLast(request, grpc::WriteOptions(), nullptr);
      next();
    }
    call->Read(&first, nullptr);
    const bool begun = next();
    if (begun) context.TryCancel();
    call->Finish(&status, nullptr);
    next();
    return begun ? grpc::Status::OK : status;
  }
  // As if the store had the id that is asked for, and had never been adopted.
  static boost::asio::awaitable<absl::StatusOr<v1::AdoptStoreResponse>> AdoptStore(
      v1::AdoptStoreRequest request, Tick) {
    if (request.adoption() == v1::STORE_ADOPTION_UNSPECIFIED) co_return FieldError("adoption", "is required");
    v1::AdoptStoreResponse response;
    response.set_store_id(request.store_id());
    response.set_epoch(2);
    co_return response;
  }
  static absl::StatusOr<StaticProvider> FindStaticProvider(const ProviderId& id) {
    if (id.value() == "discord") return StaticProvider{"Authorization", "Bot "};
    if (id.value() == "p") return FieldError("provider", "has a flow", Reason::kProviderNotStatic);
    return FieldError("provider", "there is no such provider", Reason::kProviderNotFound);
  }
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_UNIT_RPC_SERVER_FIXTURE_H_
