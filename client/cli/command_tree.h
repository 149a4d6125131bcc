// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_COMMAND_TREE_H_
#define GRANTKEEP_CLIENT_CLI_COMMAND_TREE_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "client/cli/arguments.h"

namespace grantkeep::cli {

// The one table of commands and options: it parses arguments, prints help, and is what completion
// scripts are made from.
//
// An option's type name says what may stand there: "a|b" one of these words, PROVIDER (also
// OAUTH-PROVIDER and STATIC-PROVIDER), FILE, COMMAND, or something that only the user knows.
class CommandTree {
 public:
  CommandTree();
  CommandTree(const CommandTree&) = delete;
  CommandTree& operator=(const CommandTree&) = delete;

  // Parses; errors are CLI11's exceptions.
  void Parse(const std::vector<std::string>& arguments);

  // After Parse. What the innermost command does: run, or print something.
  std::variant<Command, Stop> Selected() const;
  const Globals& globals() const { return globals_; }

  // Whatever was parsed, also after an error: the innermost command, and its name in full
  // ("grantkeep secret put").
  const CLI::App& innermost() const;
  std::string FullName() const;
  // Those words of what `help` was asked about that are commands: "secret" of "secret lgin".
  std::string KnownTopic() const;
  const CLI::App& root() const { return app_; }

 private:
  using Take = std::function<std::variant<Command, Stop>()>;

  void AddGlobals();
  void AddLogin();
  void AddToken();
  void AddSecret();
  void AddGrants();
  void AddProviders();
  void AddDoctor();
  void AddAdmin();
  void AddWords();
  CLI::App& AddGroup(const std::string& name, const std::string& description, const char* help);
  CLI::App& AddLeaf(CLI::App& parent, const std::string& name, const std::string& description,
                    const char* help, Take take);

  CLI::App app_;
  Globals globals_;
  std::optional<std::chrono::milliseconds> timeout_;
  std::string output_ = "text";
  std::vector<std::string> params_;
  std::vector<std::string> url_parts_;
  std::string callback_url_;
  LoginArguments login_;
  TokenArguments token_;
  SecretPutArguments put_;
  SecretGetArguments get_;
  SecretDeleteArguments delete_;
  GrantsListArguments list_;
  GrantsShowArguments show_;
  GrantsWatchArguments watch_;
  GrantsRevokeArguments revoke_;
  bool server_ = false;
  ProvidersShowArguments provider_;
  ProvidersCheckArguments check_;
  std::string adopt_as_;
  AdminAdoptArguments adopt_;
  std::vector<std::string> topic_;
  std::string shell_;
  std::vector<std::pair<const CLI::App*, Take>> leaves_;
};

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_COMMAND_TREE_H_
