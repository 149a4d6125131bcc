// SPDX-License-Identifier: Apache-2.0
// The `grantkeep` program against the real daemon and the practice provider.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>
#include <thread>

#include "tests/e2e/cli_process.h"
#include "tests/support/browser.h"
#include "tests/support/daemon.h"
#include "tests/support/practice_provider/provider.h"

namespace grantkeep::testing {
namespace {

using practice::ClientAuth;
using practice::Consent;
using practice::PracticeProvider;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

constexpr char kClientSecret[] = "client-secret-of-the-cli-test";
constexpr char kCanary[] = "canary-7f3a9-value-of-the-cli-test";

std::unique_ptr<PracticeProvider> StartPractice() {
  practice::ProviderOptions options;
  options.consent = Consent::kAllow;
  options.clients = {{"basic", kClientSecret, ClientAuth::kBasic, {"http://127.0.0.1/callback"}}};
  auto provider = PracticeProvider::Start(std::move(options));
  EXPECT_TRUE(provider.ok()) << provider.status();
  return *std::move(provider);
}

class CliTest : public ::testing::Test {
 protected:
  CliTest()
      : practice_(StartPractice()),
        daemon_(GRANTKEEPD, Configuration(practice_->issuer()), {{"PRACTICE_CLIENT_SECRET", kClientSecret}}) {
  }
  void SetUp() override {
    const absl::Status ready = daemon_.Start();
    ASSERT_TRUE(ready.ok()) << ready;
  }

  static std::string Configuration(const std::string& issuer) {
    return fmt::format(R"(log:
  level: debug
providers:
  - id: practice
    kind: oauth
    issuer: "{}"
    client_authentication: client_secret_basic
    rotation: strict
    client:
      client_id: basic
      client_secrets:
        - env: PRACTICE_CLIENT_SECRET
    default_scopes: [read, write]
    redirect_uris: ["http://127.0.0.1/callback"]
  - id: discord
    catalogue: discord
)",
                       issuer);
  }
  CliProcess::Environment Environment() const {
    return {{"GRANTKEEP_ADDRESS", daemon_.address()}, {"GRANTKEEP_TENANT", "acme"}, {"USER", "alice"}};
  }
  CliResult Run(const std::vector<std::string>& arguments, const std::string& in = "") const {
    CliProcess process(arguments, Environment());
    process.Input(in);
    return process.Finish();
  }

  // The URL that login asks to open.
  static std::string UrlFrom(CliProcess& login) {
    const size_t begin = login.ErrUntil("\n\n  ").size();
    login.ErrUntil("&");
    const std::string& text = login.ErrUntil("\n");
    return text.substr(begin, text.size() - begin - 1);
  }
  // Plays the user's browser until it shows the last page.
  Page Browse(const std::string& url) {
    Page page = browser_.Get(url);
    for (int redirects = 0; !page.location.empty() && redirects < 5; ++redirects)
      page = browser_.Get(page.location);
    return page;
  }
  CliResult Login(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"login", "practice", "--no-browser"});
    CliProcess login(more, Environment());
    last_page_ = Browse(UrlFrom(login));
    return login.Finish();
  }
  // A grant's id.
  std::string SignIn() {
    const CliResult result = Login();
    EXPECT_EQ(result.code, 0) << result.err;
    return result.out.substr(0, result.out.find('\n'));
  }

  std::unique_ptr<PracticeProvider> practice_;
  Daemon daemon_;
  Browser browser_;
  Page last_page_;
};

