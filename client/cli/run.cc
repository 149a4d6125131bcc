// SPDX-License-Identifier: Apache-2.0
#include "client/cli/run.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <utility>
#include <variant>

#include "client/cli/colours.h"
#include "client/cli/commands.h"
#include "client/cli/text.h"

namespace grantkeep::cli {

namespace {

Attempt Doing(std::string what) {
  return {.what = std::move(what),
          .address = {},
          .address_from = {},
          .tenant = {},
          .subject = {},
          .provider = {},
          .secret = {},
          .grant = {}};
}

// Commands that need no address, or none that is right.
template <typename Arguments>
constexpr bool kIsLocal =
    requires(const LocalContext& context, const Arguments& arguments) { Run(context, arguments); };

template <typename Arguments>
ExitCode Dispatch(const LocalContext& local, const Arguments& arguments) {
  if constexpr (kIsLocal<Arguments>) {
    return Run(local, arguments);
  } else {
    const auto client = Client::Create({.address = local.globals.address, .timeout = local.globals.timeout});
    if (!client.ok()) {
      const CallError error = AddressError(local.globals, client.status());
      return Fail(local.console, local.globals.json, error, Doing("connect"));
    }
    return Run(Context(local.console, local.globals, **client), arguments);
  }
}

}  // namespace

CallError AddressError(const Globals& globals, const absl::Status& status) {
  constexpr std::string_view kField = "address: ";
  CallError error = CallError::From(status);
  if (!error.message.starts_with(kField)) return error;
  error.message.erase(0, kField.size());
  const std::string from = globals.address_from.empty() ? "--address" : globals.address_from;
  error.fields.push_back({.name = from, .description = error.message});
  error.message = (globals.address_from.empty() ? "the default address" : from) + ": " + error.message;
  return error;
}

ExitCode LocalContext::Print(std::string_view text) const {
  const absl::Status status = console.Out(text);
  return status.ok() ? kOk : Failed(status, Doing("print the result"));
}

void LocalContext::Warn(std::string_view what) const {
  console.Err(fmt::format("{} {}\n", Colours(console.err).Doubtful("grantkeep: warning:"), what));
}

ExitCode LocalContext::PrintTable(const std::vector<std::vector<std::string>>& rows) const {
  const std::string table = Table(rows);
  const size_t headline = table.find('\n');
  return Print(Colours(console.out).Heading(table.substr(0, headline)) + table.substr(headline));
}

std::string JsonOf(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) return "";
  std::string safe = TerminalSafeJson(json);
  Wipe(json);
  return safe;
}

ExitCode LocalContext::PrintJson(const google::protobuf::Message& message) const {
  return PrintJson(JsonOf(message));
}

ExitCode LocalContext::PrintJson(std::string json) const {
  if (json.empty()) {
    return Failed(absl::InternalError("the answer cannot be written as JSON"), Doing("print the result"));
  }
  json += '\n';
  const ExitCode code = Print(json);
  Wipe(json);
  return code;
}

int RunCommandLine(const std::vector<std::string>& arguments, const Console& console) {
  const std::variant<Invocation, Stop> parsed = ParseArguments(arguments);
  if (const Stop* stop = std::get_if<Stop>(&parsed)) {
    console.Err(stop->err);
    return console.Out(stop->out).ok() ? stop->code : kFailed;
  }
  const Invocation& invocation = std::get<Invocation>(parsed);
  const LocalContext context{.console = console, .globals = invocation.globals};
  return std::visit([&](const auto& command) { return Dispatch(context, command); }, invocation.command);
}

}  // namespace grantkeep::cli
