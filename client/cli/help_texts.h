// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_HELP_TEXTS_H_
#define GRANTKEEP_CLIENT_CLI_HELP_TEXTS_H_

namespace grantkeep::cli {

// What --help says beyond the list of options.
inline constexpr char kDescription[] =
    "Signs users in at OAuth providers and hands out their tokens and your static secrets,\n"
    "all kept by grantkeepd.";

inline constexpr char kExamples[] =
    "Examples:\n"
    "  grantkeep login google --scope openid --scope email\n"
    "  curl -H \"Authorization: Bearer $(grantkeep token GRANT)\" https://api.example.com/\n"
    "  grantkeep secret put discord-bot --provider discord < token.txt\n"
    "  grantkeep grants list --output json\n"
    "\n";

inline constexpr char kLoginHelp[] =
    "The grant's id goes to standard output, everything else to standard error:\n"
    "  GRANT=$(grantkeep login google --scope openid)\n"
    "The browser comes back to a port of this machine. On a machine without a browser, forward\n"
    "one: ssh -L 8400:127.0.0.1:8400 HOST grantkeep login google --port 8400\n";

inline constexpr char kTokenHelp[] =
    "Prints the token and a newline, nothing else:\n"
    "  curl -H \"Authorization: Bearer $(grantkeep token GRANT)\" https://api.example.com/\n"
    "When an API refused the token (401), say which generation it was to get a newer one:\n"
    "  grantkeep token GRANT --rejected-generation 3\n";

inline constexpr char kPutHelp[] =
    "The value is read from standard input, or asked for on a terminal without echo; it is never\n"
    "an argument, which other users could see. One trailing newline is removed, unless --raw.\n"
    "  grantkeep secret put discord-bot --provider discord < token.txt\n"
    "  openssl rand 32 | grantkeep secret put hmac-key --raw\n";

inline constexpr char kGetHelp[] =
    "Prints exactly the stored bytes; on a terminal a newline follows, and bytes that a terminal\n"
    "would obey are shown escaped.\n";

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_HELP_TEXTS_H_
