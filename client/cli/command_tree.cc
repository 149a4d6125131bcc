// SPDX-License-Identifier: Apache-2.0
#include "client/cli/command_tree.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

#include "client/cli/completion.h"
#include "client/cli/help_texts.h"
#include "client/cli/option_checks.h"
#include "config/yaml_scalars.h"

namespace grantkeep::cli {
namespace {

bool IsSet(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

std::string DefaultSubject() {
  if (IsSet("USER")) return std::getenv("USER");
  const passwd* entry = getpwuid(geteuid());
  return entry == nullptr ? "" : entry->pw_name;
}

// The subcommand with this name, or null.
const CLI::App* Below(const CLI::App& command, const std::string& name) {
  for (const CLI::App* below : command.get_subcommands(nullptr)) {
    if (below->get_name() == name) return below;
  }
  return nullptr;
}

// Fails, as an argument does, when `topic` is no command.
void CheckTopic(const CLI::App& root, const std::vector<std::string>& topic) {
  const CLI::App* command = &root;
  for (const std::string& word : topic) {
    const CLI::App* found = Below(*command, word);
    if (found == nullptr) {
      std::vector<std::string> names;
      for (const CLI::App* below : command->get_subcommands(nullptr)) names.push_back(below->get_name());
      const std::string_view nearest = NearestWord(word, names);
      const std::string suggestion = nearest.empty() ? "" : "; did you mean " + std::string(nearest) + "?";
      throw CLI::ValidationError("help", "there is no such command" + suggestion);
    }
    command = found;
  }
}

Stop Text(std::string text) { return {.code = kOk, .out = std::move(text), .err = ""}; }

// NAME=VALUE each, as NameAndValue() has checked.
std::map<std::string, std::string> ByName(const std::string& option, const std::vector<std::string>& pairs) {
  std::map<std::string, std::string> named;
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    if (!named.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second) {
      throw CLI::ValidationError(option, pair.substr(0, equals) + " is given twice");
    }
  }
  return named;
}

}  // namespace

CommandTree::CommandTree() : app_(kDescription, "grantkeep") {
  app_.footer(kExamples);
  app_.set_version_flag("--version", "grantkeep " GRANTKEEP_VERSION, "Print the version");
  app_.set_help_flag("-h,--help", "Print this help; each command has its own");
  app_.require_subcommand(1);
  globals_.subject = DefaultSubject();
  AddGlobals();
  AddLogin();
  AddToken();
  AddSecret();
  AddGrants();
  AddProviders();
  AddDoctor();
  AddAdmin();
  AddWords();
}

void CommandTree::AddGlobals() {
  app_.add_option("--address", globals_.address,
                  "Where grantkeepd listens: unix:/path or 127.0.0.1:PORT (default: $GRANTKEEP_ADDRESS, "
                  "else the socket of grantkeepd --dev)")
      ->type_name("ADDRESS");
  app_.add_option("--tenant", globals_.tenant, "Whose records (default: $GRANTKEEP_TENANT, else 'default')")
      ->envname("GRANTKEEP_TENANT")
      ->type_name("TENANT");
  app_.add_option("--subject", globals_.subject,
                  "The end user for whom grants are held (default: $GRANTKEEP_SUBJECT, else $USER)")
      ->envname("GRANTKEEP_SUBJECT")
      ->type_name("SUBJECT");
  app_.add_option("--output", output_, "How results and errors are printed (default: text)")
      ->check(OneOf("text|json"))
      ->type_name("text|json");
  AddDuration(app_, "--timeout", timeout_, Zero::kRefused, "How long a call may take (default: 30s)");
}

void CommandTree::AddWords() {
  CLI::App& help = AddLeaf(app_, "help", "Explain a command, or the exit codes", kHelpHelp, [this] {
    if (topic_ == std::vector<std::string>{"exit-codes"}) return Text(kExitCodeHelp);
    CheckTopic(app_, topic_);
    // Asked as everybody can ask it, so that there is one answer.
    std::vector<std::string> arguments = topic_;
    arguments.emplace_back("--help");
    return std::get<Stop>(ParseArguments(arguments));
  });
  help.add_option("command", topic_, "A command, or exit-codes")->type_name("COMMAND");
  AddLeaf(app_, "version", "Print the version", kVersionHelp, [this] {
    return Text(globals_.json ? "{\"version\":\"" GRANTKEEP_VERSION "\"}\n" : app_.version() + "\n");
  });
  CLI::App& completion = AddLeaf(app_, "completion", "Print a script that completes commands and options",
                                 kCompletionHelp, [this] { return Text(CompletionScript(app_, shell_)); });
  completion.add_option("shell", shell_, "The shell")
      ->required()
      ->check(OneOf("bash|zsh"))
      ->type_name("bash|zsh");
}

CLI::App& CommandTree::AddGroup(const std::string& name, const std::string& description, const char* help) {
  CLI::App& group = *app_.add_subcommand(name, description);
  group.fallthrough();
  group.require_subcommand(1);
  group.footer(help);
  return group;
}

CLI::App& CommandTree::AddLeaf(CLI::App& parent, const std::string& name, const std::string& description,
                               const char* help, Take take) {
  CLI::App& leaf = *parent.add_subcommand(name, description);
  // Global options may also stand behind the command.
  leaf.fallthrough();
  leaf.footer(help);
  leaves_.emplace_back(&leaf, std::move(take));
  return leaf;
}

void CommandTree::Parse(const std::vector<std::string>& arguments) {
  app_.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  globals_.json = output_ == "json";
  globals_.timeout = timeout_.value_or(globals_.timeout);
  if (!globals_.address.empty()) {
    globals_.address_from = "--address";
  } else if (IsSet("GRANTKEEP_ADDRESS")) {
    globals_.address_from = "$GRANTKEEP_ADDRESS";
  }
  login_.callback_url_from_input = !callback_url_.empty();
  if (innermost().get_name() == "login" && login_.provider.empty() && login_.grant.empty()) {
    throw CLI::RequiredError("provider");
  }
  login_.params = ByName("--param", params_);
  adopt_.as = adopt_as_ == "clone" ? v1::STORE_ADOPTION_CLONE : v1::STORE_ADOPTION_RESTORE;
  login_.url_parts = ByName("--url-part", url_parts_);
}

std::variant<Command, Stop> CommandTree::Selected() const {
  for (const auto& [leaf, take] : leaves_) {
    if (leaf == &innermost()) return take();
  }
  std::abort();  // require_subcommand lets nothing else through
}

const CLI::App& CommandTree::innermost() const {
  const CLI::App* app = &app_;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return *app;
}

std::string CommandTree::KnownTopic() const {
  std::string known;
  const CLI::App* command = &app_;
  for (const std::string& word : topic_) {
    command = Below(*command, word);
    if (command == nullptr) break;
    known += (known.empty() ? "" : " ") + word;
  }
  return known;
}

std::string CommandTree::FullName() const {
  std::string name = "grantkeep";
  for (const CLI::App* app = &app_; !app->get_subcommands().empty();) {
    app = app->get_subcommands().front();
    name += " " + app->get_name();
  }
  return name;
}

}  // namespace grantkeep::cli
