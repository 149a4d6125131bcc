// SPDX-License-Identifier: Apache-2.0
// The commands that do something, with their options.
#include <cstdint>
#include <limits>

#include "client/cli/command_tree.h"
#include "client/cli/help_texts.h"
#include "client/cli/option_checks.h"

namespace grantkeep::cli {
namespace {

constexpr uint64_t kAnyNumber = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kMaxPort = 65535;
constexpr char kSecretName[] = "Name of the secret";

// The URL holds the authorization code, which has no place in an argument list.
CLI::Validator OnlyDash() {
  return CLI::Validator(
      [](std::string& text) {
        return text == "-" ? std::string() : std::string("must be -: the URL is read from standard input");
      },
      "");
}

}  // namespace

void CommandTree::AddLogin() {
  CLI::App& login = AddLeaf(app_, "login", "Sign a user in at a provider, in the browser", kLoginHelp,
                            [this] { return Command(login_); });
  login
      .add_option("provider", login_.provider,
                  "Provider id from the daemon's configuration; not needed with --grant")
      ->type_name("OAUTH-PROVIDER");
  login.add_option("--grant", login_.grant, "Sign in again for this grant, which keeps its id")
      ->type_name("GRANT");
  login.add_option("--scope", login_.scopes, "A scope to ask for; may be repeated")
      ->allow_extra_args(false)
      ->type_name("SCOPE");
  login.add_option("--resource", login_.resource, "A resource indicator (RFC 8707); may be repeated")
      ->allow_extra_args(false)
      ->type_name("URI");
  login.add_option("--param", params_, "A further parameter, name=value; may be repeated")
      ->allow_extra_args(false)
      ->check(NameAndValue())
      ->type_name("NAME=VALUE");
  login
      .add_option("--url-part", url_parts_,
                  "What stands for {NAME} in the provider's URLs, name=value; may be repeated")
      ->allow_extra_args(false)
      ->check(NameAndValue())
      ->type_name("NAME=VALUE");
  login.add_option("--login-hint", login_.login_hint, "Account name to suggest to the provider")
      ->type_name("ACCOUNT");
  login.add_option("--port", login_.port, "Port of the redirect on 127.0.0.1 (default: any free one)")
      ->check(WholeNumber(kMaxPort))
      ->type_name("PORT");
  login.add_flag("--no-browser", login_.no_browser, "Print the URL and open nothing");
  login
      .add_option("--callback-url", callback_url_,
                  "-: read the address that the browser was sent to from standard input")
      ->check(OnlyDash())
      ->type_name("-");
  AddDuration(login, "--wait", login_.wait, Zero::kRefused,
              "How long to wait for the user (default: as long as the flow lives)");
}

void CommandTree::AddToken() {
  CLI::App& token = AddLeaf(app_, "token", "Print an access token that is good now", kTokenHelp,
                            [this] { return Command(token_); });
  token.add_option("grant", token_.grant, "Grant id, as login printed it")->required()->type_name("GRANT");
  AddDuration(token, "--min-ttl", token_.min_ttl, Zero::kAllowed,
              "How long the token must still live (default: 10s)");
  token
      .add_option("--rejected-generation", token_.rejected_generation,
                  "Generation of the token that an API refused")
      ->check(WholeNumber(kAnyNumber))
      ->type_name("NUMBER");
}

void CommandTree::AddSecret() {
  CLI::App& secret = AddGroup("secret", "Keep bot tokens, API keys and other static secrets", kSecretHelp);
  CLI::App& put = AddLeaf(secret, "put", "Store a new version; the value comes from standard input", kPutHelp,
                          [this] { return Command(put_); });
  put.add_option("name", put_.name, kSecretName)->required()->type_name("NAME");
  put.add_option("--provider", put_.provider,
                 "Static provider whose API the secret is for (default: that of the version before)")
      ->type_name("STATIC-PROVIDER");
  put.add_option("--expected-version", put_.expected_version,
                 "Store only if this is the latest version (0: if there is none)")
      ->check(WholeNumber(kAnyNumber))
      ->type_name("NUMBER");
  put.add_flag("--raw", put_.raw, "Keep a trailing newline");

  CLI::App& get =
      AddLeaf(secret, "get", "Print a secret's value", kGetHelp, [this] { return Command(get_); });
  get.add_option("name", get_.name, kSecretName)->required()->type_name("NAME");
  get.add_option("--version", get_.version, "One of the last 10 versions (default: the latest)")
      ->check(WholeNumber(kAnyNumber))
      ->type_name("NUMBER");

  AddLeaf(secret, "list", "List secrets, without values", kSecretListHelp,
          [] { return Command(SecretListArguments()); });

  CLI::App& remove = AddLeaf(secret, "delete", "Delete a secret with all its versions", kSecretDeleteHelp,
                             [this] { return Command(delete_); });
  remove.add_option("name", delete_.name, kSecretName)->required()->type_name("NAME");
  remove
      .add_option("--expected-version", delete_.expected_version, "Delete only if this is the latest version")
      ->check(WholeNumber(kAnyNumber))
      ->type_name("NUMBER");
}

void CommandTree::AddGrants() {
  CLI::App& grants = AddGroup("grants", "Look at grants, and revoke them; never prints a token", kGrantsHelp);
  CLI::App& list = AddLeaf(grants, "list", "List the subject's grants", kGrantsListHelp,
                           [this] { return Command(list_); });
  list.add_flag("--all-subjects", list_.all_subjects, "Those of every subject of the tenant");
  list.add_option("--provider", list_.provider, "Only those at this provider")->type_name("PROVIDER");
  CLI::App& show =
      AddLeaf(grants, "show", "Show one grant", kGrantsShowHelp, [this] { return Command(show_); });
  show.add_option("grant", show_.grant, "Grant id")->required()->type_name("GRANT");
  CLI::App& watch = AddLeaf(grants, "watch", "Print each change of grants, as it happens", kGrantsWatchHelp,
                            [this] { return Command(watch_); });
  watch.add_option("grants", watch_.grants, "Grant ids")->required()->type_name("GRANT");
  CLI::App& revoke = AddLeaf(grants, "revoke", "Forget one grant, and revoke it at its provider",
                             kGrantsRevokeHelp, [this] { return Command(revoke_); });
  revoke.add_option("grant", revoke_.grant, "Grant id")->required()->type_name("GRANT");
  revoke.add_flag("--yes", revoke_.yes, "Do not ask for confirmation on a terminal");
}

void CommandTree::AddProviders() {
  CLI::App& providers =
      AddGroup("providers", "Look at providers, and check a configuration's", kProvidersHelp);
  CLI::App& list = AddLeaf(
      providers, "list", "List the built-in providers, or the daemon's", kProvidersListHelp,
      [this] { return server_ ? Command(ProvidersServerArguments()) : Command(ProvidersListArguments()); });
  list.add_flag("--server", server_, "Those that the daemon has configured");
  CLI::App& show = AddLeaf(providers, "show", "Show a built-in provider's record", kProvidersShowHelp,
                           [this] { return Command(provider_); });
  show.add_option("name", provider_.name, "Name in the catalogue")->required()->type_name("PROVIDER");
  CLI::App& check = AddLeaf(providers, "check", "Check a provider's file, or a daemon's configuration",
                            kProvidersCheckHelp, [this] { return Command(check_); });
  check.add_option("file", check_.file, "YAML file")->required()->type_name("FILE");
  check.add_flag("--dev", check_.development, "By the rules of grantkeepd --dev");
}

void CommandTree::AddDoctor() {
  AddLeaf(app_, "doctor", "Find out what is wrong, and what to do about it", kDoctorHelp,
          [] { return Command(DoctorArguments()); });
}

void CommandTree::AddAdmin() {
  CLI::App& admin = AddGroup("admin", "Do what only an operator should", kAdminHelp);
  CLI::App& adopt = AddLeaf(admin, "adopt", "Take a restored backup or a clone of the store into use",
                            kAdoptHelp, [this] { return Command(adopt_); });
  adopt.add_option("--as", adopt_as_, "What the store is")
      ->required()
      ->check(OneOf("restore|clone"))
      ->type_name("restore|clone");
  adopt
      .add_option("--store-id", adopt_.store_id,
                  "The id that the store must have (default: whichever it has)")
      ->check(StoreId())
      ->type_name("ID");
  adopt.add_flag("--yes", adopt_.yes, "Do not ask for confirmation on a terminal");
}

}  // namespace grantkeep::cli
