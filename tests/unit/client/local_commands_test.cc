// SPDX-License-Identifier: Apache-2.0
// Commands that look at the catalogue and at files, doctor, and colours.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>

#include "tests/support/temp_dir.h"
#include "tests/unit/client/command_run.h"
#include "tests/unit/client/fake_service.h"

namespace grantkeep::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ProvidersTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(dir_ / name) << text;
    return (dir_ / name).string();
  }
  // Calls nobody: an address that is none must not matter.
  static CommandResult Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--address", "nonsense"});
    return RunCommand(arguments);
  }
  TempDir dir_;
};

TEST_F(ProvidersTest, TheCatalogueIsListedAndShown) {
  const CommandResult list = Run({"providers", "list"});
  EXPECT_EQ(list.code, 0) << list.err;
  for (const char* name : {"google", "github", "discord"}) EXPECT_THAT(list.out, HasSubstr(name));
  const CommandResult show = Run({"providers", "show", "google"});
  EXPECT_EQ(show.code, 0);
  EXPECT_THAT(show.out, HasSubstr("token_endpoint: https://oauth2.googleapis.com/token\n"));
  const CommandResult json = Run({"providers", "show", "google", "--output", "json"});
  EXPECT_EQ(boost::json::parse(json.out).at("token_endpoint"), "https://oauth2.googleapis.com/token");
}

TEST_F(ProvidersTest, AnUnknownNameIsExitCode3WithASuggestion) {
  const CommandResult result = Run({"providers", "show", "gogle"});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, HasSubstr("did you mean google?"));
  EXPECT_THAT(Run({"providers", "show", "practice"}).err, HasSubstr("grantkeep providers list --server"));
}

TEST_F(ProvidersTest, WhatShowPrintsPassesCheck) {
  for (const char* name : {"google", "github", "discord"}) {
    const std::string file = Write(std::string(name) + ".yaml", Run({"providers", "show", name}).out);
    const CommandResult result = Run({"providers", "check", file});
    EXPECT_EQ(result.code, 0) << result.out;
    EXPECT_EQ(result.out, file + ": ok, one provider's record\n");
  }
}

TEST_F(ProvidersTest, CheckPrintsEveryProblemWithFileLineAndField) {
  const std::string file = Write("c.yaml",
                                 "providers:\n"
                                 "  - id: a\n"
                                 "    rotaton: strict\n"
                                 "  - id: b\n"
                                 "    issuer: http://plain.example\n"
                                 "    client: {client_secrets: [{env: S}]}\n");
  const CommandResult result = Run({"providers", "check", file});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, file + ":3: providers[0].rotaton: is not a known key; did you mean rotation?\n" +
                            file + ":5: providers[1].issuer: must be https\n" + file +
                            ":6: providers[1].client.client_id: is missing\n");
  EXPECT_EQ(result.err, "");
  const CommandResult json = Run({"providers", "check", file, "--output", "json"});
  EXPECT_EQ(json.code, 1);
  EXPECT_EQ(boost::json::parse(json.out).at("problems").as_array().size(), 3u);
}

TEST_F(ProvidersTest, AWarningIsNoFailure) {
  const std::string file = Write("c.yaml",
                                 "providers:\n"
                                 "  - id: a\n"
                                 "    catalogue: google\n"
                                 "    client: {client_id: me, client_secrets: [{env: S}]}\n");
  const CommandResult result = Run({"providers", "check", file});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, HasSubstr("warning: providers[0].redirect_uris"));
  EXPECT_THAT(result.out, HasSubstr("ok, 1 providers"));
  const auto json = boost::json::parse(Run({"providers", "check", file, "--output", "json"}).out);
  EXPECT_TRUE(json.at("ok").as_bool());
  EXPECT_TRUE(json.at("problems").at(0).at("warning").as_bool());
}

TEST_F(ProvidersTest, AFileThatCannotBeReadIsAFailure) {
  const CommandResult result = Run({"providers", "check", (dir_ / "none.yaml").string()});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("none.yaml: cannot be read"));
}

class DoctorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    service_.get_server_status = [this](const v1::GetServerStatusRequest& request,
                                        v1::GetServerStatusResponse& response) {
      EXPECT_TRUE(request.check_providers());
      response.set_version(version_);
      response.mutable_server_time()->set_seconds(time(nullptr) - behind_);
      *response.mutable_start_time() = response.server_time();
      response.mutable_store()->set_kind("sqlite");
      response.mutable_store()->set_available(true);
      *response.mutable_store()->mutable_time() = response.server_time();
      return grpc::Status::OK;
    };
  }
  CommandResult Doctor(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"doctor", "--address", service_.address()});
    return RunCommand(more);
  }
  std::string OnTerminal() {
    Terminal terminal;
    const MemoryFile other;
    cli::RunCommandLine({"doctor", "--address", service_.address()},
                        {.in = other.fd(), .out = terminal.fd(), .err = other.fd()});
    return terminal.Rest();
  }

  std::string version_ = "0.0.1";
  int64_t behind_ = 0;
  FakeService service_;
};

