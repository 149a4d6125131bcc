// SPDX-License-Identifier: Apache-2.0
// What the command advises when a grant's provider does not fit any more, against the daemon's own messages.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/e2e/cli_process.h"
#include "tests/support/browser.h"
#include "tests/support/daemon.h"
#include "tests/support/practice_provider/provider.h"
#include "tests/support/temp_dir.h"

namespace grantkeep::testing {
namespace {

using practice::ClientAuth;
using practice::PracticeProvider;
using ::testing::HasSubstr;

constexpr char kClientSecret[] = "client-secret-of-the-misconfigured-test";

class CliMisconfiguredTest : public ::testing::Test {
 protected:
  CliMisconfiguredTest() {
    practice::ProviderOptions options;
    options.consent = practice::Consent::kAllow;
    options.clients = {{"basic", kClientSecret, ClientAuth::kBasic, {"http://127.0.0.1/callback"}}};
    practice_ = PracticeProvider::Start(std::move(options)).value();
    std::ofstream(dir_ / "right") << kClientSecret;
    std::ofstream(dir_ / "wrong") << "another";
  }
  std::string Configuration(const std::string& issuer, const std::string& secret_file) const {
    return fmt::format(R"(providers:
  - id: practice
    issuer: "{}"
    client_authentication: client_secret_basic
    rotation: strict
    client: {{client_id: basic, client_secrets: [{{file: "{}"}}]}}
    default_scopes: [read]
    redirect_uris: ["http://127.0.0.1/callback"]
)",
                       issuer, (dir_ / secret_file).string());
  }
  static CliResult Run(const Daemon& daemon, const std::vector<std::string>& arguments) {
    CliProcess process(arguments, {{"GRANTKEEP_ADDRESS", daemon.address()}});
    return process.Finish();
  }
  std::string SignIn(const Daemon& daemon) {
    CliProcess login({"login", "practice", "--no-browser"}, {{"GRANTKEEP_ADDRESS", daemon.address()}});
    const size_t begin = login.ErrUntil("\n\n  ").size();
    login.ErrUntil("&");
    const std::string& text = login.ErrUntil("\n");
    Browser browser;
    Page page = browser.Get(text.substr(begin, text.size() - begin - 1));
    // To the last page: login serves it before it ends.
    while (!page.location.empty()) page = browser.Get(page.location);
    const CliResult result = login.Finish();
    EXPECT_EQ(result.code, 0) << result.err;
    return result.out.substr(0, result.out.find('\n'));
  }

  TempDir dir_;
  std::unique_ptr<PracticeProvider> practice_;
};

TEST_F(CliMisconfiguredTest, TheAdviceFitsWhatTheDaemonSays) {
  struct Case {
    const char* what;
    std::string then;
    const char* advice;
  };
  for (const Case& c : {
           Case{"refused", Configuration(practice_->issuer(), "wrong"), "check client_id"},
           Case{"no secret", Configuration(practice_->issuer(), "none"), "provide it where the daemon runs"},
           Case{"gone", "providers: []\n", "put practice back into `providers`"},
           Case{"another issuer", Configuration("http://127.0.0.1:1", "right"),
                "sign in anew; run: grantkeep login practice"},
       }) {
    Daemon daemon(GRANTKEEPD, Configuration(practice_->issuer(), "right"));
    ASSERT_TRUE(daemon.Start().ok());
    const std::string grant = SignIn(daemon);
    EXPECT_EQ(daemon.Stop(), 0);
    std::ofstream(daemon.config_file()) << c.then;
    ASSERT_TRUE(daemon.Start().ok());
    const CliResult result = Run(daemon, {"token", grant, "--rejected-generation", "1"});
    EXPECT_EQ(result.code, 7) << c.what << ": " << result.err;
    EXPECT_THAT(result.err, HasSubstr("CLIENT_MISCONFIGURED")) << c.what;
    EXPECT_THAT(result.err, HasSubstr(c.advice)) << c.what;
  }
}

}  // namespace
}  // namespace grantkeep::testing
