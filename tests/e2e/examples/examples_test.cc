// SPDX-License-Identifier: Apache-2.0
// The programs of client/examples, as a reader would run them, against the real daemon and the
// practice provider. Every test is run in every language.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/practice_fixture.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace grantkeep::testing {
namespace {

using practice::Fault;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

struct Language {
  std::vector<std::string> command;
  std::map<std::string, std::string> environment;
  std::filesystem::path needs;  // what the build or a fixture has put there
};

// Test names end in this.
void PrintTo(const Language& language, std::ostream* out) {
  *out << std::filesystem::path(language.command.back()).filename().string();
}

const Language kPython = {.command = {PYTHON, EXAMPLES "/python/agent.py"},
                          .environment = {{"PYTHONPATH", PYTHON_STUBS}, {"PYTHONDONTWRITEBYTECODE", "1"}},
                          .needs = PYTHON_STUBS};
const Language kNode = {.command = {NODE, EXAMPLES "/node/agent.js"},
                        .environment = {{"NODE_PATH", NODE_PACKAGES "/node_modules"}},
                        .needs = NODE_PACKAGES "/node_modules"};

// One run of the example; `input` is its standard input.
class ExampleRun {
 public:
  ExampleRun(const Language& language, const std::string& address, const std::vector<std::string>& arguments,
             const std::string& input) {
    ChildProcess::Options options{
        .command = {"/bin/sh", "-c", R"(input=$1; shift; exec "$@" <"$input")", "sh", input},
        .environment = language.environment,
        .output = dir_ / "output"};
    options.environment["GRANTKEEP_ADDRESS"] = address;
    options.environment["NO_PROXY"] = "127.0.0.1";
    options.command.insert(options.command.end(), language.command.begin(), language.command.end());
    options.command.insert(options.command.end(), arguments.begin(), arguments.end());
    auto process = ChildProcess::Start(options);
    EXPECT_TRUE(process.ok()) << process.status();
    if (process.ok()) process_ = *std::move(process);
  }

  std::string Output() const { return ReadFile(dir_ / "output"); }
  // The URL that it asks to open; empty when it ends without.
  std::string Url() {
    Eventually([&] { return !UrlIn(Output()).empty() || process_->Wait(0s).has_value(); });
    return UrlIn(Output());
  }
  // The exit code once it has ended; -1 when it does not, or not by itself.
  int Finish() {
    const auto status = process_->Wait();
    return status.has_value() && WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
  }

 private:
  static std::string UrlIn(const std::string& text) {
    const size_t begin = text.find("\n\n  http");
    const size_t end = begin == std::string::npos ? begin : text.find('\n', begin + 2);
    return end == std::string::npos ? "" : text.substr(begin + 4, end - begin - 4);
  }

  TempDir dir_;
  std::unique_ptr<ChildProcess> process_;
};

// The line's rest after `label`.
std::string After(const std::string& label, const std::string& text) {
  const size_t begin = text.find(label);
  if (begin == std::string::npos) return "";
  return text.substr(begin + label.size(), text.find('\n', begin) - begin - label.size());
}

class ExampleTest : public PracticeTest, public ::testing::WithParamInterface<Language> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(GetParam().needs)) {
      GTEST_SKIP() << GetParam().needs << " is missing: the npm registry could not be reached";
    }
    ASSERT_NO_FATAL_FAILURE(Start());
  }

  std::unique_ptr<ExampleRun> Agent(std::vector<std::string> more = {},
                                    const std::string& input = "/dev/null") {
    std::vector<std::string> arguments = {"--no-browser",
                                          "--tenant",
                                          World::kTenant,
                                          "--subject",
                                          World::kSubject,
                                          "--api",
                                          practice_->resource_endpoint()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return std::make_unique<ExampleRun>(GetParam(), world_->daemon().address(), arguments, input);
  }
  // Plays the user's browser until the example shows its last page.
  Page Browse(const std::string& url) { return browser_.Get(browser_.Get(url).location); }
  int RefreshRequests() const { return static_cast<int>(practice_->Stats().refresh_requests); }
};

TEST_P(ExampleTest, SignsInAndCallsTheApi) {
  const auto agent = Agent();
  const std::string url = agent->Url();
  EXPECT_THAT(url, HasSubstr("code_challenge_method=S256"));
  EXPECT_EQ(Browse(url).body, "You can close this window.");
  EXPECT_EQ(agent->Finish(), 0) << agent->Output();
  EXPECT_THAT(agent->Output(), HasSubstr("the API says: {"));
  EXPECT_EQ(world_->GetGrant(After("grant: ", agent->Output())).state(), v1::GRANT_STATE_ACTIVE);
}

TEST_P(ExampleTest, TakesThePastedUrlOfABrowserElsewhere) {
  const TempDir dir;
  const std::string fifo = dir / "input";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  // Read and write: opening it does not wait for the other side.
  std::fstream input(fifo, std::ios::in | std::ios::out);
  const auto agent = Agent({"--paste"}, fifo);
  const std::string url = agent->Url();
  input << "http://127.0.0.1/callback?code=c&state=another" << std::endl;
  input << browser_.Get(url).location << std::endl;
  EXPECT_EQ(agent->Finish(), 0) << agent->Output();
  EXPECT_THAT(agent->Output(), HasSubstr("That is not the address of this sign-in's last page."));
  EXPECT_THAT(agent->Output(), HasSubstr("the API says: {"));
}

