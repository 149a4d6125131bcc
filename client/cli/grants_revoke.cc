// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "client/cli/commands.h"
#include "client/cli/text.h"

namespace grantkeep::cli {
namespace {

constexpr char kAtProvider[] = "it is revoked at its provider, too";
constexpr char kNotAtProvider[] =
    "its provider has not confirmed yet: where it can be asked it is, again and again; what is sure is the\n"
    "user's own way to take the app's access away there";

CallError NotConfirmed() {
  CallError error;
  error.code = absl::StatusCode::kFailedPrecondition;
  error.message = "it was not confirmed; nothing was changed";
  return error;
}

}  // namespace

ExitCode Run(const Context& context, const GrantsRevokeArguments& arguments) {
  const Attempt attempt = context.Trying("revoke grant " + arguments.grant);
  if (context.console.InIsTerminal() && !arguments.yes &&
      !context.console.Confirm(fmt::format("Revoke grant {} of {}? It cannot be taken back.",
                                           Printable(arguments.grant), Printable(context.globals.subject)))) {
    return Fail(context.console, context.globals.json, NotConfirmed(), attempt);
  }
  v1::RevokeGrantRequest request;
  request.set_tenant(context.globals.tenant);
  request.set_subject(context.globals.subject);
  request.set_grant_id(arguments.grant);
  const auto response = context.client.RevokeGrant(request);
  if (!response.ok()) return context.Failed(response.status(), attempt);
  if (context.globals.json) return context.PrintJson(*response);
  return context.Print(fmt::format("{} is forgotten: nobody gets a token of it any more\n{}\n",
                                   Printable(arguments.grant),
                                   response->revoked_at_provider() ? kAtProvider : kNotAtProvider));
}

}  // namespace grantkeep::cli
