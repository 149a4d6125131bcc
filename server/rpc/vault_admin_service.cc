// SPDX-License-Identifier: Apache-2.0
#include "rpc/vault_admin_service.h"

#include <optional>
#include <string>
#include <utility>

#include "base/status_macros.h"
#include "grantkeep/v1/vault_admin.pb.h"
#include "refresh/refresh.h"
#include "rpc/convert.h"
#include "rpc/unary_method.h"
#include "vault/grants.h"
#include "vault/static_secrets.h"

namespace grantkeep::rpc {
namespace {

template <typename T>
using Awaitable = boost::asio::awaitable<absl::StatusOr<T>>;

// A value of 64 KiB and the fields around it.
constexpr MethodLimits kWithValue{.max_request_bytes = 2 * kMaxMessage};

template <typename Request>
std::optional<uint64_t> ExpectedVersion(const Request& request) {
  if (!request.has_expected_version()) return std::nullopt;
  return request.expected_version();
}

class VaultAdminMethods {
 public:
  explicit VaultAdminMethods(const RpcRooms& rooms)
      : grants_(rooms.grants),
        refresher_(rooms.refresher),
        static_secrets_(rooms.static_secrets),
        find_static_provider_(rooms.find_static_provider),
        gather_server_status_(rooms.gather_server_status),
        adopt_store_(rooms.adopt_store) {}

  Awaitable<v1::PutStaticSecretResponse> PutStaticSecret(Call call,
                                                         Wiped<v1::PutStaticSecretRequest> request) {
    ProviderId provider(request->provider());
    if (!provider.empty()) {
      if (const auto known = find_static_provider_(provider); !known.ok()) co_return known.status();
    }
    TenantId tenant(request->tenant());
    std::string name = request->name();
    Secret value = Secret::Take(std::move(*request->mutable_value()));
    absl::StatusOr<StaticSecretInfo> stored =
        co_await static_secrets_.Put(std::move(tenant), std::move(name), std::move(value),
                                     std::move(provider), ExpectedVersion(*request), call.deadline);
    if (!stored.ok()) co_return stored.status();
    v1::PutStaticSecretResponse response;
    response.set_version(stored->version);
    SetTimestamp(stored->create_time, *response.mutable_create_time());
    co_return response;
  }

  Awaitable<v1::DeleteStaticSecretResponse> DeleteStaticSecret(Call call,
                                                               Wiped<v1::DeleteStaticSecretRequest> request) {
    TenantId tenant(request->tenant());
    std::string name = request->name();
    const absl::Status deleted = co_await static_secrets_.Delete(std::move(tenant), std::move(name),
                                                                 ExpectedVersion(*request), call.deadline);
    if (!deleted.ok()) co_return deleted;
    co_return v1::DeleteStaticSecretResponse();
  }

  Awaitable<v1::ListStaticSecretsResponse> ListStaticSecrets(Call call,
                                                             Wiped<v1::ListStaticSecretsRequest> request) {
    ASSIGN_OR_CO_RETURN(const size_t limit, PageSize(request->page_size()));
    TenantId tenant(request->tenant());
    std::string page_token = request->page_token();
    absl::StatusOr<StaticSecretPage> page =
        co_await static_secrets_.List(std::move(tenant), limit, std::move(page_token), call.deadline);
    if (!page.ok()) co_return page.status();
    v1::ListStaticSecretsResponse response;
    for (StaticSecretInfo& info : page->secrets) {
      v1::StaticSecret& secret = *response.add_static_secrets();
      secret.set_name(std::move(info.name));
      secret.set_version(info.version);
      SetTimestamp(info.create_time, *secret.mutable_create_time());
      secret.set_provider(info.provider.value());
      secret.set_size(static_cast<uint32_t>(info.size));
    }
    response.set_next_page_token(std::move(page->next));
    co_return response;
  }

  Awaitable<v1::ListGrantsResponse> ListGrants(Call call, Wiped<v1::ListGrantsRequest> request) {
    ASSIGN_OR_CO_RETURN(const size_t limit, PageSize(request->page_size()));
    const TenantId tenant(request->tenant());
    std::optional<SubjectId> subject;
    if (!request->subject().empty()) subject.emplace(request->subject());
    std::string page_token = request->page_token();
    absl::StatusOr<GrantPage> page =
        co_await grants_.List(tenant, std::move(subject), limit, std::move(page_token), call.deadline);
    if (!page.ok()) co_return page.status();
    v1::ListGrantsResponse response;
    for (StoredGrant& stored : page->grants) {
      const bool wanted = request->provider().empty() || stored.grant->provider() == request->provider();
      if (!wanted) continue;
      refresher_.Show(*stored.grant);
      *response.add_grants() = GrantToProto(tenant, *stored.grant);
    }
    response.set_next_page_token(std::move(page->next));
    co_return response;
  }

  Awaitable<v1::GetServerStatusResponse> GetServerStatus(Call call,
                                                         Wiped<v1::GetServerStatusRequest> request) {
    absl::StatusOr<v1::GetServerStatusResponse> status =
        co_await gather_server_status_(request->check_providers(), call.deadline);
    co_return status;
  }

  Awaitable<v1::AdoptStoreResponse> AdoptStore(Call call, Wiped<v1::AdoptStoreRequest> request) {
    absl::StatusOr<v1::AdoptStoreResponse> adopted =
        co_await adopt_store_(std::move(*request), call.deadline);
    co_return adopted;
  }

 private:
  Grants& grants_;
  const Refresher& refresher_;
  StaticSecrets& static_secrets_;
  const FindStaticProvider find_static_provider_;
  const GatherServerStatus gather_server_status_;
  const grantkeep::AdoptStore adopt_store_;
};

// Binds a member coroutine; the methods outlive every call.
template <typename Request, typename Response>
std::unique_ptr<Method> OnLoop(const std::shared_ptr<VaultAdminMethods>& methods,
                               Awaitable<Response> (VaultAdminMethods::*handler)(Call, Wiped<Request>),
                               MethodLimits limits = {}) {
  return std::make_unique<UnaryMethod<Request, Response>>(
      [methods, handler](Call call, Wiped<Request> request) {
        return ((*methods).*handler)(std::move(call), std::move(request));
      },
      nullptr, limits);
}

}  // namespace

std::unique_ptr<RawService> MakeVaultAdminService(const RpcRooms& rooms) {
  const auto methods = std::make_shared<VaultAdminMethods>(rooms);
  auto service = std::make_unique<RawService>(*v1::PutStaticSecretRequest::descriptor()->file()->service(0));
  service->Bind("PutStaticSecret", OnLoop(methods, &VaultAdminMethods::PutStaticSecret, kWithValue));
  service->Bind("DeleteStaticSecret", OnLoop(methods, &VaultAdminMethods::DeleteStaticSecret));
  service->Bind("ListStaticSecrets", OnLoop(methods, &VaultAdminMethods::ListStaticSecrets));
  service->Bind("ListGrants", OnLoop(methods, &VaultAdminMethods::ListGrants));
  if (rooms.gather_server_status) {
    service->Bind("GetServerStatus", OnLoop(methods, &VaultAdminMethods::GetServerStatus));
  }
  if (rooms.adopt_store) service->Bind("AdoptStore", OnLoop(methods, &VaultAdminMethods::AdoptStore));
  return service;
}

}  // namespace grantkeep::rpc
