// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>

#include "client/cli/commands.h"
#include "client/cli/text.h"

namespace grantkeep::cli {
namespace {

// What a state other than ACTIVE means for the user of the grant; empty for ACTIVE.
std::string Consequence(const v1::Grant& grant) {
  switch (grant.state()) {
    case v1::GRANT_STATE_IN_DOUBT:
      return "a refresh was sent and its outcome is not known; the service settles it with the next refresh";
    case v1::GRANT_STATE_NEEDS_REAUTH:
      return fmt::format("refreshing has ended; run: grantkeep login {}", grant.provider());
    case v1::GRANT_STATE_REVOKED:
      return "revoked; nothing is left to use";
    default:
      return "";
  }
}

// Whether the token is still replaced when it expires.
std::string Refreshable(const v1::Grant& grant) {
  if (grant.state() == v1::GRANT_STATE_NEEDS_REAUTH || grant.state() == v1::GRANT_STATE_REVOKED) return "no";
  return grant.refreshable() ? "yes" : "no: the user signs in again at expiry";
}

}  // namespace

std::string StateName(v1::GrantState state) {
  constexpr std::string_view kPrefix = "GRANT_STATE_";
  const std::string name = v1::GrantState_Name(state);
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : "UNKNOWN";
}

std::string Expiry(const v1::Grant& grant) {
  if (!grant.has_access_token_expire_time()) return "not known";
  return TimeAndDistance(grant.access_token_expire_time(), std::chrono::system_clock::now());
}

std::string Describe(const v1::Grant& grant) {
  const std::string state = StateName(grant.state()) +
                            (grant.state_reason().empty() ? "" : fmt::format(" ({})", grant.state_reason()));
  std::vector<std::vector<std::string>> rows = {
      {"grant", grant.grant_id()},    {"tenant", grant.tenant()}, {"subject", grant.subject()},
      {"provider", grant.provider()}, {"state", state},
  };
  if (const std::string consequence = Consequence(grant); !consequence.empty()) {
    if (grant.has_state_time()) {
      rows.push_back({"since", TimeAndDistance(grant.state_time(), std::chrono::system_clock::now())});
    }
    rows.push_back({"", consequence});
  }
  const std::vector<std::vector<std::string>> rest = {
      {"scopes", grant.scopes().empty() ? "(none said)" : fmt::format("{}", fmt::join(grant.scopes(), " "))},
      {"generation", std::to_string(grant.generation())},
      {"token expires", Expiry(grant)},
      {"refreshable", Refreshable(grant)},
  };
  rows.insert(rows.end(), rest.begin(), rest.end());
  if (grant.failed_refreshes() > 0) {
    const std::string next =
        grant.has_next_refresh_time()
            ? ", next try " + TimeAndDistance(grant.next_refresh_time(), std::chrono::system_clock::now())
            : "";
    rows.push_back({"refresh", fmt::format("failed {} times in a row{}", grant.failed_refreshes(), next)});
  }
  if (!grant.issuer().empty()) rows.push_back({"issuer", grant.issuer()});
  if (grant.resource_size() > 0)
    rows.push_back({"resource", fmt::format("{}", fmt::join(grant.resource(), " "))});
  if (grant.has_create_time()) {
    rows.push_back({"signed in", TimeAndDistance(grant.create_time(), std::chrono::system_clock::now())});
  }
  return Table(rows);
}

ExitCode Run(const Context& context, const GrantsListArguments& arguments) {
  v1::ListGrantsRequest request;
  request.set_tenant(context.globals.tenant);
  if (!arguments.all_subjects) request.set_subject(context.globals.subject);
  request.set_provider(arguments.provider);
  const auto grants = context.client.ListAllGrants(request);
  if (!grants.ok()) return context.Failed(grants.status(), context.Trying("list grants"));
  if (context.globals.json) {
    v1::ListGrantsResponse all;
    all.mutable_grants()->Add(grants->begin(), grants->end());
    return context.PrintJson(all);
  }
  if (grants->empty() && context.console.OutIsTerminal()) {
    context.console.Err("no grants; to make one, run: grantkeep login PROVIDER\n");
  }
  std::vector<std::vector<std::string>> rows = {{"GRANT", "SUBJECT", "PROVIDER", "STATE", "TOKEN EXPIRES"}};
  for (const v1::Grant& grant : *grants) {
    rows.push_back(
        {grant.grant_id(), grant.subject(), grant.provider(), StateName(grant.state()), Expiry(grant)});
  }
  return context.PrintTable(rows);
}

ExitCode Run(const Context& context, const GrantsShowArguments& arguments) {
  v1::GetGrantRequest request;
  request.set_tenant(context.globals.tenant);
  request.set_subject(context.globals.subject);
  request.set_grant_id(arguments.grant);
  const auto response = context.client.GetGrant(request);
  if (!response.ok()) {
    return context.Failed(response.status(), context.Trying("show grant " + arguments.grant));
  }
  if (context.globals.json) return context.PrintJson(response->grant());
  return context.Print(Describe(response->grant()));
}

}  // namespace grantkeep::cli
