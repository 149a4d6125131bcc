// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <chrono>

#include "client/cli/commands.h"
#include "client/cli/text.h"

namespace grantkeep::cli {
namespace {

constexpr size_t kMaxValue = 65536;

Attempt TryingWith(const Context& context, std::string_view verb, const std::string& name) {
  Attempt attempt = context.Trying(fmt::format("{} secret {}", verb, name));
  attempt.secret = name;
  return attempt;
}

// From standard input, or typed. Room for the newline that is taken off again.
absl::StatusOr<std::string> ReadValue(const Context& context, const SecretPutArguments& arguments) {
  const bool typed = context.console.InIsTerminal();
  absl::StatusOr<std::string> value =
      typed ? context.console.Prompt(fmt::format("Value of {}: ", Printable(arguments.name)))
            : context.console.ReadAll(kMaxValue + 2);
  if (!value.ok()) return value;
  if (!typed && !arguments.raw && value->ends_with('\n')) {
    value->pop_back();
    if (value->ends_with('\r')) value->pop_back();
  }
  if (value->empty()) return absl::InvalidArgumentError("the value is empty");
  if (value->size() > kMaxValue) {
    Wipe(*value);
    return absl::InvalidArgumentError(fmt::format("the value is longer than {} bytes", kMaxValue));
  }
  return value;
}

}  // namespace

ExitCode Run(const Context& context, const SecretPutArguments& arguments) {
  Attempt attempt = TryingWith(context, "store", arguments.name);
  attempt.provider = arguments.provider;
  auto value = ReadValue(context, arguments);
  if (!value.ok()) return context.Failed(value.status(), attempt);
  v1::PutStaticSecretRequest request;
  request.set_tenant(context.globals.tenant);
  request.set_name(arguments.name);
  request.set_provider(arguments.provider);
  if (arguments.expected_version.has_value()) request.set_expected_version(*arguments.expected_version);
  *request.mutable_value() = std::move(*value);
  const auto response = context.client.PutStaticSecret(request);
  Wipe(*request.mutable_value());
  if (!response.ok()) return context.Failed(response.status(), attempt);
  if (context.globals.json) return context.PrintJson(*response);
  return context.Print(fmt::format("{} is at version {}\n", Printable(arguments.name), response->version()));
}

ExitCode Run(const Context& context, const SecretGetArguments& arguments) {
  v1::GetStaticSecretRequest request;
  request.set_tenant(context.globals.tenant);
  request.set_name(arguments.name);
  request.set_version(arguments.version);
  auto response = context.client.GetStaticSecret(request);
  if (!response.ok()) return context.Failed(response.status(), TryingWith(context, "get", arguments.name));
  std::string& value = *response->mutable_value();
  if (response->unverified()) {
    context.Warn("the store does not answer; the secret may have been replaced or deleted elsewhere");
  }
  ExitCode code = kOk;
  if (context.globals.json) {
    code = context.PrintJson(*response);
  } else if (context.console.OutIsTerminal()) {
    if (!IsPrintable(value)) {
      context.console.Err("some bytes are shown escaped; redirect the output to get them as they are\n");
    }
    std::string shown = Printable(value) + "\n";
    code = context.Print(shown);
    Wipe(shown);
  } else {
    code = context.Print(value);
  }
  Wipe(value);
  return code;
}

ExitCode Run(const Context& context, const SecretListArguments&) {
  v1::ListStaticSecretsRequest request;
  request.set_tenant(context.globals.tenant);
  const auto secrets = context.client.ListAllStaticSecrets(request);
  if (!secrets.ok()) return context.Failed(secrets.status(), context.Trying("list secrets"));
  if (context.globals.json) {
    v1::ListStaticSecretsResponse all;
    all.mutable_static_secrets()->Add(secrets->begin(), secrets->end());
    return context.PrintJson(all);
  }
  if (secrets->empty() && context.console.OutIsTerminal()) {
    context.console.Err("no secrets; to store one, run: grantkeep secret put NAME\n");
  }
  std::vector<std::vector<std::string>> rows = {{"NAME", "VERSION", "BYTES", "PROVIDER", "STORED"}};
  for (const v1::StaticSecret& secret : *secrets) {
    rows.push_back({secret.name(), std::to_string(secret.version()), std::to_string(secret.size()),
                    secret.provider().empty() ? "-" : secret.provider(),
                    TimeAndDistance(secret.create_time(), std::chrono::system_clock::now())});
  }
  return context.PrintTable(rows);
}

ExitCode Run(const Context& context, const SecretDeleteArguments& arguments) {
  v1::DeleteStaticSecretRequest request;
  request.set_tenant(context.globals.tenant);
  request.set_name(arguments.name);
  if (arguments.expected_version.has_value()) request.set_expected_version(*arguments.expected_version);
  const auto response = context.client.DeleteStaticSecret(request);
  if (!response.ok()) return context.Failed(response.status(), TryingWith(context, "delete", arguments.name));
  if (context.globals.json) return context.PrintJson(*response);
  return context.Print(fmt::format("{} is deleted\n", Printable(arguments.name)));
}

}  // namespace grantkeep::cli
