// SPDX-License-Identifier: Apache-2.0
#include "daemon/command_line.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <string>
#include <vector>

namespace grantkeep {
namespace {

constexpr char kDescription[] =
    "grantkeepd keeps the credentials that AI agents act with: it signs users in at OAuth providers,\n"
    "hands out access tokens that are good now, and keeps static secrets, all encrypted at rest.";

constexpr char kExamples[] = R"(Examples:
  grantkeepd --dev
      Try it here: everything in ~/.local/state/grantkeep, for this user only. The command
      `grantkeep` finds it by itself.
  grantkeepd --dev --config providers.yaml
      The same, with the OAuth providers of that file.
  grantkeepd --dev --data-dir /tmp/gk --listen 127.0.0.1:0 --ready-file /tmp/gk.addr
      A throw-away instance on a free port, which is written to the file.
  grantkeepd --config /etc/grantkeep/grantkeep.yaml --check-config
      Says what is wrong with a configuration, and which keys, secrets and folders are missing;
      starts nothing. Where a mistake hides others it says that more may follow.
  grantkeepd --config /etc/grantkeep/grantkeep.yaml
      Serve. The file needs server.listen, store.sqlite.path (or store.redis.url, for several
      daemons) and vault.root_key_file:

        server:
          listen: unix:/run/grantkeep/grantkeep.sock
        store:
          sqlite:
            path: /var/lib/grantkeep/grantkeep.db
        vault:
          root_key_file: /etc/grantkeep/root.key    # (umask 077; head -c 32 /dev/urandom > root.key)
        providers:
          - id: github
            catalogue: github
            client:
              client_id: Iv1.0123456789abcdef
              client_secrets:
                - env: GITHUB_CLIENT_SECRET
            redirect_uris:
              - http://127.0.0.1/callback

SIGTERM and SIGINT end it in an orderly way: calls in flight may finish (server.drain_timeout,
10 s by default); a second signal ends it at once. A Redis that cannot be reached is waited for, while
calls are answered with UNAVAILABLE and health says NOT_SERVING.

Exit codes: 0 ended by a signal, or --check-config found nothing wrong; 1 it cannot start or go on
(the store was written with another root key, say), or something that the configuration refers to is
not there; 2 wrong command line or configuration.)";

void AddOptions(CLI::App& app, CommandLine& options) {
  app.add_flag("--dev", options.dev,
               "Development: an embedded store and a key of its own in the data directory, a unix socket for "
               "this user only, http and redirect URIs on loopback addresses allowed");
  app.add_option("--data-dir", options.data_dir,
                 "Where --dev keeps its files [$XDG_STATE_HOME/grantkeep or ~/.local/state/grantkeep]")
      ->type_name("DIR");
  app.add_option("--config", options.config_file, "Configuration (YAML); with --dev it may add providers")
      ->type_name("FILE");
  app.add_flag("--check-config", options.check_config,
               "Check the configuration and what it refers to, and exit");
  app.add_option(
         "--listen", options.listen,
         "Listen here instead: unix:PATH, 127.0.0.1:PORT or [::1]:PORT (no names); port 0 is any free "
         "one")
      ->type_name("ADDRESS");
  app.add_option(
         "--ready-file", options.ready_file,
         "Write the address to this file once the daemon is ready (it serves and has reached its store); "
         "removed at the end")
      ->type_name("FILE");
  app.add_flag("--reflection", options.reflection, "Offer gRPC server reflection");
}

// What CLI11 cannot say; empty when all is well.
std::string WrongCombination(const CommandLine& options) {
  if (!options.dev && options.config_file.empty()) {
    return "give --config FILE, or --dev to try grantkeepd on this machine";
  }
  if (!options.dev && !options.data_dir.empty())
    return "--data-dir belongs to --dev; without it, see store.sqlite.path";
  return {};
}

}  // namespace

ParsedCommandLine ParseCommandLine(int argc, char** argv) {
  ParsedCommandLine parsed;
  CLI::App app(kDescription, "grantkeepd");
  app.footer(kExamples);
  app.set_version_flag("--version", "grantkeepd " GRANTKEEP_VERSION);
  app.set_help_flag("-h,--help", "Print this and exit");
  AddOptions(app, parsed.options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked_for) {
    parsed.exit_code = app.exit(asked_for);
    return parsed;
  } catch (const CLI::ParseError& error) {
    std::cerr << "grantkeepd: " << error.what() << "\n";
    // Somebody who gives a file by its name alone means the only one that there is.
    const std::vector<std::string> rest = app.remaining();
    if (!rest.empty() && !rest.front().starts_with('-')) {
      std::cerr << "A configuration is given by a flag: grantkeepd --config " << rest.front() << "\n";
    }
    std::cerr << "See grantkeepd --help\n";
    parsed.exit_code = kExitUsage;
    return parsed;
  }
  if (const std::string wrong = WrongCombination(parsed.options); !wrong.empty()) {
    std::cerr << "grantkeepd: " << wrong << "\nSee grantkeepd --help\n";
    parsed.exit_code = kExitUsage;
  }
  return parsed;
}

}  // namespace grantkeep
