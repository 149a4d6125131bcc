// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_ARGUMENTS_H_
#define GRANTKEEP_CLIENT_CLI_ARGUMENTS_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "client/cli/failure.h"
#include "grantkeep/v1/vault_admin.pb.h"

namespace grantkeep::cli {

// What every command takes.
struct Globals {
  std::string address;
  // What gave the address: "--address" or "$GRANTKEEP_ADDRESS"; empty: it is the default.
  std::string address_from;
  std::string tenant = "default";
  std::string subject;
  bool json = false;
  std::chrono::milliseconds timeout{30'000};
};

struct LoginArguments {
  // May be empty with a grant, which knows it.
  std::string provider;
  std::vector<std::string> scopes;
  std::vector<std::string> resource;
  std::map<std::string, std::string> params;
  std::map<std::string, std::string> url_parts;
  std::string login_hint;
  // To sign in again for; empty: a new grant.
  std::string grant;
  uint16_t port = 0;
  bool no_browser = false;
  // Read the callback's URL from standard input even if that is not a terminal.
  bool callback_url_from_input = false;
  // How long to wait for the user; the flow's own limit when not given.
  std::optional<std::chrono::milliseconds> wait;
};

struct TokenArguments {
  std::string grant;
  std::optional<std::chrono::milliseconds> min_ttl;
  uint64_t rejected_generation = 0;
};

struct SecretPutArguments {
  std::string name;
  std::string provider;
  std::optional<uint64_t> expected_version;
  // Keep a trailing newline.
  bool raw = false;
};

struct SecretGetArguments {
  std::string name;
  uint64_t version = 0;
};

struct SecretListArguments {};

struct SecretDeleteArguments {
  std::string name;
  std::optional<uint64_t> expected_version;
};

struct GrantsListArguments {
  bool all_subjects = false;
  std::string provider;
};

struct GrantsShowArguments {
  std::string grant;
};

struct GrantsWatchArguments {
  std::vector<std::string> grants;
};

struct GrantsRevokeArguments {
  std::string grant;
  // Ask nobody.
  bool yes = false;
};

// The built-in catalogue.
struct ProvidersListArguments {};
// What the daemon has configured.
struct ProvidersServerArguments {};

struct ProvidersShowArguments {
  std::string name;
};

struct ProvidersCheckArguments {
  std::string file;
  // By the rules of grantkeepd --dev.
  bool development = false;
};

struct DoctorArguments {};

struct AdminAdoptArguments {
  v1::StoreAdoption as = v1::STORE_ADOPTION_UNSPECIFIED;
  // That the store must have; empty: whichever it has.
  std::string store_id;
  // Ask nobody.
  bool yes = false;
};

using Command =
    std::variant<LoginArguments, TokenArguments, SecretPutArguments, SecretGetArguments, SecretListArguments,
                 SecretDeleteArguments, GrantsListArguments, GrantsShowArguments, GrantsWatchArguments,
                 GrantsRevokeArguments, ProvidersListArguments, ProvidersServerArguments,
                 ProvidersShowArguments, ProvidersCheckArguments, DoctorArguments, AdminAdoptArguments>;

struct Invocation {
  Globals globals;
  Command command;
};

// Nothing to do but to print: help, the version, or what is wrong with the arguments.
struct Stop {
  ExitCode code;
  std::string out;
  std::string err;
};

// Reads the arguments after the program's name, and the environment (GRANTKEEP_ADDRESS,
// GRANTKEEP_TENANT, GRANTKEEP_SUBJECT, USER). An error names a wrong option or command, but never a
// value, and nothing at all behind `secret put`: it may be the secret.
std::variant<Invocation, Stop> ParseArguments(const std::vector<std::string>& arguments);

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_ARGUMENTS_H_
