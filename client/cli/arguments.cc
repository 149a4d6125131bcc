// SPDX-License-Identifier: Apache-2.0
#include "client/cli/arguments.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>

#include "client/cli/help_texts.h"
#include "client/cli/text.h"

namespace grantkeep::cli {
namespace {

std::string DefaultSubject() {
  if (const char* user = std::getenv("USER"); user != nullptr && *user != '\0') return user;
  const passwd* entry = getpwuid(geteuid());
  return entry == nullptr ? "" : entry->pw_name;
}

// CLI11 would read "-1" as 2^64 - 1.
const CLI::Validator& WholeNumber() {
  static const auto* validator = new CLI::Validator(
      [](std::string& text) {
        const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
        return digits ? std::string() : std::string("must be a whole number");
      },
      "");
  return *validator;
}

std::string DurationError(const std::string& text) {
  return ParseDuration(text).has_value() ? "" : "must be a duration up to 24h like 500ms, 10s, 5m";
}

// One for each leaf of the command tree, bound to where its options are stored.
class Parser {
 public:
  Parser();
  std::variant<Invocation, Stop> Parse(const std::vector<std::string>& arguments);

 private:
  void AddGlobals();
  void AddLogin();
  void AddToken();
  void AddSecret();
  void AddGrants();
  CLI::App* AddLeaf(CLI::App& parent, const std::string& name, const std::string& description);
  CLI::Option* AddDuration(CLI::App& app, const std::string& name,
                           std::optional<std::chrono::milliseconds>& value, const std::string& text);
  Stop Error(const CLI::ParseError& error, bool json) const;
  const CLI::App* Selected() const;
  Command TakeCommand();

