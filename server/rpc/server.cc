// SPDX-License-Identifier: Apache-2.0
#include "rpc/server.h"

#include <fmt/format.h>
#include <grpc/grpc.h>
#include <grpc/support/time.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <future>
#include <utility>
#include <vector>

#include "base/reason.h"
#include "base/status_macros.h"
#include "rpc/auth_service.h"
#include "rpc/edge.h"
#include "rpc/health_service.h"
#include "rpc/listen_address.h"
#include "rpc/poller.h"
#include "rpc/vault_admin_service.h"

namespace grantkeep {
namespace {

using rpc::ListenAddress;

// What the methods themselves refuse is at most this; gRPC cuts off beyond, without details.
constexpr int kMaxReceive = 160 * 1024;
// Further streams of a connection wait at the client.
constexpr int kMaxStreams = 1024;
// Clients may ask whether we are still there, and are asked, too: a stream whose client has vanished ends.
constexpr int kClientsPingMs = 5'000;
constexpr int kPingMs = 30'000;
constexpr int kPingAnswerMs = 10'000;
// How long calls that were answered at the deadline may take to leave; also when to come back.
constexpr Duration kAfterDeadline = std::chrono::seconds(2);
// How long the readers of streams have to read what was sent before they are told of a shutdown.
constexpr Duration kStreamsEnd = std::chrono::milliseconds(200);
// How often a shutdown looks whether calls are left. The first look is one such time after the
// end of new calls, when those that had just arrived are counted.
constexpr Duration kDrainPoll = std::chrono::milliseconds(5);

void Configure(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kMaxReceive);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreams);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kClientsPingMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kPingMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kPingAnswerMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Secrets and compression do not mix, and 64 KiB can inflate to 64 MiB.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
}

// Reflection registers itself with every server of a process that links it. This takes it out,
// and with it the thread that a synchronous service brings.
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    plugins->clear();
  }
};

void SetReflection(grpc::ServerBuilder& builder, bool wanted) {
  if (!wanted) {
    builder.SetOption(std::make_unique<WithoutReflection>());
    return;
  }
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, 2);
}

// gRPC shuts its library down with its last object, and then waits up to 10 s for a background
// poller that a blocked write has started. The library stays up instead until the process ends.
void KeepLibrary() {
  static const bool kept = (grpc_init(), true);
  static_cast<void>(kept);
}

// Files made while this lives are for their owner only.
class PrivateFiles {
 public:
  PrivateFiles() : before_(umask(0177)) {}
  ~PrivateFiles() { umask(before_); }
  PrivateFiles(const PrivateFiles&) = delete;
  PrivateFiles& operator=(const PrivateFiles&) = delete;

 private:
  const mode_t before_;
};

}  // namespace

struct RpcServer::State {
  State(ListenAddress address_, const RpcServerOptions& options, const RpcRooms& rooms)
      : address(std::move(address_)),
        edge(rooms.loop, rooms.clock, options.request_id_prefix, Access(address.transport),
             options.max_in_flight) {
    services.push_back(rpc::MakeAuthService(rooms));
    services.push_back(rpc::MakeVaultAdminService(rooms));
    services.push_back(rpc::MakeHealthService(serving, rooms.ready));
  }

