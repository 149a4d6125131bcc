// SPDX-License-Identifier: Apache-2.0
// `grantkeep doctor` and `providers list --server` against the real daemon, with a provider that is up
// and then gone.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/e2e/cli_process.h"
#include "tests/support/daemon.h"
#include "tests/support/practice_provider/provider.h"

namespace grantkeep::testing {
namespace {

using practice::PracticeProvider;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kClientSecret[] = "client-secret-of-the-doctor-test";

class CliDoctorTest : public ::testing::Test {
 protected:
  CliDoctorTest()
      : practice_(std::move(PracticeProvider::Start({}).value())),
        host_(fmt::format("127.0.0.1:{}", practice_->port())) {}

  void Start(const std::string& variable) {
    daemon_.emplace(GRANTKEEPD,
                    fmt::format(R"(providers:
  - id: practice
    issuer: "{}"
    client:
      client_id: basic
      client_secrets: [{{env: {}}}]
    redirect_uris: ["http://127.0.0.1/callback"]
  - id: discord
    catalogue: discord
)",
                                practice_->issuer(), variable),
                    std::map<std::string, std::string>{{"PRACTICE_CLIENT_SECRET", kClientSecret}});
    const absl::Status ready = daemon_->Start();
    ASSERT_TRUE(ready.ok()) << ready;
  }
  CliResult Run(const std::vector<std::string>& arguments) const {
    CliProcess process(arguments, {{"GRANTKEEP_ADDRESS", daemon_->address()}});
    return process.Finish();
  }

  std::unique_ptr<PracticeProvider> practice_;
  const std::string host_;
  std::optional<Daemon> daemon_;
};

TEST_F(CliDoctorTest, AHealthyServiceIsExitCode0) {
  Start("PRACTICE_CLIENT_SECRET");
  const CliResult result = Run({"doctor"});
  EXPECT_EQ(result.code, 0) << result.out;
  EXPECT_THAT(result.out, HasSubstr(host_ + " answers"));
  EXPECT_THAT(result.out, HasSubstr("env PRACTICE_CLIENT_SECRET can be read"));
  EXPECT_THAT(result.out, HasSubstr("sqlite answers"));
  EXPECT_THAT(result.out, HasSubstr("not encrypted"));
  EXPECT_THAT(result.out, Not(HasSubstr("fail")));
  EXPECT_THAT(result.out, Not(HasSubstr("warn  version")));
  EXPECT_THAT(result.out, Not(HasSubstr(kClientSecret)));
}

TEST_F(CliDoctorTest, AProviderThatIsGoneAndAMissingSecretAreExitCode1) {
  Start("NO_SUCH_VARIABLE_OF_THE_DOCTOR_TEST");
  practice_.reset();
  const CliResult result = Run({"doctor", "--output", "json"});
  EXPECT_EQ(result.code, 1);
  std::map<std::string, std::string> levels;
  const boost::json::value document = boost::json::parse(result.out);
  for (const auto& check : document.at("checks").as_array()) {
    levels[std::string(check.at("check").as_string())] = std::string(check.at("level").as_string());
  }
  EXPECT_EQ(levels["provider practice"], "fail");
  EXPECT_EQ(levels["secret of practice"], "fail");
  EXPECT_EQ(levels["provider discord"], "ok");
  EXPECT_EQ(levels["store"], "ok");
}

TEST_F(CliDoctorTest, TheServersProvidersAreListedWithoutAskingThem) {
  Start("PRACTICE_CLIENT_SECRET");
  const CliResult result = Run({"providers", "list", "--server"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("practice"));
  EXPECT_THAT(result.out, HasSubstr("env PRACTICE_CLIENT_SECRET"));
  EXPECT_THAT(result.out, HasSubstr("discord"));
}

}  // namespace
}  // namespace grantkeep::testing
