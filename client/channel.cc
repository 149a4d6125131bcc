// SPDX-License-Identifier: Apache-2.0
#include "client/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "client/connect_error.h"
#include "client/status_details.h"

namespace grantkeep::client {
namespace {

// The largest answers are a page of a thousand grants.
constexpr int kMaxReceive = 4 << 20;
// The service is on this machine: it is there again soon after it was not.
constexpr int kFirstReconnectMs = 100;
constexpr int kLongestReconnectMs = 2000;
// A service that hangs, or a network that swallows everything, is noticed while calls or streams are open.
constexpr int kPingMs = 10'000;
constexpr int kPingAnswerMs = 5'000;

}  // namespace

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& target) {
  grpc::ChannelArguments arguments;
  // The address is on this machine, whatever http_proxy says.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstReconnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLongestReconnectMs);
  arguments.SetMaxReceiveMessageSize(kMaxReceive);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kPingMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kPingAnswerMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  // The service's own errors have details.
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && status.error_details().empty()) {
    return ConnectError(status.error_message());
  }
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  AttachDetails(status.error_details(), result);
  return result;
}

}  // namespace grantkeep::client
