// SPDX-License-Identifier: Apache-2.0
#include "client/cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

namespace grantkeep::cli {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

using Arguments = std::vector<std::string>;

Invocation Accepted(const Arguments& arguments) {
  auto parsed = ParseArguments(arguments);
  if (const Stop* stop = std::get_if<Stop>(&parsed)) {
    ADD_FAILURE() << stop->err;
    return {};
  }
  return std::get<Invocation>(std::move(parsed));
}

template <typename Command>
Command AcceptedAs(const Arguments& arguments) {
  const Invocation invocation = Accepted(arguments);
  const Command* command = std::get_if<Command>(&invocation.command);
  EXPECT_NE(command, nullptr) << "another command";
  return command == nullptr ? Command{} : *command;
}

Stop Stopped(const Arguments& arguments) {
  auto parsed = ParseArguments(arguments);
  const Stop* stop = std::get_if<Stop>(&parsed);
  EXPECT_NE(stop, nullptr) << "accepted";
  return stop == nullptr ? Stop{} : *stop;
}

const std::vector<Arguments>& EveryCommand() {
  static const auto* all = new std::vector<Arguments>{{},
                                                      {"login"},
                                                      {"token"},
                                                      {"secret"},
                                                      {"secret", "put"},
                                                      {"secret", "get"},
                                                      {"grants"},
                                                      {"secret", "list"},
                                                      {"secret", "delete"},
                                                      {"grants", "list"},
                                                      {"grants", "show"},
                                                      {"grants", "watch"},
                                                      {"providers"},
                                                      {"providers", "list"},
                                                      {"providers", "show"},
                                                      {"providers", "check"},
                                                      {"doctor"},
                                                      {"admin"},
                                                      {"admin", "adopt"},
                                                      {"help"},
                                                      {"version"},
                                                      {"completion"}};
  return *all;
}

Arguments With(Arguments arguments, const std::string& more) {
  arguments.push_back(more);
  return arguments;
}

TEST(ArgumentsTest, LoginTakesScopesResourcesAndParameters) {
  const auto login = AcceptedAs<LoginArguments>({"login",
                                                 "google",
                                                 "--scope",
                                                 "a",
                                                 "--scope",
                                                 "b",
                                                 "--resource",
                                                 "https://r",
                                                 "--param",
                                                 "prompt=consent",
                                                 "--param",
                                                 "x=a=b",
                                                 "--url-part",
                                                 "domain=acme.okta.com",
                                                 "--port",
                                                 "8400",
                                                 "--no-browser",
                                                 "--wait",
                                                 "5m",
                                                 "--login-hint",
                                                 "alice@example.com"});
  EXPECT_EQ(login.provider, "google");
  EXPECT_THAT(login.scopes, ElementsAre("a", "b"));
  EXPECT_THAT(login.resource, ElementsAre("https://r"));
  EXPECT_THAT(login.params, ElementsAre(Pair("prompt", "consent"), Pair("x", "a=b")));
  EXPECT_THAT(login.url_parts, ElementsAre(Pair("domain", "acme.okta.com")));
  EXPECT_EQ(login.port, 8400);
  EXPECT_TRUE(login.no_browser);
  EXPECT_EQ(login.wait, milliseconds(300'000));
  EXPECT_EQ(login.login_hint, "alice@example.com");
}

TEST(ArgumentsTest, TheProviderMayStandBehindTheScope) {
  EXPECT_EQ(AcceptedAs<LoginArguments>({"login", "--grant", "g1"}).grant, "g1");
  const auto login = AcceptedAs<LoginArguments>({"login", "--scope", "a", "google"});
  EXPECT_EQ(login.provider, "google");
  EXPECT_THAT(login.scopes, ElementsAre("a"));
}

TEST(ArgumentsTest, EachCommandTakesItsOptions) {
  const auto token =
      AcceptedAs<TokenArguments>({"token", "g1", "--min-ttl", "500ms", "--rejected-generation", "3"});
  EXPECT_EQ(token.grant, "g1");
  EXPECT_EQ(token.min_ttl, milliseconds(500));
  EXPECT_EQ(token.rejected_generation, 3u);
  const auto put = AcceptedAs<SecretPutArguments>(
      {"secret", "put", "bot", "--provider", "discord", "--expected-version", "0", "--raw"});
  EXPECT_EQ(put.name, "bot");
  EXPECT_EQ(put.provider, "discord");
  EXPECT_EQ(put.expected_version, 0u);
  EXPECT_TRUE(put.raw);
  EXPECT_EQ(AcceptedAs<SecretPutArguments>({"secret", "put", "bot"}).expected_version, std::nullopt);
  EXPECT_EQ(AcceptedAs<SecretGetArguments>({"secret", "get", "bot", "--version", "2"}).version, 2u);
  AcceptedAs<SecretListArguments>({"secret", "list"});
  EXPECT_EQ(AcceptedAs<SecretDeleteArguments>({"secret", "delete", "bot"}).name, "bot");
  EXPECT_TRUE(AcceptedAs<GrantsListArguments>({"grants", "list", "--all-subjects"}).all_subjects);
  EXPECT_EQ(AcceptedAs<GrantsShowArguments>({"grants", "show", "g1"}).grant, "g1");
  EXPECT_EQ(AcceptedAs<GrantsWatchArguments>({"grants", "watch", "g1", "g2"}).grants,
            (std::vector<std::string>{"g1", "g2"}));
  EXPECT_EQ(AcceptedAs<GrantsRevokeArguments>({"grants", "revoke", "g1"}).grant, "g1");
  EXPECT_FALSE(AcceptedAs<GrantsRevokeArguments>({"grants", "revoke", "g1"}).yes);
  EXPECT_TRUE(AcceptedAs<GrantsRevokeArguments>({"grants", "revoke", "g1", "--yes"}).yes);
  AcceptedAs<ProvidersListArguments>({"providers", "list"});
  AcceptedAs<ProvidersServerArguments>({"providers", "list", "--server"});
  EXPECT_EQ(AcceptedAs<ProvidersShowArguments>({"providers", "show", "google"}).name, "google");
  EXPECT_TRUE(AcceptedAs<ProvidersCheckArguments>({"providers", "check", "f", "--dev"}).development);
  AcceptedAs<DoctorArguments>({"doctor"});
  const auto adopt = AcceptedAs<AdminAdoptArguments>(
      {"admin", "adopt", "--as", "clone", "--store-id", std::string(32, 'a'), "--yes"});
  EXPECT_EQ(adopt.as, v1::STORE_ADOPTION_CLONE);
  EXPECT_EQ(adopt.store_id, std::string(32, 'a'));
  EXPECT_TRUE(adopt.yes);
  EXPECT_EQ(AcceptedAs<AdminAdoptArguments>({"admin", "adopt", "--as", "restore"}).as,
            v1::STORE_ADOPTION_RESTORE);
  EXPECT_TRUE(AcceptedAs<LoginArguments>({"login", "g", "--callback-url", "-"}).callback_url_from_input);
}

TEST(ArgumentsTest, GlobalOptionsStandBeforeOrBehindTheCommand) {
  for (const Arguments& arguments :
       {Arguments{"--tenant", "t", "--subject", "s", "--output", "json", "--timeout", "2s", "grants", "list"},
        Arguments{"grants", "list", "--tenant", "t", "--subject", "s", "--output=json", "--timeout", "2s"}}) {
    const Globals globals = Accepted(arguments).globals;
    EXPECT_EQ(globals.tenant, "t");
    EXPECT_EQ(globals.subject, "s");
    EXPECT_TRUE(globals.json);
    EXPECT_EQ(globals.timeout, milliseconds(2000));
  }
}

TEST(ArgumentsTest, TheEnvironmentGivesTenantAndSubject) {
  unsetenv("GRANTKEEP_TENANT");
  unsetenv("GRANTKEEP_SUBJECT");
  setenv("USER", "alice", 1);
  EXPECT_EQ(Accepted({"secret", "list"}).globals.tenant, "default");
  EXPECT_EQ(Accepted({"secret", "list"}).globals.subject, "alice");
  setenv("GRANTKEEP_TENANT", "acme", 1);
  setenv("GRANTKEEP_SUBJECT", "bob", 1);
  EXPECT_EQ(Accepted({"secret", "list"}).globals.tenant, "acme");
  EXPECT_EQ(Accepted({"secret", "list"}).globals.subject, "bob");
  EXPECT_EQ(Accepted({"secret", "list", "--tenant", "t"}).globals.tenant, "t") << "an option goes first";
  unsetenv("GRANTKEEP_TENANT");
  unsetenv("GRANTKEEP_SUBJECT");
}

TEST(ArgumentsTest, WrongUsageIsExitCode2AndNamesTheHelp) {
  for (const Arguments& arguments :
       std::vector<Arguments>{{},
                              {"frobnicate"},
                              {"login"},
                              {"secret"},
                              {"secret", "frobnicate"},
                              {"login", "google", "--param", "novalue"},
                              {"login", "google", "--param", "=x"},
                              {"login", "google", "--param", "a=1", "--param", "a=2"},
                              {"login", "google", "--url-part", "a=1", "--url-part", "a=2"},
                              {"login", "google", "--port", "65536"},
                              {"token", "g", "--min-ttl", "soon"},
                              {"token", "g", "--rejected-generation", "-1"},
                              {"grants", "list", "--output", "xml"}}) {
    const Stop stop = Stopped(arguments);
    EXPECT_EQ(stop.code, kUsage);
    EXPECT_EQ(stop.out, "");
    EXPECT_THAT(stop.err, HasSubstr("--help"));
  }
  EXPECT_THAT(Stopped({"secret", "put"}).err, HasSubstr("run: grantkeep secret put --help"));
}

TEST(ArgumentsTest, ASecretInTheWrongPlaceIsRefusedAndNotRepeated) {
  for (const Arguments& arguments :
       std::vector<Arguments>{{"secret", "put", "bot", "hunter2"},
                              {"secret", "put", "bot", "--value", "hunter2"},
                              {"secret", "put", "bot", "--value=hunter2"},
                              {"secret", "put", "bot", "--hunter2"},
                              {"secret", "put", "bot", "hunter2", "--output", "json"}}) {
    const Stop stop = Stopped(arguments);
    EXPECT_EQ(stop.code, kUsage);
    EXPECT_THAT(stop.err, Not(HasSubstr("hunter2")));
    EXPECT_THAT(stop.err, HasSubstr("standard input"));
  }
}

TEST(ArgumentsTest, WithJsonOutputUsageErrorsAreJsonToo) {
  EXPECT_THAT(Stopped({"token", "--output", "json"}).err,
              HasSubstr("{\"error\":{\"code\":\"INVALID_ARGUMENT\",\"reason\":\"USAGE\",\"message\":\""));
}

TEST(ArgumentsTest, EveryCommandHasHelpThatNamesItInFull) {
  for (const Arguments& command : EveryCommand()) {
    const Stop stop = Stopped(With(command, "--help"));
    EXPECT_EQ(stop.code, kOk);
    std::string usage = "Usage: grantkeep";
    for (const std::string& word : command) usage += " " + word;
    EXPECT_THAT(stop.out, HasSubstr(usage + " [OPTIONS]"));
  }
}

TEST(ArgumentsTest, EveryHelpHasAnExampleThatIsAccepted) {
  for (const Arguments& command : EveryCommand()) {
    std::string name = "grantkeep";
    for (const std::string& word : command) name += " " + word;
    std::istringstream help(Stopped(With(command, "--help")).out);
    int examples = 0;
    for (std::string line; std::getline(help, line);) {
      const size_t at = line.find(name + (command.empty() ? " " : ""));
      if (!line.starts_with("  ") || at == std::string::npos || line.starts_with("  -")) continue;
      // Up to what is the shell's.
      std::istringstream words(line.substr(at, line.find_first_of("<>|)#", at) - at));
      Arguments arguments;
      for (std::string word; words >> word;) arguments.push_back(word);
      arguments.erase(arguments.begin());
      const auto parsed = ParseArguments(arguments);
      const Stop* stop = std::get_if<Stop>(&parsed);
      EXPECT_TRUE(stop == nullptr || stop->code == kOk) << line;
      ++examples;
    }
    EXPECT_GE(examples, 1) << name;
  }
}

TEST(ArgumentsTest, HelpWorksAsAWordToo) {
  EXPECT_EQ(Stopped({"help"}).out, Stopped({"--help"}).out);
  for (const Arguments& command : EveryCommand()) {
    Arguments as_word = command;
    as_word.insert(as_word.begin(), "help");
    EXPECT_EQ(Stopped(as_word).out, Stopped(With(command, "--help")).out);
  }
  EXPECT_EQ(Stopped({"help", "exit-codes"}).out, kExitCodeHelp);
  EXPECT_EQ(Stopped({"help", "tokn"}).code, kUsage);
  EXPECT_THAT(Stopped({"help", "tokn"}).err, HasSubstr("did you mean token?"));
  EXPECT_EQ(Stopped({"version"}).out, Stopped({"--version"}).out);
  EXPECT_THAT(Stopped({"version", "--output", "json"}).out,
              ::testing::MatchesRegex("\\{\"version\":\"[0-9.]+\"\\}\n"));
}

TEST(ArgumentsTest, WhatIsWrongIsNamed) {
  struct Case {
    Arguments arguments;
    const char* message;
  };
  for (const Case& c : std::vector<Case>{
           {{"grants", "list", "--bogus"}, "--bogus is not an option of grantkeep grants list\n"},
           {{"grants", "list", "--alsubjects"}, "did you mean --all-subjects?"},
           {{"grants", "list", "--bogus=hunter2"}, "--bogus is not an option"},
           {{"login", "google", "--port", "65536"}, "--port: must be a whole number from 0 to 65535"},
           {{"token", "g", "--timeout", "0s"}, "--timeout: must be more than 0"},
           {{"login", "google", "--wait", "0"}, "--wait: must be more than 0"},
           {{"token", "g", "--min-ttl", "soon"}, "--min-ttl: must be a duration"},
           {{"token", "g", "--rejected-generation", "18446744073709551616"},
            "--rejected-generation: must be"},
           {{"secrt", "list"}, "there is no command \"grantkeep secrt\"; did you mean secret?"},
           {{"secret", "pt"}, "there is no command \"grantkeep secret pt\"; did you mean put?"},
           {{"grants", "list", "--output", "xml"}, "--output: must be one of text|json"},
           {{"login", "google", "--callback-url", "http://127.0.0.1/callback?code=hunter2"},
            "--callback-url: must be -"},
           {{"token", "g1", "hunter2"}, "an argument too many for grantkeep token"},
           {{}, "a command is missing: login, token, secret, grants, providers"},
           {{"grants"}, "a command is missing: list, show, watch, revoke\n  run: grantkeep grants --help\n"},
           {{"secret"}, "a command is missing: put, get, list, delete\n"},
           {{"help", "foo"}, "there is no such command\n  run: grantkeep help\n"},
           {{"help", "secret", "login"}, "there is no such command\n  run: grantkeep help secret\n"},
           {{"help", "secret", "lst"}, "did you mean list?\n  run: grantkeep help secret\n"},
           {{"completion", "fish"}, "must be one of bash|zsh"},
           {{"secret", "put", "bot", "--rw"}, "did you mean --raw?"}}) {
    const Stop stop = Stopped(c.arguments);
    EXPECT_EQ(stop.code, kUsage);
    EXPECT_THAT(stop.err, HasSubstr(c.message));
    EXPECT_THAT(stop.err, Not(HasSubstr("hunter2")));
  }
  EXPECT_EQ(AcceptedAs<TokenArguments>({"token", "g", "--min-ttl", "0"}).min_ttl, milliseconds(0));
}

TEST(ArgumentsTest, AUsageErrorInJsonNamesTheOption) {
  EXPECT_THAT(Stopped({"token", "g", "--timeout", "0s", "--output", "json"}).err,
              HasSubstr(R"("field":"--timeout","next":"run: grantkeep token --help")"));
  EXPECT_THAT(Stopped({"--output=json", "grants", "list", "--bogus"}).err, HasSubstr(R"("field":"--bogus")"));
  EXPECT_THAT(Stopped({"token", "json", "--bogus"}).err, Not(HasSubstr("{"))) << "not asked for";
}

TEST(ArgumentsTest, WhoGaveTheAddressIsKnown) {
  unsetenv("GRANTKEEP_ADDRESS");
  EXPECT_EQ(Accepted({"secret", "list"}).globals.address_from, "");
  setenv("GRANTKEEP_ADDRESS", "unix:/s", 1);
  EXPECT_EQ(Accepted({"secret", "list"}).globals.address_from, "$GRANTKEEP_ADDRESS");
  EXPECT_EQ(Accepted({"secret", "list", "--address", "unix:/t"}).globals.address_from, "--address");
  unsetenv("GRANTKEEP_ADDRESS");
}

TEST(ArgumentsTest, VersionIsPrinted) {
  const Stop stop = Stopped({"--version"});
  EXPECT_EQ(stop.code, kOk);
  EXPECT_THAT(stop.out, ::testing::MatchesRegex("grantkeep [0-9.]+\n"));
}

}  // namespace
}  // namespace grantkeep::cli
