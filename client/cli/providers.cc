// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>

#include "client/cli/commands.h"
#include "client/cli/text.h"
#include "config/yaml.h"
#include "config/yaml_scalars.h"
#include "provider/built_in.h"
#include "provider/check.h"
#include "provider/provider.h"

namespace grantkeep::cli {
namespace {

std::string_view KindOf(const config::v1::Provider& record) {
  return record.kind() == config::v1::PROVIDER_KIND_STATIC ? "static" : "oauth";
}

std::string_view KindOf(const v1::ProviderStatus& provider) {
  return provider.kind() == v1::PROVIDER_KIND_STATIC ? "static" : "oauth";
}

std::string Secrets(const v1::ProviderStatus& provider) {
  std::string all;
  for (const v1::ClientSecretStatus& secret : provider.client_secrets()) {
    if (!all.empty()) all += ", ";
    all += secret.reference() + (secret.readable() ? "" : " (cannot be read)");
  }
  return all.empty() ? "-" : all;
}

ExitCode PrintDocument(const LocalContext& context, const boost::json::value& document) {
  return context.Print(TerminalSafeJson(boost::json::serialize(document)) + "\n");
}

Attempt Trying(std::string what) {
  return {.what = std::move(what),
          .address = {},
          .address_from = {},
          .tenant = {},
          .subject = {},
          .provider = {},
          .secret = {},
          .grant = {}};
}

// The daemon would take it, if with a warning.
bool Accepted(const CheckedProviders& checked) {
  return std::ranges::all_of(checked.problems, &ProviderProblem::warning);
}

std::string ProblemsAsText(const CheckedProviders& checked, const std::string& file) {
  std::string text;
  for (const ProviderProblem& problem : checked.problems) {
    const std::string place = problem.line == 0 ? file : fmt::format("{}:{}", file, problem.line);
    const std::string field = problem.path.empty() ? "" : problem.path + ": ";
    text +=
        Printable(fmt::format("{}: {}{}{}", place, problem.warning ? "warning: " : "", field, problem.what)) +
        "\n";
  }
  if (!Accepted(checked)) return text;
  return text +
         Printable(fmt::format("{}: ok, {}", file,
                               checked.configuration ? fmt::format("{} providers", checked.providers)
                                                     : std::string("one provider's record"))) +
         "\n";
}

boost::json::value ProblemsAsJson(const CheckedProviders& checked, const std::string& file) {
  boost::json::array problems;
  for (const ProviderProblem& problem : checked.problems) {
    problems.push_back({{"line", problem.line},
                        {"field", problem.path},
                        {"message", problem.what},
                        {"warning", problem.warning}});
  }
  return {{"file", file},
          {"ok", Accepted(checked)},
          {"providers", checked.providers},
          {"problems", std::move(problems)}};
}

}  // namespace

ExitCode Run(const LocalContext& context, const ProvidersListArguments&) {
  boost::json::array providers;
  std::vector<std::vector<std::string>> rows = {{"NAME", "KIND", "DISPLAY NAME"}};
  for (const auto& [name, record] : Catalogue::BuiltIn()) {
    rows.push_back({name, std::string(KindOf(record)), record.display_name()});
    providers.push_back({{"name", name}, {"kind", KindOf(record)}, {"display_name", record.display_name()}});
  }
  if (context.globals.json) return PrintDocument(context, {{"providers", std::move(providers)}});
  return context.PrintTable(rows);
}

ExitCode Run(const Context& context, const ProvidersServerArguments&) {
  const auto status = context.client.GetServerStatus({});
  if (!status.ok()) return context.Failed(status.status(), context.Trying("list the daemon's providers"));
  if (context.globals.json) return context.PrintJson(*status);
  if (status->providers().empty() && context.console.OutIsTerminal()) {
    context.console.Err("the daemon has none; its configuration lists them under `providers`\n");
  }
  std::vector<std::vector<std::string>> rows = {{"PROVIDER", "KIND", "DISPLAY NAME", "CLIENT SECRETS"}};
  for (const v1::ProviderStatus& provider : status->providers()) {
    rows.push_back({provider.provider(), std::string(KindOf(provider)),
                    provider.display_name().empty() ? "-" : provider.display_name(), Secrets(provider)});
  }
  return context.PrintTable(rows);
}

ExitCode Run(const LocalContext& context, const ProvidersShowArguments& arguments) {
  const auto& built_in = Catalogue::BuiltIn();
  std::vector<std::string> names;
  names.reserve(built_in.size());
  for (const auto& [name, record] : built_in) names.push_back(name);
  const auto found = built_in.find(arguments.name);
  if (found == built_in.end()) {
    const std::string_view nearest = NearestWord(arguments.name, names);
    absl::Status status = absl::NotFoundError(fmt::format(
        "no built-in provider has this name{}",
        nearest.empty() ? "; those that are: grantkeep providers list; the daemon's own: grantkeep providers "
                          "list --server"
                        : fmt::format("; did you mean {}?", nearest)));
    return context.Failed(status, Trying("show provider " + arguments.name));
  }
  if (context.globals.json) return context.PrintJson(found->second);
  for (const EmbeddedFile& file : EmbeddedCatalogue()) {
    if (file.name == arguments.name) return context.Print(file.text);
  }
  return kFailed;
}

ExitCode Run(const LocalContext& context, const ProvidersCheckArguments& arguments) {
  const absl::StatusOr<std::string> text = ReadYamlText(arguments.file);
  if (!text.ok()) {
    // Without what the service's errors carry: this is the command's own.
    const absl::Status unreadable = absl::UnknownError(text.status().message());
    return context.Failed(unreadable, Trying("check providers"));
  }
  const std::string name = std::filesystem::path(arguments.file).stem().string();
  const CheckedProviders checked = CheckProviders(*text, name, arguments.development);
  const ExitCode printed = context.globals.json
                               ? PrintDocument(context, ProblemsAsJson(checked, arguments.file))
                               : context.Print(ProblemsAsText(checked, arguments.file));
  return printed == kOk && !Accepted(checked) ? kFailed : printed;
}

}  // namespace grantkeep::cli
