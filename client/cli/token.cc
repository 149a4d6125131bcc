// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "client/cli/commands.h"
#include "client/cli/text.h"

namespace grantkeep::cli {
namespace {

// %x21-7E and the space that some token types have inside. A line feed would end the header
// into which the token is pasted.
bool FitsHeader(std::string_view token) {
  return !token.empty() && std::ranges::all_of(token, [](char c) { return c >= 0x20 && c < 0x7f; });
}

// Where to sign in again; empty when the service does not say.
std::string ProviderOf(const Context& context, const std::string& grant) {
  v1::GetGrantRequest request;
  request.set_tenant(context.globals.tenant);
  request.set_subject(context.globals.subject);
  request.set_grant_id(grant);
  const auto response = context.client.GetGrant(request);
  return response.ok() ? response->grant().provider() : "";
}

// Why the token lives shorter than was asked for, or may be an old one; empty when all is well.
std::string Shortcoming(const v1::RefreshResponse& response) {
  switch (response.freshness()) {
    case v1::FRESHNESS_BELOW_MIN_TTL:
      return "it is the newest there can be, and tokens of this provider do not live longer";
    case v1::FRESHNESS_STALE_OK:
      return "it could not be renewed now; grantkeep doctor may tell why";
    case v1::FRESHNESS_UNVERIFIED:
      return "the store does not answer; the token may have been replaced or revoked elsewhere";
    default:
      return "";
  }
}

void WarnIfShort(const Context& context, const v1::RefreshResponse& response) {
  const std::string why = Shortcoming(response);
  if (why.empty()) return;
  const std::string expiry =
      response.has_expire_time()
          ? " expires " + TimeAndDistance(response.expire_time(), std::chrono::system_clock::now())
          : " may expire sooner than asked for";
  context.Warn(fmt::format("the token{}: {}", expiry, why));
}

}  // namespace

ExitCode Run(const Context& context, const TokenArguments& arguments) {
  Attempt attempt = context.Trying(fmt::format("get a token for {}", arguments.grant));
  attempt.grant = arguments.grant;
  v1::RefreshRequest request;
  request.set_tenant(context.globals.tenant);
  request.set_subject(context.globals.subject);
  request.set_grant_id(arguments.grant);
  request.set_rejected_generation(arguments.rejected_generation);
  if (arguments.min_ttl.has_value()) {
    request.mutable_min_ttl()->set_seconds(arguments.min_ttl->count() / 1000);
    request.mutable_min_ttl()->set_nanos(static_cast<int32_t>(arguments.min_ttl->count() % 1000 * 1'000'000));
  }
  auto response = context.client.Refresh(request);
  if (!response.ok()) {
    const CallError error = CallError::From(response.status());
    if (error.reason == "CLIENT_MISCONFIGURED") attempt.provider = ProviderOf(context, arguments.grant);
    return context.Failed(response.status(), attempt);
  }
  std::string& token = *response->mutable_access_token();
  ExitCode code = kOk;
  if (context.globals.json) {
    code = context.PrintJson(*response);
  } else if (!FitsHeader(token)) {
    code = context.Failed(absl::UnknownError("the provider's token has characters that no header can carry; "
                                             "see it with --output json"),
                          attempt);
  } else {
    WarnIfShort(context, *response);
    token += '\n';
    code = context.Print(token);
  }
  Wipe(token);
  return code;
}

}  // namespace grantkeep::cli
