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

}  // namespace

absl::Status CheckSameServer(const Provider* provider, const std::string& id, const std::string& issuer,
                             const std::string& token_endpoint) {
  if (provider == nullptr || provider->is_static()) {
    return Error(Reason::kClientMisconfigured, fmt::format("provider '{}' is not configured any more", id));
  }
  const config::v1::Provider& record = provider->record();
  if (record.issuer() != issuer) {
    return Error(Reason::kClientMisconfigured,
                 fmt::format("provider '{}' has another issuer now ('{}') than at the sign-in ('{}')", id,
                             record.issuer(), issuer));
  }
  if (issuer.empty() && OriginOf(record.token_endpoint()) != OriginOf(token_endpoint)) {
    return Error(
        Reason::kClientMisconfigured,
        fmt::format("provider '{}' has its token endpoint at another origin than at the sign-in", id));
  }
  return absl::OkStatus();
}

}  // namespace grantkeep
