// SPDX-License-Identifier: Apache-2.0
#include "rpc/auth_service.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/reason.h"
#include "base/status_macros.h"
#include "flow/flow.h"
#include "grantkeep/v1/auth.pb.h"
#include "refresh/refresh.h"
#include "refresh/revoker.h"
#include "rpc/convert.h"
#include "rpc/unary_method.h"
#include "rpc/watch_grants.h"
#include "vault/static_secrets.h"

namespace grantkeep::rpc {
namespace {

template <typename T>
using Awaitable = boost::asio::awaitable<absl::StatusOr<T>>;

constexpr MethodLimits kHot{.asked_ahead = 32};
constexpr int64_t kMaxMinTtlSeconds = int64_t{24} * 60 * 60;

absl::StatusOr<Duration> MinTtl(const v1::RefreshRequest& request) {
  if (!request.has_min_ttl()) return RefreshRequest().min_ttl;
  const google::protobuf::Duration& ttl = request.min_ttl();
  if (ttl.seconds() < 0 || ttl.nanos() < 0 || ttl.seconds() > kMaxMinTtlSeconds ||
      (ttl.seconds() == kMaxMinTtlSeconds && ttl.nanos() > 0)) {
    return FieldError("min_ttl", "must be from 0 to 24 hours");
  }
  return std::chrono::seconds(ttl.seconds()) + std::chrono::microseconds((ttl.nanos() + 999) / 1000);
}

absl::StatusOr<RefreshRequest> ToDomain(const v1::RefreshRequest& request) {
  RefreshRequest domain;
  domain.tenant = TenantId(request.tenant());
  domain.subject = SubjectId(request.subject());
  domain.grant = GrantId(request.grant_id());
  ASSIGN_OR_RETURN(domain.min_ttl, MinTtl(request));
  domain.rejected_generation = Generation{request.rejected_generation()};
  return domain;
}

v1::Freshness FreshnessToProto(Freshness freshness) {
  switch (freshness) {
    case Freshness::kFresh:
      return v1::FRESHNESS_FRESH;
    case Freshness::kStaleOk:
      return v1::FRESHNESS_STALE_OK;
    case Freshness::kBelowMinTtl:
      return v1::FRESHNESS_BELOW_MIN_TTL;
    case Freshness::kUnverified:
      return v1::FRESHNESS_UNVERIFIED;
  }
  return v1::FRESHNESS_UNSPECIFIED;
}

v1::RefreshResponse TokenResponse(AccessToken token) {
  v1::RefreshResponse response;
  const std::string_view bytes = token.token.Expose();
  response.mutable_access_token()->assign(bytes);
  *response.mutable_token_type() = std::move(token.token_type);
  if (token.expire_time.has_value()) SetTimestamp(*token.expire_time, *response.mutable_expire_time());
  response.set_generation(token.generation.value);
  for (std::string& scope : token.scopes) response.add_scopes(std::move(scope));
  response.set_freshness(FreshnessToProto(token.freshness));
  return response;
}

std::optional<uint64_t> VersionOf(const v1::GetStaticSecretRequest& request) {
  if (request.version() == 0) return std::nullopt;
  return request.version();
}

// What the methods need, and what they do with it.
class AuthMethods {
 public:
  explicit AuthMethods(const RpcRooms& rooms)
      : flow_(rooms.flow),
        refresher_(rooms.refresher),
        revoker_(rooms.revoker),
        static_secrets_(rooms.static_secrets),
        find_static_provider_(rooms.find_static_provider) {}

  Awaitable<v1::StartAuthResponse> StartAuth(Call call, Wiped<v1::StartAuthRequest> request) {
    StartAuthRequest domain;
    domain.tenant = TenantId(request->tenant());
    domain.provider = ProviderId(request->provider());
    domain.subject = SubjectId(request->subject());
    domain.scopes = ToStrings(request->scopes());
    domain.redirect_uri = request->redirect_uri();
    domain.session_binding = Secret(request->session_binding());
    domain.resource = ToStrings(request->resource());
    domain.login_hint = request->login_hint();
    domain.extra_params = {request->extra_params().begin(), request->extra_params().end()};
    domain.url_parts = {request->url_parts().begin(), request->url_parts().end()};
    domain.grant = GrantId(request->grant_id());
    absl::StatusOr<StartedFlow> started = co_await flow_.Start(std::move(call), std::move(domain));
    if (!started.ok()) co_return started.status();
    v1::StartAuthResponse response;
    response.set_authorization_url(std::move(started->authorization_url));
    response.set_state(std::move(started->state));
    SetTimestamp(started->expire_time, *response.mutable_expire_time());
    co_return response;
  }

