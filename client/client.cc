// SPDX-License-Identifier: Apache-2.0
#include "grantkeep/client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <iterator>
#include <utility>

#include "client/address.h"
#include "client/connect_error.h"
#include "client/status_details.h"
#include "grantkeep/v1/auth.grpc.pb.h"
#include "grantkeep/v1/vault_admin.grpc.pb.h"

namespace grantkeep {
namespace {

using Clock = std::chrono::system_clock;

// The largest answers are a page of a thousand grants.
constexpr int kMaxReceive = 4 << 20;

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  // The service's own errors have details.
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && status.error_details().empty()) {
    return client::ConnectError(status.error_message());
  }
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  client::AttachDetails(status.error_details(), result);
  return result;
}

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> CallUntil(Clock::time_point deadline, Stub& stub,
                                   grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                                Response*),
                                   const Request& request) {
  grpc::ClientContext context;
  context.set_deadline(deadline);
  Response response;
  absl::Status status = FromGrpc((stub.*method)(&context, request, &response));
  if (!status.ok()) return status;
  return response;
}

// Appends pages until the last; `items` gives a page's repeated field.
template <typename Item, typename Request, typename Page, typename Items>
absl::StatusOr<std::vector<Item>> AllPages(Request& request, Page page, Items items) {
  std::vector<Item> all;
  do {
    auto response = page(request);
    if (!response.ok()) return response.status();
    auto& found = items(*response);
    all.insert(all.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
    request.set_page_token(response->next_page_token());
  } while (!request.page_token().empty());
  return all;
}

}  // namespace

struct Client::Channel {
  explicit Channel(const std::shared_ptr<grpc::Channel>& channel) : auth(channel), admin(channel) {}
  v1::AuthService::Stub auth;
  v1::VaultAdmin::Stub admin;
};

Client::Client(std::string address, std::chrono::milliseconds timeout, std::unique_ptr<Channel> channel)
    : address_(std::move(address)), timeout_(timeout), channel_(std::move(channel)) {}

Client::~Client() = default;

absl::StatusOr<std::unique_ptr<Client>> Client::Create(const ClientOptions& options) {
  std::string address = options.address.empty() ? DefaultAddress() : options.address;
  const absl::StatusOr<std::string> target = client::TargetOf(address);
  if (!target.ok()) return target.status();
  grpc::ChannelArguments arguments;
  // The address is on this machine, whatever http_proxy says.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetMaxReceiveMessageSize(kMaxReceive);
  auto channel = grpc::CreateCustomChannel(*target, grpc::InsecureChannelCredentials(), arguments);
  return std::unique_ptr<Client>(
      new Client(std::move(address), options.timeout, std::make_unique<Channel>(channel)));
}

#define GK_CALL(Service, stub, Method)                                                                       \
  absl::StatusOr<v1::Method##Response> Client::Method(const v1::Method##Request& request, Timeout timeout) { \
    return CallUntil(Clock::now() + timeout.value_or(timeout_), channel_->stub, &v1::Service::Stub::Method,  \
                     request);                                                                               \
  }

GK_CALL(AuthService, auth, StartAuth)
GK_CALL(AuthService, auth, CompleteAuth)
GK_CALL(AuthService, auth, Refresh)
GK_CALL(AuthService, auth, GetGrant)
GK_CALL(AuthService, auth, RevokeGrant)
GK_CALL(AuthService, auth, GetStaticSecret)
GK_CALL(VaultAdmin, admin, PutStaticSecret)
GK_CALL(VaultAdmin, admin, DeleteStaticSecret)
GK_CALL(VaultAdmin, admin, ListStaticSecrets)
GK_CALL(VaultAdmin, admin, ListGrants)
GK_CALL(VaultAdmin, admin, GetServerStatus)
GK_CALL(VaultAdmin, admin, AdoptStore)

#undef GK_CALL

absl::StatusOr<std::vector<v1::StaticSecret>> Client::ListAllStaticSecrets(
    v1::ListStaticSecretsRequest request, Timeout timeout) {
  const Clock::time_point deadline = Clock::now() + timeout.value_or(timeout_);
  auto page = [&](const v1::ListStaticSecretsRequest& wanted) {
    return CallUntil(deadline, channel_->admin, &v1::VaultAdmin::Stub::ListStaticSecrets, wanted);
  };
  return AllPages<v1::StaticSecret>(request, page, [](v1::ListStaticSecretsResponse& found) -> auto& {
    return *found.mutable_static_secrets();
  });
}

absl::StatusOr<std::vector<v1::Grant>> Client::ListAllGrants(v1::ListGrantsRequest request, Timeout timeout) {
  const Clock::time_point deadline = Clock::now() + timeout.value_or(timeout_);
  auto page = [&](const v1::ListGrantsRequest& wanted) {
    return CallUntil(deadline, channel_->admin, &v1::VaultAdmin::Stub::ListGrants, wanted);
  };
  return AllPages<v1::Grant>(request, page,
                             [](v1::ListGrantsResponse& found) -> auto& { return *found.mutable_grants(); });
}

}  // namespace grantkeep
