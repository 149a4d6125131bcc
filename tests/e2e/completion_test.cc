// SPDX-License-Identifier: Apache-2.0
// The completion scripts, in the shells that they are for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <fstream>
#include <sstream>

#include "tests/e2e/cli_process.h"
#include "tests/support/temp_dir.h"

namespace grantkeep::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

// What the shell does at <TAB>; the last word is the cursor's.
constexpr char kBashDriver[] = R"sh(
source "$1" || exit 1
complete -p grantkeep >/dev/null || exit 1
shift
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_grantkeep
((${#COMPREPLY[@]})) && printf '%s\n' "${COMPREPLY[@]}"
exit 0
)sh";

// zsh's own functions for candidates exist only while it completes; these print them. The prefix is
// matched by the shell, so that all candidates appear.
constexpr char kZshDriver[] = R"sh(
compdef() { [[ "$*" == '_grantkeep grantkeep' ]] || exit 1 }
compset() { : }
compadd() { shift; (( $# )) && print -rl -- "$@" }
_files() { print -r -- FILES }
source "$1" || exit 1
shift
words=("$@")
CURRENT=$#words
_grantkeep
exit 0
)sh";

class CompletionTest : public ::testing::TestWithParam<std::string> {
 protected:
  CompletionTest() {
    CliProcess process({"completion", GetParam()}, {});
    const CliResult result = process.Finish();
    EXPECT_EQ(result.code, 0) << result.err;
    std::ofstream(script()) << result.out;
    std::ofstream(dir_ / "driver") << (bash() ? kBashDriver : kZshDriver);
  }
  bool bash() const { return GetParam() == "bash"; }
  std::string script() const { return (dir_ / "script").string(); }
  std::string shell() const { return "/usr/bin/" + GetParam(); }

  // Fails the test when the shell is not installed, or complains.
  std::string Shell(const std::vector<std::string>& arguments) {
    std::vector<std::string> command = {shell()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const std::filesystem::path output = dir_ / "output";
    std::filesystem::remove(output);
    auto process = ChildProcess::Start({.command = command, .environment = {}, .output = output});
    EXPECT_TRUE(process.ok()) << process.status();
    const std::optional<int> status = (*process)->Wait();
    EXPECT_TRUE(status.has_value() && WIFEXITED(*status) && WEXITSTATUS(*status) == 0)
        << shell() << " is missing or refuses the script: " << ReadFile(output);
    return ReadFile(output);
  }
  std::vector<std::string> Complete(const std::vector<std::string>& words) {
    std::vector<std::string> arguments = {bash() ? "--norc" : "-f", (dir_ / "driver").string(), script(),
                                          "grantkeep"};
    arguments.insert(arguments.end(), words.begin(), words.end());
    std::istringstream lines(Shell(arguments));
    std::vector<std::string> candidates;
    for (std::string line; std::getline(lines, line);) candidates.push_back(line);
    return candidates;
  }

  TempDir dir_;
};

TEST_P(CompletionTest, TheScriptIsCorrectForTheShell) { EXPECT_EQ(Shell({"-n", script()}), ""); }

TEST_P(CompletionTest, CommandsAreThoseOfTheProgram) {
  EXPECT_THAT(Complete({""}), UnorderedElementsAre("login", "token", "secret", "grants", "providers",
                                                   "doctor", "admin", "help", "version", "completion"));
  EXPECT_THAT(Complete({"secret", ""}), UnorderedElementsAre("put", "get", "list", "delete"));
  EXPECT_THAT(Complete({"--tenant", "secret", "grants", ""}),
              UnorderedElementsAre("list", "show", "watch", "revoke"))
      << "an option's value is no command";
  EXPECT_THAT(Complete({"help", ""}), IsSupersetOf({"exit-codes", "login"}));
  EXPECT_THAT(Complete({"help", "secret", ""}), UnorderedElementsAre("put", "get", "list", "delete"));
  EXPECT_THAT(Complete({"help", "login", ""}), IsEmpty());
}

TEST_P(CompletionTest, OptionsAreTheCommandsAndTheCommonOnes) {
  const auto login = Complete({"login", "--"});
  for (const char* option : {"--scope", "--no-browser", "--callback-url", "--output", "--tenant"}) {
    EXPECT_THAT(login, Contains(option));
  }
  EXPECT_THAT(login, Not(Contains("--min-ttl")));
  EXPECT_THAT(Complete({"--"}), Contains("--address"));
  EXPECT_THAT(Complete({"secret", "get", "--"}), Contains("--version"));
}

TEST_P(CompletionTest, ValuesAreCompletedWhereTheyAreKnown) {
  EXPECT_THAT(Complete({"grants", "list", "--output", ""}), ElementsAre("text", "json"));
  EXPECT_THAT(Complete({"completion", ""}), ElementsAre("bash", "zsh"));
  EXPECT_THAT(Complete({"admin", "adopt", "--as", ""}), ElementsAre("restore", "clone"));
  EXPECT_THAT(Complete({"login", ""}),
              UnorderedElementsAre("github", "google", "linear", "notion", "slack", "slack-user"));
  EXPECT_THAT(Complete({"secret", "put", "bot", "--provider", ""}), ElementsAre("discord"));
  EXPECT_THAT(Complete({"providers", "show", ""}), IsSupersetOf({"discord", "github"}));
  EXPECT_THAT(Complete({"token", ""}), IsEmpty()) << "a grant's id is only the user's";
  EXPECT_THAT(Complete({"grants", "list", "--tenant", ""}), IsEmpty());
}

TEST_P(CompletionTest, AFlagTakesNoValue) {
  EXPECT_THAT(Complete({"login", "--no-browser", ""}), Contains("google"));
}

TEST_P(CompletionTest, FilesAreCompletedForCheck) {
  if (!bash()) {
    EXPECT_THAT(Complete({"providers", "check", ""}), ElementsAre("FILES"));
    return;
  }
  std::ofstream(dir_ / "my file.yaml") << "x";
  EXPECT_THAT(Complete({"providers", "check", (dir_ / "my").string()}),
              ElementsAre((dir_ / "my file.yaml").string()));
}

TEST_P(CompletionTest, AValueMayStandBehindAnEqualsSign) {
  if (bash()) {
    // bash makes a word of its own of it.
    EXPECT_THAT(Complete({"--output", "="}), ElementsAre("text", "json"));
    EXPECT_THAT(Complete({"--output", "=", "js"}), ElementsAre("json"));
    EXPECT_THAT(Complete({"--output", "=", "json", "secret", "l"}), ElementsAre("list"));
  } else {
    EXPECT_THAT(Complete({"--output="}), ElementsAre("text", "json"));
    EXPECT_THAT(Complete({"--output=json", "secret", ""}), Contains("list"));
  }
}

INSTANTIATE_TEST_SUITE_P(Shells, CompletionTest, ::testing::Values("bash", "zsh"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace grantkeep::testing