TEST_F(CliTest, LoginThenTokenGivesWhatTheProvidersApiAccepts) {
  const CliResult login = Login({"--scope", "read"});
  ASSERT_EQ(login.code, 0) << login.err;
  EXPECT_EQ(last_page_.status, 200);
  EXPECT_THAT(last_page_.url, ::testing::MatchesRegex("http://127\\.0\\.0\\.1:[0-9]+/done"));
  ASSERT_TRUE(login.out.ends_with('\n'));
  const std::string grant = login.out.substr(0, login.out.size() - 1);
  EXPECT_THAT(login.err, HasSubstr("grantkeep token " + grant));

  const CliResult token = Run({"token", grant});
  EXPECT_EQ(token.code, 0);
  EXPECT_EQ(token.err, "");
  ASSERT_TRUE(token.out.ends_with('\n'));
  EXPECT_EQ(
      browser_.GetWithToken(practice_->resource_endpoint(), token.out.substr(0, token.out.size() - 1)).status,
      200);
}

TEST_F(CliTest, ARefusedTokenIsReplacedByANewerGeneration) {
  const std::string grant = SignIn();
  const CliResult first = Run({"token", grant, "--output", "json"});
  EXPECT_EQ(boost::json::parse(first.out).at("generation"), "1");
  const CliResult second = Run({"token", grant, "--output", "json", "--rejected-generation", "1"});
  EXPECT_EQ(boost::json::parse(second.out).at("generation"), "2");
}

TEST_F(CliTest, AGrantThatTheProviderHasEndedIsExitCode4AndSaysWhereToSignIn) {
  const std::string grant = SignIn();
  practice_->KillAllFamilies();
  const CliResult result = Run({"token", grant, "--rejected-generation", "1"});
  EXPECT_EQ(result.code, 4);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("NEEDS_REAUTH"));
  EXPECT_THAT(result.err, HasSubstr("run: grantkeep login --grant " + grant + "\n"));
  EXPECT_THAT(Run({"grants", "show", grant}).out, HasSubstr("INVALID_GRANT: the provider no longer"));
}

TEST_F(CliTest, LoginOpensTheBrowserOfTheEnvironment) {
  const TempDir dir;
  const std::filesystem::path script = dir / "browser";
  const std::filesystem::path opened = dir / "opened";
  std::ofstream(script) << "#!/bin/sh\nprintf '%s\\n' \"$1\" > " << opened.string() << ".new && mv "
                        << opened.string() << ".new " << opened.string() << "\n";
  chmod(script.c_str(), 0700);
  CliProcess::Environment environment = Environment();
  environment["BROWSER"] = script.string() + " %s";
  CliProcess login({"login", "practice"}, environment);
  const std::string url = UrlFrom(login);
  EXPECT_THAT(login.ErrUntil(""), HasSubstr("Your browser opens"));
  Browse(url);
  EXPECT_EQ(login.Finish().code, 0);
  // The browser is a process of its own, for which login does not wait.
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (ReadFile(opened).empty() && std::chrono::steady_clock::now() < limit) {
    std::this_thread::yield();
  }
  EXPECT_EQ(ReadFile(opened), url + "\n");
}