TEST_P(ExampleTest, InputThatEndsWithoutTheUrlEndsTheSignIn) {
  const auto agent = Agent({"--paste"});
  EXPECT_EQ(agent->Finish(), 1);
  EXPECT_THAT(agent->Output(), HasSubstr("standard input has ended"));
}

TEST_P(ExampleTest, StrangersAtTheCallbackDoNotEndASignIn) {
  const auto agent = Agent();
  const std::string url = agent->Url();
  const std::string callback = QueryParameter(url, "redirect_uri");
  const std::string state = UrlEncode(QueryParameter(url, "state"));
  EXPECT_EQ(browser_.Get(callback).status, 400);
  EXPECT_EQ(browser_.Get(callback + "?code=stolen&state=guessed").status, 400);
  EXPECT_EQ(browser_.Get(fmt::format("{}?code=c&state={}&state=other", callback, state)).status, 400);
  EXPECT_EQ(browser_.Get(fmt::format("{}/more?code=c&state={}", callback, state)).status, 400);
  EXPECT_EQ(Browse(url).status, 200);
  EXPECT_EQ(agent->Finish(), 0) << agent->Output();
}

TEST_P(ExampleTest, ATokenThatTheApiRefusesIsReplacedWithoutTheUser) {
  const std::string grant = SignIn().grant_id();
  practice_->ExpireAccessTokens();
  const auto agent = Agent({"--grant", grant});
  EXPECT_EQ(agent->Finish(), 0) << agent->Output();
  EXPECT_THAT(agent->Output(), HasSubstr("the API says: {"));
  EXPECT_EQ(world_->GetGrant(grant).generation(), 2u);
}

TEST_P(ExampleTest, NeedsReauthMakesTheUserSignInAgainForTheSameGrant) {
  const std::string grant = SignIn().grant_id();
  practice_->KillAllFamilies();
  const auto agent = Agent({"--grant", grant});
  EXPECT_EQ(Browse(agent->Url()).status, 200) << agent->Output();
  EXPECT_EQ(agent->Finish(), 0) << agent->Output();
  EXPECT_THAT(agent->Output(), HasSubstr("NEEDS_REAUTH: the user must sign in again"));
  EXPECT_THAT(agent->Output(), HasSubstr("the API says: {"));
  EXPECT_EQ(After("grant: ", agent->Output()), grant);
}

TEST_P(ExampleTest, AThrottledRefreshIsTriedAgainWhenRetryInfoSaysSo) {
  const std::string grant = SignInAndExpire().grant_id();
  practice_->InjectFault({.kind = Fault::Kind::kTooManyRequests, .retry_after = 1s});
  const auto agent = Agent({"--grant", grant});
  EXPECT_EQ(agent->Finish(), 0) << agent->Output();
  EXPECT_THAT(agent->Output(), HasSubstr("the API says: {"));
  EXPECT_EQ(RefreshRequests(), 2);
}

TEST_P(ExampleTest, ARetryThatCouldNotBeInTimeIsNotTried) {
  const std::string grant = SignInAndExpire().grant_id();
  practice_->InjectFault({.kind = Fault::Kind::kTooManyRequests, .retry_after = 60s});
  const auto agent = Agent({"--grant", grant});
  EXPECT_EQ(agent->Finish(), 1);
  EXPECT_THAT(agent->Output(), HasSubstr("UNAVAILABLE PROVIDER_"));
  EXPECT_EQ(RefreshRequests(), 1);
}

TEST_P(ExampleTest, AFailedCompleteAuthIsReportedAndNotRepeated) {
  practice_->InjectFault({.kind = Fault::Kind::kServerError});
  const auto agent = Agent();
  Browse(agent->Url());
  EXPECT_EQ(agent->Finish(), 1);
  EXPECT_THAT(agent->Output(), HasSubstr("UNAVAILABLE PROVIDER_"));
  EXPECT_EQ(practice_->Stats().code_requests, 1u);
}

TEST_P(ExampleTest, AUserWhoRefusesIsAccessDenied) {
  practice_->SetConsent(practice::Consent::kDeny);
  const auto agent = Agent();
  Browse(agent->Url());
  EXPECT_EQ(agent->Finish(), 1);
  EXPECT_THAT(agent->Output(), HasSubstr("PERMISSION_DENIED ACCESS_DENIED"));
}

TEST_P(ExampleTest, AWrongFieldIsNamed) {
  const auto agent = Agent({"--tenant", "no such"});
  EXPECT_EQ(agent->Finish(), 1);
  EXPECT_THAT(agent->Output(), HasSubstr("INVALID_ARGUMENT INVALID_FIELD"));
  EXPECT_THAT(agent->Output(), HasSubstr("\n  field tenant: must consist of"));
}

