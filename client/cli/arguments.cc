// SPDX-License-Identifier: Apache-2.0
#include "client/cli/arguments.h"

#include <algorithm>

#include "client/cli/command_tree.h"
#include "client/cli/usage.h"

namespace grantkeep::cli {
namespace {

// For errors that come before the options are read.
bool AsksForJson(const std::vector<std::string>& arguments) {
  const auto& all = arguments;
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i] == "--output=json") return true;
    if (all[i] == "--output" && i + 1 < all.size() && all[i + 1] == "json") return true;
  }
  return false;
}

}  // namespace

std::variant<Invocation, Stop> ParseArguments(const std::vector<std::string>& arguments) {
  CommandTree tree;
  try {
    tree.Parse(arguments);
    std::variant<Command, Stop> selected = tree.Selected();
    if (Stop* stop = std::get_if<Stop>(&selected)) return std::move(*stop);
    return Invocation{.globals = tree.globals(), .command = std::get<Command>(std::move(selected))};
  } catch (const CLI::CallForVersion&) {
    return Stop{.code = kOk, .out = tree.root().version() + "\n", .err = ""};
  } catch (const CLI::CallForHelp&) {
    return Stop{.code = kOk, .out = tree.root().help(), .err = ""};
  } catch (const CLI::ParseError& error) {
    return UsageError(tree, error, AsksForJson(arguments));
  }
}

}  // namespace grantkeep::cli
