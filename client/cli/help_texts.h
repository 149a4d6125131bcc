// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_HELP_TEXTS_H_
#define GRANTKEEP_CLIENT_CLI_HELP_TEXTS_H_

namespace grantkeep::cli {

// What --help says beyond the list of options. Each command has an example that works as it stands.
inline constexpr char kDescription[] =
    "Signs users in at OAuth providers and hands out their tokens and your static secrets,\n"
    "all kept by grantkeepd.";

inline constexpr char kExamples[] =
    "Examples:\n"
    "  grantkeep login google --scope openid --scope email\n"
    "  curl -H \"Authorization: Bearer $(grantkeep token GRANT)\" https://api.example.com/\n"
    "  grantkeep secret put discord-bot --provider discord < token.txt\n"
    "  grantkeep grants list --output json\n"
    "  grantkeep doctor\n"
    "\n"
    "grantkeep help COMMAND explains one, grantkeep help exit-codes what scripts can rely on.\n";

inline constexpr char kLoginHelp[] =
    "The grant's id goes to standard output, everything else to standard error:\n"
    "  GRANT=$(grantkeep login google --scope openid)\n"
    "The browser comes back to a port of this machine. On a machine without a browser, open the URL\n"
    "anywhere and paste the address of the page that fails to load into the terminal, or forward\n"
    "the port and need not paste:\n"
    "  ssh -t -L 8400:127.0.0.1:8400 HOST grantkeep login google --port 8400\n"
    "A script gives that address on standard input, never as an argument, as soon as it is known:\n"
    "  mkfifo -m 600 address\n"
    "  grantkeep login google --no-browser --callback-url - <>address >grant 2>url &\n"
    "  printf '%s\\n' \"$ADDRESS\" >address    # where the URL in the file url has led to\n"
    "  wait $!\n"
    "A grant that needs a sign-in keeps its id, and its tokens until there are new ones:\n"
    "  grantkeep login --grant GRANT\n";

inline constexpr char kTokenHelp[] =
    "Prints the token and a newline, nothing else:\n"
    "  curl -H \"Authorization: Bearer $(grantkeep token GRANT)\" https://api.example.com/\n"
    "When an API refused the token (401), say which generation it was to get a newer one:\n"
    "  grantkeep token GRANT --rejected-generation 3\n";

inline constexpr char kSecretHelp[] =
    "Examples:\n"
    "  grantkeep secret put discord-bot --provider discord < token.txt\n"
    "  grantkeep secret get discord-bot\n";

inline constexpr char kPutHelp[] =
    "The value is read from standard input, or asked for on a terminal without echo; it is never\n"
    "an argument, which other users could see. One trailing newline is removed, unless --raw.\n"
    "  grantkeep secret put discord-bot --provider discord < token.txt\n"
    "  openssl rand 32 | grantkeep secret put hmac-key --raw\n";

inline constexpr char kGetHelp[] =
    "Prints exactly the stored bytes; on a terminal a newline follows, and bytes that a terminal\n"
    "would obey are shown escaped.\n"
    "  grantkeep secret get hmac-key > key.bin\n"
    "  grantkeep secret get discord-bot --version 1\n";

inline constexpr char kSecretListHelp[] =
    "Examples:\n"
    "  grantkeep secret list\n"
    "  grantkeep secret list --tenant acme --output json\n";

inline constexpr char kSecretDeleteHelp[] =
    "Examples:\n"
    "  grantkeep secret delete discord-bot\n"
    "  grantkeep secret delete discord-bot --expected-version 3\n";

inline constexpr char kGrantsHelp[] =
    "Examples:\n"
    "  grantkeep grants list\n"
    "  grantkeep grants show GRANT\n"
    "  grantkeep grants watch GRANT\n"
    "  grantkeep grants revoke GRANT\n";

inline constexpr char kGrantsListHelp[] =
    "Examples:\n"
    "  grantkeep grants list --provider google\n"
    "  grantkeep grants list --all-subjects --output json\n";

inline constexpr char kGrantsShowHelp[] =
    "Says also why the grant is in its state, since when, and what to do.\n"
    "  grantkeep grants show GRANT\n"
    "  grantkeep grants show GRANT --subject bob --output json\n";

inline constexpr char kGrantsWatchHelp[] =
    "Prints a line for each grant as it is now, and one for each new generation and change of state, until\n"
    "it is interrupted or the daemon ends; --timeout does not apply. With --output json each line is a\n"
    "document. While it runs, the daemon keeps the tokens renewed.\n"
    "  grantkeep grants watch GRANT\n"
    "  grantkeep grants watch GRANT GRANT --subject bob --output json\n";

inline constexpr char kGrantsRevokeHelp[] =
    "The service forgets the grant at once and for good, and asks its provider to end it, too: for some two\n"
    "days, unless that confirms or refuses. Run once more it says how far that is. On a terminal it asks\n"
    "first.\n"
    "  grantkeep grants revoke GRANT\n"
    "  grantkeep grants revoke GRANT --subject bob --yes\n";

inline constexpr char kProvidersHelp[] =
    "Examples:\n"
    "  grantkeep providers list --server\n"
    "  grantkeep providers check /etc/grantkeep/grantkeep.yaml\n";

inline constexpr char kProvidersListHelp[] =
    "Those that are built in, whose names a configuration gives as `catalogue: NAME`:\n"
    "  grantkeep providers list\n"
    "Those that the daemon knows, whose ids `grantkeep login` takes:\n"
    "  grantkeep providers list --server\n";

inline constexpr char kProvidersShowHelp[] =
    "Prints the record as a configuration file would have it:\n"
    "  grantkeep providers show google\n";

inline constexpr char kProvidersCheckHelp[] =
    "Reports everything that is wrong, as FILE:LINE: FIELD: WHAT; exit code 1 if there is anything.\n"
    "Contacts nobody.\n"
    "  grantkeep providers check /etc/grantkeep/grantkeep.yaml\n"
    "  grantkeep providers check acme.yaml --dev\n";

inline constexpr char kDoctorHelp[] =
    "Checks the connection, versions, clocks, the socket, the store, and each provider's server and\n"
    "client secrets; says what to do about each problem. Exit code 1 if anything has failed.\n"
    "  grantkeep doctor\n"
    "  grantkeep doctor --timeout 2s --output json\n";

inline constexpr char kAdminHelp[] =
    "Example:\n"
    "  grantkeep admin adopt --as restore\n";

inline constexpr char kAdoptHelp[] =
    "A daemon that finds another store than the one it was left with only reads it: valid tokens are\n"
    "served, nothing is refreshed. Say what the store is:\n"
    "  restore  a backup of it. Grants whose provider rotates refresh tokens are in doubt: their token\n"
    "           is served while it is valid, then one last refresh decides.\n"
    "  clone    a copy of a store that others go on using. Every grant needs a new sign-in; no provider\n"
    "           is asked. The copy gets an id of its own.\n"
    "The other daemons of the store follow by themselves. On a terminal it asks first.\n"
    "  grantkeep admin adopt --as restore\n"
    "  grantkeep admin adopt --as clone --yes\n";

inline constexpr char kHelpHelp[] =
    "Examples:\n"
    "  grantkeep help secret put\n"
    "  grantkeep help exit-codes\n";

inline constexpr char kVersionHelp[] =
    "Example:\n"
    "  grantkeep version\n";

inline constexpr char kCompletionHelp[] =
    "For this shell, and for every new one:\n"
    "  source <(grantkeep completion bash)\n"
    "  grantkeep completion zsh > ~/.zfunc/_grantkeep    # a folder of $fpath\n";

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_HELP_TEXTS_H_