TEST_P(ExampleTest, AGrantThatIsNotThereIsNamedWithTheSubject) {
  const auto agent = Agent({"--grant", "gone"});
  EXPECT_EQ(Browse(agent->Url()).status, 200) << agent->Output();
  EXPECT_EQ(agent->Finish(), 0) << agent->Output();
  EXPECT_THAT(agent->Output(), HasSubstr(fmt::format("no grant gone of subject {}: ", World::kSubject)));
}

TEST_P(ExampleTest, UrlPartsGoToTheService) {
  const auto agent = Agent({"--url-part", "domain=acme.example"});
  EXPECT_EQ(agent->Finish(), 1);
  EXPECT_THAT(agent->Output(),
              HasSubstr("\n  field url_parts: has a name that is not a part of provider 'practice'"));
}

TEST_P(ExampleTest, AnApiThatCannotBeReachedIsNamed) {
  const std::string grant = SignIn().grant_id();
  for (const char* url : {"http://127.0.0.1:1/me", "bogus"}) {
    const auto agent = Agent({"--grant", grant, "--api", url});
    EXPECT_EQ(agent->Finish(), 1);
    EXPECT_THAT(agent->Output(), HasSubstr(std::string("cannot GET ") + url + ": "));
    EXPECT_THAT(agent->Output(), Not(HasSubstr("Traceback")));
  }
}

TEST_P(ExampleTest, OnlyAddressesOfThisMachineAreTaken) {
  for (const char* address : {"bogus", "10.0.0.1:7450", "/run/s", "127.0.0.1"}) {
    ExampleRun agent(GetParam(), address, {}, "/dev/null");
    EXPECT_EQ(agent.Finish(), 2) << address;
    EXPECT_THAT(agent.Output(), HasSubstr("--address: must be unix:/path/to/socket"));
  }
}

TEST_P(ExampleTest, TheSubjectIsTheOneOfTheCommandLine) {
  for (const auto& [variable, subject] :
       std::map<std::string, std::string>{{"GRANTKEEP_SUBJECT", "eve"}, {"USER", "mallory"}}) {
    Language language = GetParam();
    language.environment["GRANTKEEP_SUBJECT"] = "";
    language.environment[variable] = subject;
    ExampleRun agent(language, world_->daemon().address(), {"--help"}, "/dev/null");
    EXPECT_EQ(agent.Finish(), 0) << agent.Output();
    EXPECT_THAT(agent.Output(), HasSubstr("the user (default: " + subject + ")"));
  }
}

TEST_P(ExampleTest, WithoutWhatItNeedsItSaysWhatToRun) {
  const TempDir dir;
  const std::filesystem::path program = GetParam().command.back();
  for (const auto& file : std::filesystem::directory_iterator(program.parent_path())) {
    if (file.is_regular_file()) std::filesystem::copy(file, dir / file.path().filename());
  }
  Language language = GetParam();
  language.command.back() = dir / program.filename();
  language.environment["PYTHONPATH"] = "";
  language.environment["NODE_PATH"] = "";
  ExampleRun agent(language, world_->daemon().address(), {}, "/dev/null");
  EXPECT_EQ(agent.Finish(), 1);
  EXPECT_THAT(agent.Output(), HasSubstr(program.extension() == ".py" ? "run make_stubs.sh" : "run npm ci"));
  EXPECT_THAT(agent.Output(), Not(HasSubstr("Traceback")));
}

TEST_P(ExampleTest, ReadsAStaticSecretAndShowsHowItIsSent) {
  const std::string grant = SignIn().grant_id();
  v1::PutStaticSecretRequest put;
  put.set_tenant(World::kTenant);
  put.set_name("discord-bot");
  put.set_provider("bot");
  put.set_value("canary-5c1e");
  ASSERT_TRUE(world_->caller().PutStaticSecret(put).ok());
  const auto agent = Agent({"--grant", grant, "--secret", "discord-bot"});
  EXPECT_EQ(agent->Finish(), 0) << agent->Output();
  EXPECT_THAT(agent->Output(), HasSubstr("version 1, 11 bytes\n  for the header \"Authorization: Bot ...\""));
  EXPECT_THAT(agent->Output(), Not(HasSubstr("canary")));
}

TEST_P(ExampleTest, AServiceThatDoesNotAnswerCostsNoMoreThanTheDeadline) {
  kill(world_->daemon().pid(), SIGSTOP);
  const auto agent = Agent({"--timeout", "0.3"});
  EXPECT_EQ(agent->Finish(), 1);
  EXPECT_THAT(agent->Output(), HasSubstr("DEADLINE_EXCEEDED"));
}

TEST_P(ExampleTest, AServiceThatIsNotThereIsSaidToBeAway) {
  world_->daemon().Kill();
  const auto agent = Agent();
  EXPECT_EQ(agent->Finish(), 1);
  EXPECT_THAT(agent->Output(), HasSubstr("no answer from Grantkeep; is it running?"));
}

INSTANTIATE_TEST_SUITE_P(Python, ExampleTest, ::testing::Values(kPython));
INSTANTIATE_TEST_SUITE_P(Node, ExampleTest, ::testing::Values(kNode));

}  // namespace
}  // namespace grantkeep::testing