  ListenAddress address;
  std::string listening_on;
  rpc::Edge edge;
  std::atomic<bool> serving{true};
  std::vector<std::unique_ptr<rpc::RawService>> services;
  std::vector<std::unique_ptr<rpc::Poller>> pollers;
  // Destroyed before the queues and services.
  std::unique_ptr<grpc::Server> server;
  bool drained = false;
};

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(const RpcServerOptions& options,
                                                            const RpcRooms& rooms) {
  ASSIGN_OR_RETURN(ListenAddress address, rpc::ParseListenAddress(options.listen, "server.listen"));
  if (address.transport == Transport::kUnixSocket) RETURN_IF_ERROR(rpc::ClearStaleSocket(address.path));
  RETURN_IF_ERROR(rpc::CheckPortIsFree(address, "server.listen"));
  auto state = std::make_unique<State>(std::move(address), options, rooms);

  KeepLibrary();
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();  // if the library's own start did not
  grpc::ServerBuilder builder;
  Configure(builder);
  SetReflection(builder, options.reflection);
  int port = 0;
  builder.AddListeningPort(state->address.ToString(), grpc::InsecureServerCredentials(), &port);
  for (const auto& service : state->services) builder.RegisterService(service.get());
  const int pollers = options.pollers > 0 ? options.pollers : rpc::DefaultPollers(rpc::UsableCpus());
  for (int i = 0; i < pollers; ++i) {
    state->pollers.push_back(std::make_unique<rpc::Poller>(builder.AddCompletionQueue()));
  }
  {
    const PrivateFiles socket_is_private;
    state->server = builder.BuildAndStart();
  }
  if (state->server == nullptr || port == 0) {
    return FieldError("server.listen",
                      fmt::format("cannot listen on {}: the address is in use or not available",
                                  state->address.ToString()));
  }
  if (state->address.transport == Transport::kLoopback) state->address.port = port;
  state->listening_on = state->address.ToString();
  for (size_t i = 0; i < state->pollers.size(); ++i) {
    for (const auto& service : state->services) service->AskAhead(state->edge, *state->pollers[i]);
    state->pollers[i]->Start(fmt::format("poller-{}", i));
  }
  return std::unique_ptr<RpcServer>(new RpcServer(std::move(state)));
}

RpcServer::RpcServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

RpcServer::~RpcServer() {
  Drain(state_->edge.clock.Steady());
  Close();
}

const std::string& RpcServer::address() const { return state_->listening_on; }
int RpcServer::pollers() const { return static_cast<int>(state_->pollers.size()); }

void RpcServer::StopServing() { state_->serving = false; }

void RpcServer::Drain(Tick deadline) {
  if (std::exchange(state_->drained, true)) return;
  StopServing();
  rpc::Edge& edge = state_->edge;
  // Shutdown() returns when no connection is left, and idle clients can take seconds to notice
  // that they should go. What matters is calls: once there are none, connections are closed.
  std::future<void> connections_gone = std::async(
      std::launch::async, [this] { state_->server->Shutdown(gpr_inf_future(GPR_CLOCK_MONOTONIC)); });
  const std::shared_ptr<rpc::OpenStreams> streams = edge.open_streams;
  const absl::Status shutting_down =
      RetryableError(Reason::kShuttingDown, "the server is shutting down", kAfterDeadline);
  // Streams would never end by themselves.
  boost::asio::post(edge.loop, [streams, shutting_down] { streams->EndAll(shutting_down); });
  const auto calls_end_within = [&](Duration limit) {
    const auto begin = std::chrono::steady_clock::now();
    while (connections_gone.wait_for(kDrainPoll) == std::future_status::timeout && edge.in_flight > 0) {
      if (std::chrono::steady_clock::now() - begin >= limit) return false;
    }
    return true;
  };
  const auto limit = std::chrono::duration_cast<Duration>(deadline - edge.clock.Steady());
  const Duration streams_limit = std::min(kStreamsEnd, limit);
  bool ended = calls_end_within(streams_limit);
  if (!ended) {
    boost::asio::post(edge.loop, [streams] { streams->CancelStuck(); });
    ended = calls_end_within(limit - streams_limit);
  }
  if (!ended) {
    boost::asio::post(edge.loop, [&edge, shutting_down] { edge.in_hand.CutOff(shutting_down); });
    calls_end_within(kAfterDeadline);
  }
  grpc_server_cancel_all_calls(state_->server->c_server());
  connections_gone.wait();
}

void RpcServer::Close() {
  for (const auto& poller : state_->pollers) poller->Close();
}

}  // namespace grantkeep
