// SPDX-License-Identifier: Apache-2.0
#include "grantkeep/client.h"

#include <iterator>
#include <utility>

#include "client/address.h"
#include "client/channel.h"
#include "grantkeep/v1/auth.grpc.pb.h"
#include "grantkeep/v1/vault_admin.grpc.pb.h"

namespace grantkeep {
namespace {

using Clock = std::chrono::system_clock;

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> CallUntil(Clock::time_point deadline, Stub& stub,
                                   grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                                Response*),
                                   const Request& request) {
  grpc::ClientContext context;
  context.set_deadline(deadline);
  Response response;
  absl::Status status = client::FromGrpc((stub.*method)(&context, request, &response));
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
  const std::shared_ptr<grpc::Channel> channel = client::MakeChannel(*target);
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

absl::Status Client::WatchGrants(const v1::WatchGrantsRequest& request,
                                 const std::function<bool(v1::WatchGrantsResponse& response)>& on_news,
                                 Timeout timeout) {
  grpc::ClientContext context;
  if (timeout.has_value()) context.set_deadline(Clock::now() + *timeout);
  const auto reader = channel_->auth.WatchGrants(&context, request);
  v1::WatchGrantsResponse response;
  while (reader->Read(&response)) {
    if (on_news(response)) continue;
    context.TryCancel();
    reader->Finish();
    return absl::OkStatus();
  }
  return client::FromGrpc(reader->Finish());
}

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