  Awaitable<v1::CompleteAuthResponse> CompleteAuth(Call call, Wiped<v1::CompleteAuthRequest> request) {
    CompleteAuthRequest domain;
    const TenantId tenant(request->tenant());
    domain.tenant = tenant;
    domain.session_binding = Secret(request->session_binding());
    switch (request->callback_case()) {
      case v1::CompleteAuthRequest::kCallbackUrl:
        domain.callback = std::move(*request->mutable_callback_url());
        break;
      case v1::CompleteAuthRequest::kCallbackParameters: {
        CallbackParameters parameters;
        for (auto& parameter : *request->mutable_callback_parameters()->mutable_parameters()) {
          parameters.emplace_back(std::move(*parameter.mutable_name()),
                                  std::move(*parameter.mutable_value()));
        }
        domain.callback = std::move(parameters);
        break;
      }
      case v1::CompleteAuthRequest::CALLBACK_NOT_SET:
        co_return FieldError("callback", "one of callback_url and callback_parameters is required");
    }
    absl::StatusOr<StoredGrant> stored = co_await flow_.Complete(std::move(call), std::move(domain));
    if (!stored.ok()) co_return stored.status();
    v1::CompleteAuthResponse response;
    *response.mutable_grant() = GrantToProto(tenant, *stored->grant);
    co_return response;
  }

  std::optional<absl::StatusOr<v1::RefreshResponse>> RefreshFromMemory(const v1::RefreshRequest& request) {
    absl::StatusOr<RefreshRequest> domain = ToDomain(request);
    if (!domain.ok()) return domain.status();
    std::optional<absl::StatusOr<AccessToken>> token = refresher_.FromMemory(*domain);
    if (!token.has_value()) return std::nullopt;
    if (!token->ok()) return token->status();
    return TokenResponse(**std::move(token));
  }

  Awaitable<v1::RefreshResponse> Refresh(Call call, Wiped<v1::RefreshRequest> request) {
    absl::StatusOr<RefreshRequest> domain = ToDomain(*request);
    if (!domain.ok()) co_return domain.status();
    absl::StatusOr<AccessToken> token = co_await refresher_.Refresh(std::move(call), *std::move(domain));
    if (!token.ok()) co_return token.status();
    co_return TokenResponse(*std::move(token));
  }

  std::optional<absl::StatusOr<v1::GetStaticSecretResponse>> StaticSecretFromMemory(
      const v1::GetStaticSecretRequest& request) {
    absl::StatusOr<std::optional<StaticSecretValue>> found =
        static_secrets_.FromMemory(TenantId(request.tenant()), request.name(), VersionOf(request));
    if (!found.ok()) return found.status();
    if (!found->has_value()) return std::nullopt;
    return SecretResponse(**found);
  }

  Awaitable<v1::GetStaticSecretResponse> GetStaticSecret(Call call,
                                                         Wiped<v1::GetStaticSecretRequest> request) {
    TenantId tenant(request->tenant());
    std::string name = request->name();
    absl::StatusOr<StaticSecretValue> found =
        co_await static_secrets_.Get(std::move(tenant), std::move(name), VersionOf(*request), call.deadline);
    if (!found.ok()) co_return found.status();
    co_return SecretResponse(*found);
  }

  Awaitable<v1::GetGrantResponse> GetGrant(Call call, Wiped<v1::GetGrantRequest> request) {
    const TenantId tenant(request->tenant());
    SubjectId subject(request->subject());
    GrantId grant(request->grant_id());
    absl::StatusOr<SeenGrant> seen =
        co_await refresher_.Get(tenant, std::move(subject), std::move(grant), call.deadline);
    if (!seen.ok()) co_return seen.status();
    v1::GetGrantResponse response;
    *response.mutable_grant() = GrantToProto(tenant, *seen->stored.grant);
    response.set_unverified(seen->unverified);
    co_return response;
  }

