// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>

#include "client/cli/commands.h"
#include "client/cli/grant_state.h"
#include "client/cli/text.h"

namespace grantkeep::cli {
namespace {

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
  std::vector<std::vector<std::string>> rows = {
      {"grant", grant.grant_id()},    {"tenant", grant.tenant()},          {"subject", grant.subject()},
      {"provider", grant.provider()}, {"state", StateName(grant.state())},
  };
  if (grant.state() != v1::GRANT_STATE_ACTIVE) {
    if (!grant.state_reason().empty()) rows.push_back({"because", StateReason(grant.state_reason())});
    if (grant.has_state_time()) {
      rows.push_back({"since", TimeAndDistance(grant.state_time(), std::chrono::system_clock::now())});
    }
    if (const std::string next = NextStep(grant); !next.empty()) rows.push_back({"next", next});
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
  if (response->unverified()) {
    context.Warn("the store does not answer; the grant may have been changed or revoked elsewhere");
  }
  if (context.globals.json) return context.PrintJson(response->grant());
  return context.Print(Describe(response->grant()));
}

}  // namespace grantkeep::cli
