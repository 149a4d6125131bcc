// SPDX-License-Identifier: Apache-2.0
#include "client/cli/run.h"

#include <google/protobuf/util/json_util.h>

#include <variant>

#include "client/cli/commands.h"
#include "client/cli/text.h"

namespace grantkeep::cli {

ExitCode Context::Print(std::string_view text) const {
  const absl::Status status = console.Out(text);
  return status.ok() ? kOk : Failed(status, Trying("print the result"));
}

ExitCode Context::PrintJson(const google::protobuf::Message& message) const {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) {
    return Failed(absl::InternalError("the answer cannot be written as JSON"), Trying("print the result"));
  }
  std::string safe = TerminalSafeJson(json) + "\n";
  const ExitCode code = Print(safe);
  Wipe(json);
  Wipe(safe);
  return code;
}

int RunCommandLine(const std::vector<std::string>& arguments, const Console& console) {
  const std::variant<Invocation, Stop> parsed = ParseArguments(arguments);
  if (const Stop* stop = std::get_if<Stop>(&parsed)) {
    console.Err(stop->err);
    return console.Out(stop->out).ok() ? stop->code : kFailed;
  }
  const Invocation& invocation = std::get<Invocation>(parsed);
  const auto client =
      Client::Create({.address = invocation.globals.address, .timeout = invocation.globals.timeout});
  if (!client.ok()) {
    const Attempt attempt{
        .what = "connect", .address = {}, .tenant = {}, .subject = {}, .provider = {}, .secret = {}};
    return Fail(console, invocation.globals.json, client.status(), attempt);
  }
  const Context context{.console = console, .globals = invocation.globals, .client = **client};
  return std::visit([&](const auto& command) { return Run(context, command); }, invocation.command);
}

}  // namespace grantkeep::cli
