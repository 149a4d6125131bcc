// SPDX-License-Identifier: Apache-2.0
// What ./dev run starts and says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <optional>
#include <thread>

#include "tests/e2e/cli_process.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace grantkeep::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using namespace std::chrono_literals;

class DemoTest : public ::testing::Test {
 protected:
  using Environment = std::map<std::string, std::string>;

  // Starts `./dev run` without its build.
  std::unique_ptr<ChildProcess> Run(const std::string& name, std::vector<std::string> more = {},
                                    Environment environment = {}) {
    environment["XDG_STATE_HOME"] = dir_ / "state";
    more.insert(more.begin(), {GRANTKEEP_DEMO, "--stay", "--consent", "allow"});
    std::vector<std::string> without;
    if (!environment.contains("GRANTKEEP_ADDRESS")) without.emplace_back("GRANTKEEP_ADDRESS");
    auto process = ChildProcess::Start(
        {.command = more, .environment = environment, .without = without, .output = dir_ / name});
    EXPECT_TRUE(process.ok()) << process.status();
    return *std::move(process);
  }
  std::string Said(const std::string& name) const { return ReadFile(dir_ / name); }
  std::string WhenUp(ChildProcess& run, const std::string& name) const {
    const auto limit = std::chrono::steady_clock::now() + 60s;
    while (Said(name).find("Ctrl-C ends both") == std::string::npos && !run.Wait(0s).has_value() &&
           std::chrono::steady_clock::now() < limit) {
      std::this_thread::yield();
    }
    return Said(name);
  }
  std::string Address(const std::string& folder) const {
    return "unix:" + (dir_ / folder / "grantkeep.sock").string();
  }

  const TempDir dir_;
};

TEST_F(DemoTest, RunSaysWhereTheDaemonReallyIsAndHowToReachIt) {
  struct Case {
    const char* name;
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;
    std::string address;
    bool export_needed;
  };
  for (const Case& c : {
           Case{"default", {}, {}, Address("state/grantkeep"), false},
           Case{"other", {"--data-dir", dir_ / "elsewhere"}, {}, Address("elsewhere"), true},
           Case{"variable", {}, {{"GRANTKEEP_ADDRESS", "unix:/nowhere"}}, Address("state/grantkeep"), true},
       }) {
    const auto run = Run(c.name, c.arguments, c.environment);
    const std::string said = WhenUp(*run, c.name);
    EXPECT_THAT(said, HasSubstr("grantkeepd         " + c.address + "\n"));
    EXPECT_EQ(said.find("export GRANTKEEP_ADDRESS=" + c.address) != std::string::npos, c.export_needed)
        << said;
    CliProcess list({"secret", "list"}, {{"GRANTKEEP_ADDRESS", c.address}});
    EXPECT_EQ(list.Finish().code, 0);
    run->Signal(SIGTERM);
    EXPECT_EQ(run->Wait(), 0);
  }
}

TEST_F(DemoTest, ASecondRunNamesTheFirstAndTheWayOut) {
  const auto first = Run("first");
  WhenUp(*first, "first");
  const auto second = Run("second");
  const std::optional<int> status = second->Wait();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(WEXITSTATUS(*status), 1);
  EXPECT_THAT(Said("second"), MatchesRegex("\nFAILED already running as process [0-9]+: stop it, or "
                                           "./dev run --data-dir DIR\n"));
}

TEST_F(DemoTest, ADaemonThatDoesNotStartIsNotExplainedWithOurFiles) {
  const auto run = Run("run", {"--data-dir", "/dev/null/folder"});
  const std::optional<int> status = run->Wait();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(WEXITSTATUS(*status), 1);
  EXPECT_THAT(Said("run"), HasSubstr("FAILED grantkeepd ended before it was ready"));
  EXPECT_THAT(Said("run"), Not(HasSubstr("appeared")));
}

TEST_F(DemoTest, TheScriptsHelpNamesTheOptionsOfRun) {
  auto help =
      ChildProcess::Start({.command = {GK_DEV_SCRIPT, "help"}, .environment = {}, .output = dir_ / "help"});
  ASSERT_TRUE(help.ok()) << help.status();
  EXPECT_EQ((*help)->Wait(), 0);
  EXPECT_THAT(Said("help"), HasSubstr("run [--data-dir DIR] [--consent page|allow]"));
}

}  // namespace
}  // namespace grantkeep::testing
