// SPDX-License-Identifier: Apache-2.0
#include "refresh/same_server.h"

#include <fmt/format.h>

#include <string_view>

#include "base/reason.h"

namespace grantkeep {
namespace {

// Scheme and authority of a URL that was checked when it was configured.
std::string_view OriginOf(std::string_view url) {
  const size_t authority = url.find("://");
  return authority == std::string_view::npos ? url : url.substr(0, url.find('/', authority + 3));
}

absl::Status Another(std::string_view provider, std::string_view what) {
  return Error(Reason::kClientMisconfigured, fmt::format("provider '{}' {}", provider, what));
}

// A flow or a grant, which remember the server by the same fields.
template <typename SignIn>
absl::StatusOr<TokenServer> Find(const Provider* provider, const SignIn& sign_in) {
  if (provider == nullptr || provider->is_static()) {
    return Another(sign_in.provider(), "is not configured any more");
  }
  if (provider->is_discovered()) {
    if (provider->record().issuer() != sign_in.issuer()) {
      return Another(sign_in.provider(),
                     fmt::format("has another issuer now ('{}') than at the sign-in ('{}')",
                                 provider->record().issuer(), sign_in.issuer()));
    }
    if (sign_in.token_endpoint().empty()) {
      return Another(sign_in.provider(),
                     "has its endpoints by discovery now, and had them configured at the sign-in");
    }
    return TokenServer{sign_in.token_endpoint(), sign_in.revocation_endpoint(), true};
  }
  const UrlParts parts(sign_in.url_parts().begin(), sign_in.url_parts().end());
  const absl::StatusOr<UrlParts> allowed = ChooseUrlParts(provider->record(), parts);
  // Parts with defaults that came later are not those of the sign-in either.
  if (!allowed.ok() || *allowed != parts) {
    return Another(sign_in.provider(), "has url_parts that are not those of the sign-in any more");
  }
  ServerMetadata configured = provider->ConfiguredMetadata(parts);
  if (configured.issuer != sign_in.issuer()) {
    return Another(sign_in.provider(), fmt::format("has another issuer now ('{}') than at the sign-in ('{}')",
                                                   configured.issuer, sign_in.issuer()));
  }
  if (configured.issuer.empty() &&
      OriginOf(configured.token_endpoint) != OriginOf(sign_in.token_endpoint())) {
    return Another(sign_in.provider(), "has its token endpoint at another origin than at the sign-in");
  }
  return TokenServer{std::move(configured.token_endpoint), std::move(configured.revocation_endpoint), false};
}

}  // namespace

absl::StatusOr<TokenServer> ServerOf(const Provider* provider, const storage::v1::Flow& flow) {
  return Find(provider, flow);
}

absl::StatusOr<TokenServer> ServerOf(const Provider* provider, const storage::v1::Grant& grant) {
  return Find(provider, grant);
}

void KeepServer(const ServerMetadata& server, const UrlParts& parts, storage::v1::Flow& flow) {
  flow.set_issuer(server.issuer);
  flow.mutable_url_parts()->insert(parts.begin(), parts.end());
  if (server.discovered || server.issuer.empty()) flow.set_token_endpoint(server.token_endpoint);
  if (server.discovered) flow.set_revocation_endpoint(server.revocation_endpoint);
}

}  // namespace grantkeep
