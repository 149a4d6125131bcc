// SPDX-License-Identifier: Apache-2.0
#include "client/cli/usage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "client/cli/text.h"
#include "config/yaml_scalars.h"

namespace grantkeep::cli {
namespace {

struct Usage {
  std::string field;  // the option; may be empty
  std::string message;
};

// Something that looks like a name of ours, and not like a secret that has strayed.
bool IsWord(std::string_view text) {
  return !text.empty() && text.size() <= 24 &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
}

std::string Suggest(std::string_view given, const std::vector<std::string>& names) {
  const std::string_view nearest = NearestWord(given, names);
  return nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest);
}

std::vector<std::string> OptionNames(const CommandTree& tree) {
  std::vector<std::string> names;
  for (const CLI::App* app : {&tree.innermost(), &tree.root()}) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

Usage UnknownOption(const CommandTree& tree, std::string_view given, bool quiet) {
  const std::string name(given.substr(0, given.find('=')));
  const std::string suggestion = Suggest(name, OptionNames(tree));
  if (quiet || !name.starts_with("--") || !IsWord(std::string_view(name).substr(2))) {
    return {"", "there is an option with a wrong name" + suggestion};
  }
  return {name, fmt::format("{} is not an option of {}{}", name, tree.FullName(), suggestion)};
}

Usage UnknownCommand(const CommandTree& tree, const std::vector<std::string>& left) {
  std::vector<std::string> names;
  for (const CLI::App* command : tree.innermost().get_subcommands(nullptr)) {
    names.push_back(command->get_name());
  }
  if (left.empty() || left.front().starts_with('-')) {
    return {"", fmt::format("a command is missing: {}", fmt::join(names, ", "))};
  }
  const std::string word =
      IsWord(left.front()) ? fmt::format("{} {}", tree.FullName(), left.front()) : tree.FullName() + " ...";
  return {"", fmt::format("there is no command \"{}\"{}", word, Suggest(left.front(), names))};
}

Usage Describe(const CommandTree& tree, const CLI::ParseError& error) {
  const std::string message = error.what();
  const std::vector<std::string> left = tree.root().remaining(true);
  const bool group = !tree.innermost().get_subcommands(nullptr).empty();
  const bool extras = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  if (group && (extras || dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)) {
    const auto command = std::ranges::find_if(left, [](const std::string& word) { return word[0] != '-'; });
    if (command == left.end() && !left.empty()) return UnknownOption(tree, left.front(), false);
    return UnknownCommand(tree, {command, left.end()});
  }
  if (extras) {
    // The secret itself may stand here.
    const bool quiet = tree.innermost().get_name() == "put";
    Usage usage = left.empty() || !left.front().starts_with('-')
                      ? Usage{"", fmt::format("there is an argument too many for {}", tree.FullName())}
                      : UnknownOption(tree, left.front(), quiet);
    if (quiet) usage.message += "; the value is read from standard input, never from here";
    return usage;
  }
  // CLI11 begins with the option's name.
  const size_t colon = message.find(": ");
  const bool about_one = colon != std::string::npos && message.find(' ') > colon;
  return {about_one ? message.substr(0, colon) : "", message};
}

// `help` is asked again, for as much of its topic as there is.
std::string HelpFor(const CommandTree& tree) {
  const std::string name = tree.FullName();
  if (name != "grantkeep help") return name + " --help";
  const std::string topic = tree.KnownTopic();
  return topic.empty() ? name : name + " " + topic;
}

}  // namespace

Stop UsageError(const CommandTree& tree, const CLI::ParseError& error, bool json) {
  Usage usage = Describe(tree, error);
  const std::string next = "run: " + HelpFor(tree);
  if (json) {
    CallError failure{.code = absl::StatusCode::kInvalidArgument,
                      .reason = "USAGE",
                      .message = usage.message,
                      .fields = {},
                      .retry_after = std::nullopt};
    if (!usage.field.empty()) failure.fields.push_back({.name = usage.field, .description = usage.message});
    return {.code = kUsage, .out = "", .err = ErrorJson(failure, next) + "\n"};
  }
  return {
      .code = kUsage, .out = "", .err = fmt::format("grantkeep: {}\n  {}\n", Printable(usage.message), next)};
}

}  // namespace grantkeep::cli