TEST_F(CliTest, HostileRequestsToTheCallbackDoNotEndALogin) {
  CliProcess login({"login", "practice", "--no-browser"}, Environment());
  const std::string url = UrlFrom(login);
  const std::string callback = QueryParameter(url, "redirect_uri");
  EXPECT_EQ(browser_.Get(callback).status, 400);
  EXPECT_EQ(browser_.Get(callback + "?code=stolen&state=guessed").status, 400);
  EXPECT_EQ(browser_.Get(callback + "?" + std::string(60'000, 'a')).status, 431);
  EXPECT_EQ(browser_.Get(callback + "/../admin").status, 404);
  EXPECT_EQ(browser_.Post(callback, {{"state", QueryParameter(url, "state")}, {"code", "c"}}).status, 405);
  EXPECT_EQ(Browse(url).status, 200);
  EXPECT_EQ(login.Finish().code, 0);
}

TEST_F(CliTest, TheAddressOfThePageThatDidNotLoadCanBePasted) {
  CliProcess login({"login", "practice", "--no-browser", "--callback-url", "-"}, Environment());
  // The provider's answer is an address that the browser, elsewhere, cannot load.
  const Page page = browser_.Get(UrlFrom(login));
  ASSERT_THAT(page.location, HasSubstr("code="));
  login.Type(page.location + "\n");
  const CliResult result = login.Finish();
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, Not(HasSubstr(QueryParameter(page.location, "code"))));
  EXPECT_EQ(Run({"token", result.out.substr(0, result.out.find('\n'))}).code, 0);
}

TEST_F(CliTest, AUserWhoRefusesIsExitCode6) {
  practice_->SetConsent(Consent::kDeny);
  const CliResult result = Login();
  EXPECT_EQ(result.code, 6);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("ACCESS_DENIED"));
}

TEST_F(CliTest, ALoginThatNobodyFinishesIsExitCode5) {
  const CliResult result = Run({"login", "practice", "--no-browser", "--wait", "50ms"});
  EXPECT_EQ(result.code, 5);
  EXPECT_THAT(result.err, HasSubstr("nobody finished signing in"));
}

TEST_F(CliTest, ABotTokenHasNoLogin) {
  const CliResult result = Run({"login", "discord", "--no-browser"});
  EXPECT_EQ(result.code, 6);
  EXPECT_THAT(result.err, HasSubstr("PROVIDER_IS_STATIC"));
  EXPECT_THAT(result.err, HasSubstr("grantkeep secret put NAME --provider discord"));
}

TEST_F(CliTest, SecretsArePutReadListedAndDeleted) {
  EXPECT_EQ(Run({"secret", "put", "bot", "--provider", "discord"}, "one\n").out, "bot is at version 1\n");
  EXPECT_EQ(Run({"secret", "put", "bot", "--expected-version", "1"}, "two\n").out, "bot is at version 2\n");
  EXPECT_THAT(Run({"secret", "list"}).out, HasSubstr("discord")) << "the second version keeps the provider";
  EXPECT_EQ(Run({"secret", "get", "bot"}).out, "two");
  EXPECT_EQ(Run({"secret", "get", "bot", "--version", "1"}).out, "one");
  const std::string every_byte = [] {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    return bytes + "\n";
  }();
  EXPECT_EQ(Run({"secret", "put", "bytes", "--raw"}, every_byte).code, 0);
  EXPECT_EQ(Run({"secret", "get", "bytes"}).out, every_byte);
  const CliResult list = Run({"secret", "list", "--output", "json"});
  EXPECT_EQ(boost::json::parse(list.out).at("static_secrets").as_array().size(), 2u);
  EXPECT_EQ(Run({"secret", "delete", "bot"}).code, 0);
  EXPECT_EQ(Run({"secret", "get", "bot"}).code, 3);
}

TEST_F(CliTest, FailuresOfSecretsHaveTheirExitCodes) {
  EXPECT_EQ(Run({"secret", "get", "none"}).code, 3);
  EXPECT_EQ(Run({"secret", "delete", "none"}).code, 3);
  EXPECT_EQ(Run({"secret", "put", "bot", "--expected-version", "4"}, "v").code, 6);
  EXPECT_EQ(Run({"secret", "put", "bot", "--provider", "practice"}, "v").code, 6);
  EXPECT_EQ(Run({"secret", "put", "bad name"}, "v").code, 2);
  EXPECT_EQ(Run({"secret", "put", "bot"}, "").code, 2);
}

TEST_F(CliTest, GrantsAreListedBySubject) {
  const std::string grant = SignIn();
  EXPECT_THAT(Run({"grants", "list"}).out, HasSubstr(grant));
  EXPECT_THAT(Run({"grants", "list", "--subject", "bob"}).out, Not(HasSubstr(grant)));
  EXPECT_THAT(Run({"grants", "list", "--subject", "bob", "--all-subjects"}).out, HasSubstr(grant));
  EXPECT_THAT(Run({"grants", "list", "--provider", "discord"}).out, Not(HasSubstr(grant)));
  EXPECT_THAT(Run({"grants", "list", "--tenant", "other", "--all-subjects"}).out, Not(HasSubstr(grant)));
  const CliResult shown = Run({"grants", "show", grant, "--output", "json"});
  EXPECT_EQ(boost::json::parse(shown.out).at("subject"), "alice");
  EXPECT_EQ(Run({"grants", "show", grant, "--subject", "bob"}).code, 3);
}

TEST_F(CliTest, ErrorsAreJsonWhenTheOutputIs) {
  const CliResult result = Run({"token", "none", "--output", "json"});
  EXPECT_EQ(result.code, 3);
  EXPECT_EQ(result.out, "");
  const boost::json::value error = boost::json::parse(result.err).at("error");
  EXPECT_EQ(error.at("code"), "NOT_FOUND");
  EXPECT_EQ(error.at("reason"), "GRANT_NOT_FOUND");
  const CliResult field = Run({"token", "white space", "--output", "json"});
  EXPECT_EQ(field.code, 2);
  EXPECT_EQ(boost::json::parse(field.err).at("error").at("field"), "grant_id");
}

TEST_F(CliTest, WithoutTheDaemonItIsExitCode5) {
  daemon_.Kill();
  const CliResult result = Run({"secret", "list"});
  EXPECT_EQ(result.code, 5);
  EXPECT_THAT(result.err, HasSubstr("$GRANTKEEP_ADDRESS says " + daemon_.address()));
}

TEST_F(CliTest, AValueIsSeenOnlyWhereItWasAskedFor) {
  CliProcess put({"secret", "put", "canary"}, Environment());
  EXPECT_THAT(put.CommandLine(), Not(HasSubstr(kCanary)));
  put.Input(kCanary);
  const CliResult stored = put.Finish();
  EXPECT_EQ(stored.code, 0);
  const std::string grant = SignIn();
  EXPECT_EQ(Run({"token", grant}).code, 0);
  std::string seen = stored.out + stored.err + daemon_.Output();
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"secret", "list"},
                                             {"secret", "list", "--output", "json"},
                                             {"secret", "get", "canary", "--version", "9"},
                                             {"secret", "put", "canary", kCanary},
                                             {"secret", "put", "canary", "--help"},
                                             {"grants", "list", "--output", "json"},
                                             {"grants", "show", grant},
                                             {"--help"}}) {
    const CliResult result = Run(command, kCanary);
    seen += result.out + result.err;
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(daemon_.data_dir())) {
    if (entry.is_regular_file()) seen += ReadFile(entry.path());
  }
  EXPECT_EQ(seen.find(kCanary), std::string::npos);
  for (const std::string& secret : practice_->SecretsSeen()) EXPECT_EQ(seen.find(secret), std::string::npos);
  EXPECT_EQ(Run({"secret", "get", "canary"}).out, kCanary);
}

TEST_F(CliTest, AnInterruptedPromptLeavesTheTerminalAsItWas) {
  const int person = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_TRUE(grantpt(person) == 0 && unlockpt(person) == 0);
  const int terminal = open(ptsname(person), O_RDWR | O_NOCTTY | O_CLOEXEC);
  const auto echoes = [terminal] {
    termios state{};
    tcgetattr(terminal, &state);
    return (state.c_lflag & ECHO) != 0;
  };
  ASSERT_TRUE(echoes());
  CliProcess put({"secret", "put", "typed"}, Environment(), terminal);
  std::string screen;
  char c = 0;
  while (!screen.ends_with("Value of typed: ") && read(person, &c, 1) == 1) screen += c;
  EXPECT_FALSE(echoes());
  kill(put.pid(), SIGINT);
  EXPECT_EQ(put.Finish().code, -SIGINT);
  EXPECT_TRUE(echoes());
  close(terminal);
  close(person);
}

}  // namespace
}  // namespace grantkeep::testing
