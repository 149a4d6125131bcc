// SPDX-License-Identifier: Apache-2.0
// The scripted sign-in of `login --help`, as a shell runs it.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>

#include "tests/e2e/cli_process.h"
#include "tests/support/browser.h"
#include "tests/support/daemon.h"
#include "tests/support/practice_provider/provider.h"
#include "tests/support/temp_dir.h"

namespace grantkeep::testing {
namespace {

using practice::PracticeProvider;
using namespace std::chrono_literals;

// The lines of `login --help` from `first` to the end of the example.
std::string ExampleFrom(const std::string& first, const std::string& help) {
  std::istringstream lines(help.substr(help.find("  " + first)));
  std::string example;
  for (std::string line; std::getline(lines, line) && line.starts_with("  ");) example += line + "\n";
  return example;
}

TEST(CliScriptTest, TheScriptInLoginsHelpWorksAsItStands) {
  practice::ProviderOptions options;
  options.consent = practice::Consent::kAllow;
  options.clients = {{"public", "", practice::ClientAuth::kNone, {"http://127.0.0.1/callback"}}};
  const auto practice = PracticeProvider::Start(std::move(options)).value();
  Daemon daemon(GRANTKEEPD, fmt::format(R"(providers:
  - id: practice
    issuer: "{}"
    client_authentication: none
    client: {{client_id: public}}
    redirect_uris: ["http://127.0.0.1/callback"]
)",
                                        practice->issuer()));
  ASSERT_TRUE(daemon.Start().ok());
  const auto run = [&daemon](const std::vector<std::string>& arguments) {
    CliProcess process(arguments, {{"GRANTKEEP_ADDRESS", daemon.address()}});
    return process.Finish();
  };
  std::string script = ExampleFrom("mkfifo", run({"login", "--help"}).out);
  script.replace(script.find("google"), 6, "practice");
  const TempDir dir;
  std::filesystem::create_symlink(GRANTKEEP, dir / "grantkeep");
  const std::map<std::string, std::string> environment = {{"GRANTKEEP_ADDRESS", daemon.address()},
                                                          {"PATH", dir.path().string() + ":/usr/bin:/bin"}};
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  auto shell = ChildProcess::Start({.command = {"/bin/sh", "-e"},
                                    .environment = environment,
                                    .output = dir / "output",
                                    .streams = {ends[0], -1, -1}});
  ASSERT_TRUE(shell.ok()) << shell.status();
  close(ends[0]);
  const auto type = [&ends](const std::string& lines) {
    ASSERT_EQ(write(ends[1], lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
  };
  // The part that begins the sign-in; the other needs what the browser has shown meanwhile.
  const size_t then = script.find("  printf");
  ASSERT_NE(then, std::string::npos) << script;
  type("cd " + dir.path().string() + "\n" + script.substr(0, then));
  // The URL stands in a line of its own, indented.
  const auto url = [&] {
    const std::string text = ReadFile(dir / "url");
    const size_t begin = text.find("\n\n  http");
    const size_t end = begin == std::string::npos ? begin : text.find('\n', begin + 4);
    return end == std::string::npos ? std::string() : text.substr(begin + 4, end - begin - 4);
  };
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (url().empty() && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  Browser browser;
  const Page page = browser.Get(url());
  type("ADDRESS='" + page.location + "'\n" + script.substr(then));
  close(ends[1]);
  EXPECT_EQ((*shell)->Wait(), 0) << ReadFile(dir / "output") << ReadFile(dir / "url");
  const std::string grant = ReadFile(dir / "grant");
  EXPECT_EQ(run({"token", grant.substr(0, grant.find('\n'))}).code, 0);
}

}  // namespace
}  // namespace grantkeep::testing