TEST_F(DoctorTest, WarningsAreExitCode0AndSayWhatToDo) {
  const CommandResult result = Doctor();
  EXPECT_EQ(result.code, 0) << result.out;
  EXPECT_THAT(result.out, HasSubstr("ok    transport"));
  EXPECT_THAT(result.out, HasSubstr("warn  version"));
  EXPECT_THAT(result.out, HasSubstr("next: install the same version"));
}

TEST_F(DoctorTest, AFailureIsExitCode1) {
  behind_ = 120;
  const CommandResult result = Doctor();
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out, HasSubstr("fail  clock"));
  const CommandResult json = Doctor({"--output", "json"});
  EXPECT_EQ(json.code, 1);
  EXPECT_EQ(boost::json::parse(json.out).at("ok"), false);
}

TEST_F(DoctorTest, WithoutADaemonItSaysSoAndExits1) {
  const CommandResult nobody = RunCommand({"doctor", "--address", "unix:/nonexistent/s"});
  EXPECT_EQ(nobody.code, 1);
  EXPECT_THAT(nobody.out, HasSubstr("fail  socket"));
  EXPECT_THAT(nobody.out, HasSubstr("No such file or directory"));
  const CommandResult refused = RunCommand({"doctor", "--address", "127.0.0.1:1"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.out, HasSubstr("daemon     cannot connect to 127.0.0.1:1: Connection refused\n"));
  service_.get_server_status = nullptr;
  const CommandResult old = Doctor();
  EXPECT_EQ(old.code, 1);
  EXPECT_THAT(old.out, HasSubstr("older than this command"));
}

TEST_F(DoctorTest, AnAddressThatIsNoneIsAFailedCheck) {
  const CommandResult text = RunCommand({"doctor", "--address", "127.0.0.1"});
  EXPECT_EQ(text.code, 1);
  EXPECT_EQ(text.err, "");
  EXPECT_THAT(text.out, HasSubstr("fail  address  --address: the port is missing"));
  const CommandResult json = RunCommand({"doctor", "--address", "bogus", "--output", "json"});
  EXPECT_EQ(json.code, 1);
  EXPECT_EQ(boost::json::parse(json.out).at("ok"), false);
}

TEST_F(DoctorTest, WhatTheDaemonSaysIsEscaped) {
  version_ = "1\x1b[2J";
  EXPECT_THAT(Doctor().out, HasSubstr("1\\x1b[2J"));
  EXPECT_THAT(Doctor({"--output", "json"}).out, Not(HasSubstr("\x1b")));
}

TEST_F(DoctorTest, ColoursAreForTerminalsThatWantThem) {
  EXPECT_THAT(OnTerminal(), HasSubstr("\x1b[32mok"));
  EXPECT_THAT(Doctor().out, Not(HasSubstr("\x1b"))) << "not a terminal";
  setenv("NO_COLOR", "1", 1);
  EXPECT_THAT(OnTerminal(), Not(HasSubstr("\x1b")));
  unsetenv("NO_COLOR");
  setenv("TERM", "dumb", 1);
  EXPECT_THAT(OnTerminal(), Not(HasSubstr("\x1b")));
  unsetenv("TERM");
  EXPECT_THAT(OnTerminal(), Not(HasSubstr("\x1b")));
  setenv("TERM", "xterm", 1);
}

TEST_F(DoctorTest, AnErrorIsColouredOnATerminalOnly) {
  Terminal terminal;
  const MemoryFile other;
  cli::RunCommandLine({"secret", "list", "--address", "unix:/nonexistent/s"},
                      {.in = other.fd(), .out = other.fd(), .err = terminal.fd()});
  EXPECT_THAT(terminal.Rest(), HasSubstr("\x1b[31mgrantkeep:\x1b[0m cannot list secrets"));
  EXPECT_THAT(RunCommand({"secret", "list", "--address", "unix:/nonexistent/s"}).err, Not(HasSubstr("\x1b")));
}

TEST_F(DoctorTest, ProvidersOfTheServerAreListedWithTheirSecretsByReference) {
  service_.get_server_status = [](const v1::GetServerStatusRequest& request,
                                  v1::GetServerStatusResponse& response) {
    EXPECT_FALSE(request.check_providers());
    v1::ProviderStatus& provider = *response.add_providers();
    provider.set_provider("acme");
    provider.set_kind(v1::PROVIDER_KIND_OAUTH);
    provider.add_client_secrets()->set_reference("env ACME_SECRET");
    return grpc::Status::OK;
  };
  const CommandResult result = RunCommand({"providers", "list", "--server", "--address", service_.address()});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, HasSubstr("acme"));
  EXPECT_THAT(result.out, HasSubstr("env ACME_SECRET (cannot be read)"));
}

}  // namespace
}  // namespace grantkeep::testing
