// SPDX-License-Identifier: Apache-2.0
#include "rpc/watch_grants.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "base/reason.h"
#include "grantkeep/v1/auth.pb.h"
#include "refresh/grant_watches.h"
#include "rpc/convert.h"
#include "rpc/stream_method.h"

namespace grantkeep::rpc {
namespace {

using boost::asio::awaitable;

// A thousand grants with subjects of some length are more than other requests may have.
constexpr MethodLimits kManyGrants{.max_request_bytes = size_t{128} * 1024, .asked_ahead = 4};

absl::Status CheckForDuplicates(const v1::WatchGrantsRequest& request) {
  absl::flat_hash_set<std::pair<std::string_view, std::string_view>> seen;
  for (int i = 0; i < request.grants_size(); ++i) {
    const v1::WatchGrantsRequest::Watched& watched = request.grants(i);
    if (!seen.emplace(watched.subject(), watched.grant_id()).second) {
      return FieldError(fmt::format("grants[{}]", i), "is the same grant as one before it");
    }
  }
  return absl::OkStatus();
}

// Whether the caller may be told more: asked before every message. Today whoever could open the stream may go
// on; a caller's identity that expires and a policy that changes are to end it here.
absl::Status MayGoOn(const Call&) { return absl::OkStatus(); }

Wiped<v1::WatchGrantsResponse> ToResponse(const TenantId& tenant, const WatchedGrant& name,
                                          const GrantNews& news) {
  Wiped<v1::WatchGrantsResponse> response;
  response->set_not_found(news.not_found);
  response->set_unverified(news.unverified);
  v1::Grant& grant = *response->mutable_grant();
  if (!news.stored.has_value()) {
    grant.set_grant_id(name.grant.value());
    grant.set_tenant(tenant.value());
    grant.set_subject(name.subject.value());
    return response;
  }
  const storage::v1::Grant& stored = *news.stored->grant;
  grant = GrantToProto(tenant, stored);
  if (news.token_is_valid) {
    response->set_access_token(stored.access_token());
    response->set_token_type(stored.token_type());
  }
  return response;
}

awaitable<absl::Status> WatchGrants(GrantWatches& watches, Call call, Wiped<v1::WatchGrantsRequest> request,
                                    std::shared_ptr<AnswerStream> stream) {
  const TenantId tenant(request->tenant());
  std::vector<WatchedGrant> names;
  names.reserve(static_cast<size_t>(request->grants_size()));
  for (const auto& watched : request->grants()) {
    names.push_back({SubjectId(watched.subject()), GrantId(watched.grant_id())});
  }
  const std::unique_ptr<GrantWatches::Watch> watch = watches.Open(tenant, names);
  const AnswerStream::EndListener end(stream, [&watch] { watch->End(); });
  for (;;) {
    const std::optional<GrantNews> news = co_await watch->Next();
    if (!news.has_value()) co_return absl::OkStatus();
    if (absl::Status may = MayGoOn(call); !may.ok()) co_return may;
    Wiped<v1::WatchGrantsResponse> response = ToResponse(tenant, names[news->place], *news);
    const bool sent = co_await stream->Send(Serialize(*response));
    if (!sent) co_return absl::OkStatus();
  }
}

}  // namespace

std::unique_ptr<Method> MakeWatchGrants(GrantWatches& watches) {
  return std::make_unique<StreamMethod<v1::WatchGrantsRequest>>(
      [&watches](Call call, Wiped<v1::WatchGrantsRequest> request, std::shared_ptr<AnswerStream> stream) {
        return WatchGrants(watches, std::move(call), std::move(request), std::move(stream));
      },
      CheckForDuplicates, kManyGrants);
}

}  // namespace grantkeep::rpc
