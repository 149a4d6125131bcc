// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>

#include "client/cli/commands.h"
#include "client/cli/text.h"

namespace grantkeep::cli {
namespace {

// "g_1  ACTIVE  generation 3  token expires 2026-11-23T02:10:00Z (in 9 min)"
std::string Line(const v1::WatchGrantsResponse& news) {
  const v1::Grant& grant = news.grant();
  const std::string id = Printable(grant.grant_id());
  if (news.not_found()) return fmt::format("{}  there is no such grant of this subject\n", id);
  if (grant.state() == v1::GRANT_STATE_UNSPECIFIED) {
    return fmt::format("{}  not known: the store does not answer\n", id);
  }
  std::string line = fmt::format("{}  {}", id, StateName(grant.state()));
  if (!grant.state_reason().empty()) line += fmt::format(" ({})", Printable(grant.state_reason()));
  if (grant.state() != v1::GRANT_STATE_REVOKED) {
    line += fmt::format("  generation {}  token expires {}", grant.generation(), Expiry(grant));
  }
  return line + (news.unverified() ? "  not verified: the store does not answer\n" : "\n");
}

// The token is left out: whether there is one is said.
std::string Document(const v1::WatchGrantsResponse& news) {
  const std::string grant = JsonOf(news.grant());
  if (grant.empty()) return "";
  return fmt::format(R"({{"grant":{},"not_found":{},"unverified":{},"has_token":{}}})", grant,
                     news.not_found(), news.unverified(), !news.access_token().empty());
}

}  // namespace

ExitCode Run(const Context& context, const GrantsWatchArguments& arguments) {
  v1::WatchGrantsRequest request;
  request.set_tenant(context.globals.tenant);
  for (const std::string& grant : arguments.grants) {
    v1::WatchGrantsRequest::Watched& watched = *request.add_grants();
    watched.set_subject(context.globals.subject);
    watched.set_grant_id(grant);
  }
  ExitCode code = kOk;
  const absl::Status ended = context.client.WatchGrants(request, [&](v1::WatchGrantsResponse& news) {
    code = context.globals.json ? context.PrintJson(Document(news)) : context.Print(Line(news));
    Wipe(*news.mutable_access_token());
    return code == kOk;
  });
  if (!ended.ok()) return context.Failed(ended, context.Trying("watch grants"));
  return code;
}

}  // namespace grantkeep::cli
