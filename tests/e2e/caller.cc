// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/caller.h"

#include <fmt/format.h>

#include "grantkeep/details/status_details.pb.h"

namespace grantkeep::testing {
namespace {

template <typename Stub, typename Request, typename Response>
Answer<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                      Stub& stub, const Request& request,
                      std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  context.set_wait_for_ready(true);
  Answer<Response> answer;
  answer.status = CallStatus::From((stub.*method)(&context, request, &answer.value));
  return answer;
}

template <typename Message>
std::optional<Message> Unpack(const google::protobuf::Any& any, std::string_view type) {
  Message message;
  if (any.type_url() != fmt::format("type.googleapis.com/google.rpc.{}", type)) return std::nullopt;
  if (!message.ParseFromString(any.value())) return std::nullopt;
  return message;
}

}  // namespace

CallStatus CallStatus::From(const grpc::Status& status) {
  CallStatus result;
  result.code = status.error_code();
  result.message = status.error_message();
  details::Status details;
  if (!details.ParseFromString(status.error_details())) return result;
  for (const google::protobuf::Any& any : details.details()) {
    if (const auto info = Unpack<details::ErrorInfo>(any, "ErrorInfo");
        info && info->domain() == "grantkeep") {
      result.reason = info->reason();
    }
    if (const auto bad = Unpack<details::BadRequest>(any, "BadRequest");
        bad && bad->field_violations_size() > 0) {
      result.field = bad->field_violations(0).field();
    }
    if (const auto retry = Unpack<details::RetryInfo>(any, "RetryInfo")) {
      result.retry_after = std::chrono::seconds(retry->retry_delay().seconds()) +
                           std::chrono::milliseconds(retry->retry_delay().nanos() / 1'000'000);
    }
  }
  return result;
}

std::ostream& operator<<(std::ostream& out, const CallStatus& status) {
  return out << fmt::format("{} {} '{}'", static_cast<int>(status.code), status.reason, status.message);
}

Caller::Caller(const std::string& address) {
  grpc::ChannelArguments arguments;
  // Each caller has a connection of its own, and finds a restarted service quickly.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const auto channel = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  auth_ = v1::AuthService::NewStub(channel);
  vault_ = v1::VaultAdmin::NewStub(channel);
}

Answer<v1::StartAuthResponse> Caller::StartAuth(const v1::StartAuthRequest& request) const {
  return Call(&v1::AuthService::Stub::StartAuth, *auth_, request);
}
Answer<v1::CompleteAuthResponse> Caller::CompleteAuth(const v1::CompleteAuthRequest& request) const {
  return Call(&v1::AuthService::Stub::CompleteAuth, *auth_, request);
}
Answer<v1::RefreshResponse> Caller::Refresh(const v1::RefreshRequest& request,
                                            std::chrono::milliseconds timeout) const {
  return Call(&v1::AuthService::Stub::Refresh, *auth_, request, timeout);
}
Answer<v1::GetGrantResponse> Caller::GetGrant(const v1::GetGrantRequest& request) const {
  return Call(&v1::AuthService::Stub::GetGrant, *auth_, request);
}
Answer<v1::RevokeGrantResponse> Caller::RevokeGrant(const v1::RevokeGrantRequest& request) const {
  return Call(&v1::AuthService::Stub::RevokeGrant, *auth_, request);
}
Answer<v1::GetStaticSecretResponse> Caller::GetStaticSecret(const v1::GetStaticSecretRequest& request) const {
  return Call(&v1::AuthService::Stub::GetStaticSecret, *auth_, request);
}
Answer<v1::PutStaticSecretResponse> Caller::PutStaticSecret(const v1::PutStaticSecretRequest& request) const {
  return Call(&v1::VaultAdmin::Stub::PutStaticSecret, *vault_, request);
}
Answer<v1::DeleteStaticSecretResponse> Caller::DeleteStaticSecret(
    const v1::DeleteStaticSecretRequest& request) const {
  return Call(&v1::VaultAdmin::Stub::DeleteStaticSecret, *vault_, request);
}
Answer<v1::ListStaticSecretsResponse> Caller::ListStaticSecrets(
    const v1::ListStaticSecretsRequest& request) const {
  return Call(&v1::VaultAdmin::Stub::ListStaticSecrets, *vault_, request);
}
Answer<v1::ListGrantsResponse> Caller::ListGrants(const v1::ListGrantsRequest& request) const {
  return Call(&v1::VaultAdmin::Stub::ListGrants, *vault_, request);
}
Answer<v1::GetServerStatusResponse> Caller::GetServerStatus(const v1::GetServerStatusRequest& request,
                                                            std::chrono::milliseconds timeout) const {
  return Call(&v1::VaultAdmin::Stub::GetServerStatus, *vault_, request, timeout);
}

}  // namespace grantkeep::testing
