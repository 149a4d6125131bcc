// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_COMMANDS_H_
#define GRANTKEEP_CLIENT_CLI_COMMANDS_H_

#include "client/cli/arguments.h"
#include "client/cli/console.h"
#include "client/cli/failure.h"
#include "grantkeep/client.h"

namespace grantkeep::cli {

// What every command works with. All of it outlives the command.
struct LocalContext {
  const Console& console;
  const Globals& globals;

  ExitCode Failed(const absl::Status& status, const Attempt& attempt) const {
    return Fail(console, globals.json, CallError::From(status), attempt);
  }
  // A line on stderr, "grantkeep: warning: ...".
  void Warn(std::string_view what) const;
  // Prints a result; the failure of that is the command's.
  ExitCode Print(std::string_view text) const;
  // The message as one JSON document on one line, by proto3's JSON mapping, with the proto's field
  // names.
  ExitCode PrintJson(const google::protobuf::Message& message) const;
  // A document of JsonOf, or made of such; wiped.
  ExitCode PrintJson(std::string json) const;
  // Rows under a headline, as text.
  ExitCode PrintTable(const std::vector<std::vector<std::string>>& rows) const;
};

// The same for commands that call the service.
struct Context : LocalContext {
  Context(const Console& console_, const Globals& globals_, Client& client_)
      : LocalContext{console_, globals_}, client(client_) {}
  Client& client;

  Attempt Trying(std::string what) const {
    return {.what = std::move(what),
            .address = client.address(),
            .address_from = globals.address_from,
            .tenant = globals.tenant,
            .subject = globals.subject,
            .provider = "",
            .secret = "",
            .grant = ""};
  }
};

// The message as one line of JSON that a terminal can be shown; empty when it cannot be written so.
std::string JsonOf(const google::protobuf::Message& message);

// Each runs one command to its end and prints result or failure.
ExitCode Run(const Context& context, const LoginArguments& arguments);
ExitCode Run(const Context& context, const TokenArguments& arguments);
ExitCode Run(const Context& context, const SecretPutArguments& arguments);
ExitCode Run(const Context& context, const SecretGetArguments& arguments);
ExitCode Run(const Context& context, const SecretListArguments& arguments);
ExitCode Run(const Context& context, const SecretDeleteArguments& arguments);
ExitCode Run(const Context& context, const GrantsListArguments& arguments);
ExitCode Run(const Context& context, const GrantsShowArguments& arguments);
// Until the service ends the stream, or a signal ends this process.
ExitCode Run(const Context& context, const GrantsWatchArguments& arguments);
ExitCode Run(const Context& context, const GrantsRevokeArguments& arguments);
ExitCode Run(const Context& context, const ProvidersServerArguments& arguments);
ExitCode Run(const Context& context, const AdminAdoptArguments& arguments);
// Makes its own client: an address that is none is something to report.
ExitCode Run(const LocalContext& context, const DoctorArguments& arguments);
// These call nobody.
ExitCode Run(const LocalContext& context, const ProvidersListArguments& arguments);
ExitCode Run(const LocalContext& context, const ProvidersShowArguments& arguments);
ExitCode Run(const LocalContext& context, const ProvidersCheckArguments& arguments);

// What is wrong with the address in use, by the name of what gave it, as `status` of Client::Create says.
CallError AddressError(const Globals& globals, const absl::Status& status);

// A grant for people, several lines.
std::string Describe(const v1::Grant& grant);
// A word of it: "ACTIVE", "UNKNOWN".
std::string StateName(v1::GrantState state);
// When its token expires.
std::string Expiry(const v1::Grant& grant);

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_COMMANDS_H_