  CLI::App app_{kDescription, "grantkeep"};
  Globals globals_;
  std::optional<std::chrono::milliseconds> timeout_;
  std::string output_ = "text";
  std::vector<std::string> params_;
  LoginArguments login_;
  TokenArguments token_;
  SecretPutArguments put_;
  SecretGetArguments get_;
  SecretDeleteArguments delete_;
  GrantsListArguments list_;
  GrantsShowArguments show_;
  std::vector<std::pair<const CLI::App*, Command (*)(Parser&)>> leaves_;
};

Parser::Parser() {
  app_.footer(std::string(kExamples) + kExitCodeHelp);
  app_.set_version_flag("--version", "grantkeep " GRANTKEEP_VERSION, "Print the version");
  app_.set_help_flag("-h,--help", "Print this help; each command has its own");
  app_.require_subcommand(1);
  globals_.subject = DefaultSubject();
  AddGlobals();
  AddLogin();
  AddToken();
  AddSecret();
  AddGrants();
}

void Parser::AddGlobals() {
  app_.add_option("--address", globals_.address,
                  "Where grantkeepd listens: unix:/path or 127.0.0.1:PORT (default: $GRANTKEEP_ADDRESS, "
                  "else the socket of grantkeepd --dev)");
  app_.add_option("--tenant", globals_.tenant, "Whose records (default: $GRANTKEEP_TENANT, else 'default')")
      ->envname("GRANTKEEP_TENANT");
  app_.add_option("--subject", globals_.subject,
                  "The end user for whom grants are held (default: $GRANTKEEP_SUBJECT, else $USER)")
      ->envname("GRANTKEEP_SUBJECT");
  app_.add_option("--output", output_, "text or json (default: text)")
      ->check(CLI::IsMember({"text", "json"}));
  AddDuration(app_, "--timeout", timeout_, "How long a call may take (default: 30s)");
}

CLI::App* Parser::AddLeaf(CLI::App& parent, const std::string& name, const std::string& description) {
  CLI::App* leaf = parent.add_subcommand(name, description);
  // Global options may also stand behind the command.
  leaf->fallthrough();
  return leaf;
}

CLI::Option* Parser::AddDuration(CLI::App& app, const std::string& name,
                                 std::optional<std::chrono::milliseconds>& value, const std::string& text) {
  return app
      .add_option_function<std::string>(
          name, [&value](const std::string& given) { value = ParseDuration(given); }, text)
      ->check(CLI::Validator([](std::string& given) { return DurationError(given); }, ""))
      ->type_name("DURATION");
}

void Parser::AddLogin() {
  CLI::App* login = AddLeaf(app_, "login", "Sign a user in at a provider, in the browser");
  login->add_option("provider", login_.provider, "Provider id from the daemon's configuration")->required();
  login->add_option("--scope", login_.scopes, "A scope to ask for; may be repeated")->allow_extra_args(false);
  login->add_option("--resource", login_.resource, "A resource indicator (RFC 8707); may be repeated")
      ->allow_extra_args(false);
  login->add_option("--param", params_, "A further parameter, name=value; may be repeated")
      ->allow_extra_args(false)
      ->check(CLI::Validator(
          [](std::string& text) {
            return text.find('=') > 0 && text.find('=') != std::string::npos
                       ? std::string()
                       : std::string("must be name=value");
          },
          ""))
      ->type_name("NAME=VALUE");
  login->add_option("--login-hint", login_.login_hint, "Account name to suggest to the provider");
  login->add_option("--port", login_.port, "Port of the redirect on 127.0.0.1 (default: any free one)")
      ->check(WholeNumber());
  login->add_flag("--no-browser", login_.no_browser, "Print the URL and open nothing");
  AddDuration(*login, "--wait", login_.wait,
              "How long to wait for the user (default: as long as the flow lives)");
  login->footer(kLoginHelp);
  leaves_.emplace_back(login, [](Parser& p) -> Command { return p.login_; });
}

void Parser::AddToken() {
  CLI::App* token = AddLeaf(app_, "token", "Print an access token that is good now");
  token->add_option("grant", token_.grant, "Grant id, as login printed it")->required();
  AddDuration(*token, "--min-ttl", token_.min_ttl, "How long the token must still live (default: 10s)");
  token
      ->add_option("--rejected-generation", token_.rejected_generation,
                   "Generation of the token that an API refused")
      ->check(WholeNumber());
  token->footer(kTokenHelp);
  leaves_.emplace_back(token, [](Parser& p) -> Command { return p.token_; });
}

void Parser::AddSecret() {
  CLI::App* secret = AddLeaf(app_, "secret", "Keep bot tokens, API keys and other static secrets");
  secret->require_subcommand(1);
  const std::string name_text = "Name of the secret";

  CLI::App* put = AddLeaf(*secret, "put", "Store a new version; the value comes from standard input");
  put->add_option("name", put_.name, name_text)->required();
  put->add_option("--provider", put_.provider, "Static provider whose API the secret is for");
  put->add_option("--expected-version", put_.expected_version,
                  "Store only if this is the latest version (0: if there is none)")
      ->check(WholeNumber());
  put->add_flag("--raw", put_.raw, "Keep a trailing newline");
  put->footer(kPutHelp);
  leaves_.emplace_back(put, [](Parser& p) -> Command { return p.put_; });

  CLI::App* get = AddLeaf(*secret, "get", "Print a secret's value");
  get->add_option("name", get_.name, name_text)->required();
  get->add_option("--version", get_.version, "One of the last 10 versions (default: the latest)")
      ->check(WholeNumber());
  get->footer(kGetHelp);
  leaves_.emplace_back(get, [](Parser& p) -> Command { return p.get_; });

  CLI::App* list = AddLeaf(*secret, "list", "List secrets, without values");
  leaves_.emplace_back(list, [](Parser&) -> Command { return SecretListArguments(); });

  CLI::App* remove = AddLeaf(*secret, "delete", "Delete a secret with all its versions");
  remove->add_option("name", delete_.name, name_text)->required();
  remove
      ->add_option("--expected-version", delete_.expected_version,
                   "Delete only if this is the latest version")
      ->check(WholeNumber());
  leaves_.emplace_back(remove, [](Parser& p) -> Command { return p.delete_; });
}

void Parser::AddGrants() {
  CLI::App* grants = AddLeaf(app_, "grants", "Look at grants; never prints a token");
  grants->require_subcommand(1);
  CLI::App* list = AddLeaf(*grants, "list", "List the subject's grants");
  list->add_flag("--all-subjects", list_.all_subjects, "Those of every subject of the tenant");
  list->add_option("--provider", list_.provider, "Only those at this provider");
  leaves_.emplace_back(list, [](Parser& p) -> Command { return p.list_; });
  CLI::App* show = AddLeaf(*grants, "show", "Show one grant");
  show->add_option("grant", show_.grant, "Grant id")->required();
  leaves_.emplace_back(show, [](Parser& p) -> Command { return p.show_; });
}

const CLI::App* Parser::Selected() const {
  const CLI::App* app = &app_;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

Command Parser::TakeCommand() {
  for (const auto& [leaf, take] : leaves_) {
    if (leaf == Selected()) return take(*this);
  }
  std::abort();  // require_subcommand lets nothing else through
}

Stop Parser::Error(const CLI::ParseError& error, bool json) const {
  std::string message = error.what();
  // CLI11 names what it did not expect, which may be a secret in the wrong place.
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    message = "there is an argument too many, or an option with a wrong name";
    if (Selected()->get_name() == "put")
      message += "; the value is read from standard input, never from here";
  }
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && message.starts_with("A subcommand")) {
    message = "the command is missing or has a wrong name";
  }
  if (json) {
    const CallError usage{.code = absl::StatusCode::kInvalidArgument,
                          .reason = "USAGE",
                          .message = message,
                          .fields = {},
                          .retry_after = std::nullopt};
    return {.code = kUsage, .out = "", .err = ErrorJson(usage) + "\n"};
  }
  std::string command = "grantkeep";
  for (const CLI::App* app = &app_; !app->get_subcommands().empty();) {
    app = app->get_subcommands().front();
    command += " " + app->get_name();
  }
  return {.code = kUsage,
          .out = "",
          .err = fmt::format("grantkeep: {}\n  run: {} --help\n", Printable(message), command)};
}

std::variant<Invocation, Stop> Parser::Parse(const std::vector<std::string>& arguments) {
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app_.parse(std::move(reversed));
  } catch (const CLI::CallForVersion&) {
    return Stop{.code = kOk, .out = app_.version() + "\n", .err = ""};
  } catch (const CLI::CallForHelp&) {
    return Stop{.code = kOk, .out = app_.help(), .err = ""};
  } catch (const CLI::ParseError& error) {
    const bool json = std::ranges::find(arguments, "json") != arguments.end() ||
                      std::ranges::find(arguments, "--output=json") != arguments.end();
    return Error(error, json);
  }
  globals_.json = output_ == "json";
  globals_.timeout = timeout_.value_or(globals_.timeout);
  for (const std::string& param : params_) {
    const size_t equals = param.find('=');
    if (!login_.params.emplace(param.substr(0, equals), param.substr(equals + 1)).second) {
      return Error(CLI::ValidationError("--param", param.substr(0, equals) + " is given twice"),
                   globals_.json);
    }
  }
  return Invocation{.globals = globals_, .command = TakeCommand()};
}

}  // namespace

std::variant<Invocation, Stop> ParseArguments(const std::vector<std::string>& arguments) {
  return Parser().Parse(arguments);
}

}  // namespace grantkeep::cli