  Awaitable<v1::RevokeGrantResponse> RevokeGrant(Call call, Wiped<v1::RevokeGrantRequest> request) {
    TenantId tenant(request->tenant());
    SubjectId subject(request->subject());
    GrantId grant(request->grant_id());
    const absl::StatusOr<RevokedGrant> revoked =
        co_await revoker_.Revoke(std::move(tenant), std::move(subject), std::move(grant), call.deadline);
    if (!revoked.ok()) co_return revoked.status();
    v1::RevokeGrantResponse response;
    response.set_forgotten(revoked->forgotten);
    response.set_revoked_at_provider(revoked->revoked_at_provider);
    co_return response;
  }

 private:
  v1::GetStaticSecretResponse SecretResponse(const StaticSecretValue& found) const {
    v1::GetStaticSecretResponse response;
    response.mutable_value()->assign(found.value.Expose());
    response.set_version(found.info.version);
    response.set_unverified(found.unverified);
    SetTimestamp(found.info.create_time, *response.mutable_create_time());
    if (!found.info.provider.empty()) {
      // A provider that has left the configuration leaves the secret readable, without advice.
      if (const auto provider = find_static_provider_(found.info.provider); provider.ok()) {
        response.set_header_name(provider->header_name);
        response.set_header_value_prefix(provider->value_prefix);
      }
    }
    return response;
  }

  AuthFlow& flow_;
  Refresher& refresher_;
  Revoker& revoker_;
  StaticSecrets& static_secrets_;
  const FindStaticProvider find_static_provider_;
};

// Binds a member coroutine; the methods outlive every call.
template <typename Request, typename Response>
std::unique_ptr<Method> OnLoop(const std::shared_ptr<AuthMethods>& methods,
                               Awaitable<Response> (AuthMethods::*handler)(Call, Wiped<Request>)) {
  return std::make_unique<UnaryMethod<Request, Response>>(
      [methods, handler](Call call, Wiped<Request> request) {
        return ((*methods).*handler)(std::move(call), std::move(request));
      });
}

// The same with an answer from memory first.
template <typename Request, typename Response>
std::unique_ptr<Method> Hot(
    const std::shared_ptr<AuthMethods>& methods,
    Awaitable<Response> (AuthMethods::*handler)(Call, Wiped<Request>),
    std::optional<absl::StatusOr<Response>> (AuthMethods::*from_memory)(const Request&)) {
  return std::make_unique<UnaryMethod<Request, Response>>(
      [methods, handler](Call call, Wiped<Request> request) {
        return ((*methods).*handler)(std::move(call), std::move(request));
      },
      [methods, from_memory](const Request& request) { return ((*methods).*from_memory)(request); }, kHot);
}

}  // namespace

std::unique_ptr<RawService> MakeAuthService(const RpcRooms& rooms) {
  const auto methods = std::make_shared<AuthMethods>(rooms);
  auto service = std::make_unique<RawService>(*v1::RefreshRequest::descriptor()->file()->service(0));
  service->Bind("StartAuth", OnLoop(methods, &AuthMethods::StartAuth));
  service->Bind("CompleteAuth", OnLoop(methods, &AuthMethods::CompleteAuth));
  service->Bind("Refresh", Hot(methods, &AuthMethods::Refresh, &AuthMethods::RefreshFromMemory));
  service->Bind("GetStaticSecret",
                Hot(methods, &AuthMethods::GetStaticSecret, &AuthMethods::StaticSecretFromMemory));
  service->Bind("GetGrant", OnLoop(methods, &AuthMethods::GetGrant));
  if (rooms.watches != nullptr) service->Bind("WatchGrants", MakeWatchGrants(*rooms.watches));
  service->Bind("RevokeGrant", OnLoop(methods, &AuthMethods::RevokeGrant));
  return service;
}

}  // namespace grantkeep::rpc
