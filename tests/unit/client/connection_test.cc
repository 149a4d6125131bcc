// SPDX-License-Identifier: Apache-2.0
// Commands that do not reach a service.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>

#include "tests/unit/client/command_run.h"
#include "tests/unit/client/fake_service.h"

namespace grantkeep::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// For as long as it lives this process may not do what only root may.
class ScopedNobody {
 public:
  ScopedNobody() : before_(geteuid()) {
    constexpr uid_t kNobody = 65534;
    if (before_ == 0 && seteuid(kNobody) != 0) std::abort();
  }
  ~ScopedNobody() {
    if (seteuid(before_) != 0) std::abort();
  }
  ScopedNobody(const ScopedNobody&) = delete;
  ScopedNobody& operator=(const ScopedNobody&) = delete;

 private:
  const uid_t before_;
};

TEST(ConnectionTest, NoServiceIsExitCode5AndTheHintKnowsWhoGaveTheAddress) {
  const CommandResult given = RunCommand({"token", "g1", "--address", "unix:/nonexistent/socket"});
  EXPECT_EQ(given.code, 5);
  EXPECT_THAT(given.err,
              HasSubstr("cannot connect to unix:/nonexistent/socket: No such file or directory\n"));
  EXPECT_THAT(given.err, HasSubstr("--address says unix:/nonexistent/socket"));
  EXPECT_THAT(given.err, Not(HasSubstr("grantkeepd --dev")));
  unsetenv("GRANTKEEP_ADDRESS");
  setenv("XDG_STATE_HOME", "/nonexistent", 1);
  const CommandResult by_default = RunCommand({"token", "g1"});
  EXPECT_EQ(by_default.code, 5);
  EXPECT_THAT(by_default.err, HasSubstr("grantkeepd --dev"));
  setenv("GRANTKEEP_ADDRESS", "unix:/nonexistent/other", 1);
  EXPECT_THAT(RunCommand({"token", "g1"}).err, HasSubstr("$GRANTKEEP_ADDRESS says unix:/nonexistent/other"));
  unsetenv("GRANTKEEP_ADDRESS");
  unsetenv("XDG_STATE_HOME");
}

TEST(ConnectionTest, AFailedConnectionIsTheSameInJsonWithTheNextStep) {
  const CommandResult result =
      RunCommand({"token", "g1", "--address", "unix:/nonexistent/socket", "--output", "json"});
  EXPECT_EQ(result.code, 5);
  const boost::json::value error = boost::json::parse(result.err).at("error");
  EXPECT_EQ(error.at("message"), "cannot connect to unix:/nonexistent/socket: No such file or directory");
  EXPECT_THAT(std::string(error.at("next").as_string()), HasSubstr("is the daemon running there?"));
}

TEST(ConnectionTest, ASocketThatThisUserMayNotUseIsExitCode6AndDoctorSaysTheSame) {
  const FakeService service;
  const std::string folder = std::filesystem::path(service.address().substr(5)).parent_path();
  chmod(folder.c_str(), 0);
  CommandResult token;
  CommandResult doctor;
  {
    const ScopedNobody nobody;
    token = RunCommand({"token", "g1", "--address", service.address()});
    doctor = RunCommand({"doctor", "--address", service.address()});
  }
  chmod(folder.c_str(), 0700);
  EXPECT_EQ(token.code, 6);
  EXPECT_THAT(token.err, HasSubstr("Permission denied\n  this user may not use the socket"));
  EXPECT_EQ(doctor.code, 1);
  EXPECT_THAT(doctor.out, HasSubstr("Permission denied\n"));
  EXPECT_THAT(doctor.out, HasSubstr("next: this user may not use the socket: run as the daemon's user\n"));
}

TEST(ConnectionTest, AnAddressThatIsNoneIsBlamedOnWhatGaveIt) {
  const CommandResult option = RunCommand({"token", "g1", "--address", "/run/s"});
  EXPECT_EQ(option.code, 2);
  EXPECT_THAT(option.err, HasSubstr("cannot connect: --address: a socket's path stands behind unix:"));
  setenv("GRANTKEEP_ADDRESS", "127.0.0.1", 1);
  const CommandResult variable = RunCommand({"token", "g1"});
  const CommandResult json = RunCommand({"token", "g1", "--output", "json"});
  unsetenv("GRANTKEEP_ADDRESS");
  EXPECT_THAT(variable.err, HasSubstr("$GRANTKEEP_ADDRESS: the port is missing"));
  EXPECT_EQ(boost::json::parse(json.err).at("error").at("field"), "$GRANTKEEP_ADDRESS");
  setenv("XDG_STATE_HOME", ("/" + std::string(120, 'x')).c_str(), 1);
  EXPECT_THAT(RunCommand({"token", "g1"}).err, HasSubstr("the default address: the socket's path has"));
  unsetenv("XDG_STATE_HOME");
}

}  // namespace
}  // namespace grantkeep::testing
