// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/client/command_run.h"
#include "tests/unit/client/fake_service.h"

namespace grantkeep::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class GrantsRevokeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    service_.revoke_grant = [this](const v1::RevokeGrantRequest& request, v1::RevokeGrantResponse& response) {
      revoked_.push_back(request);
      response.set_forgotten(true);
      response.set_revoked_at_provider(at_provider_);
      return grpc::Status::OK;
    };
  }
  std::vector<std::string> Arguments(std::vector<std::string> more) const {
    more.insert(more.begin(),
                {"grants", "revoke", "g1", "--subject", "bob", "--address", service_.address()});
    return more;
  }
  CommandResult Revoke(std::vector<std::string> more = {}) const {
    return RunCommand(Arguments(std::move(more)));
  }
  // The exit code, and what a person saw who answered so.
  std::pair<int, std::string> Answering(const std::string& keys) const {
    Terminal terminal;
    const MemoryFile out;
    int code = -1;
    std::thread command([&] {
      code = cli::RunCommandLine(Arguments({}), {.in = terminal.fd(), .out = out.fd(), .err = terminal.fd()});
    });
    std::string screen = terminal.ScreenUntil("[yes/no] ");
    terminal.Type(keys);
    command.join();
    return {code, screen + terminal.Rest() + out.Content()};
  }

  bool at_provider_ = true;
  std::vector<v1::RevokeGrantRequest> revoked_;
  FakeService service_;
};

TEST_F(GrantsRevokeTest, SaysBothFacts) {
  const CommandResult done = Revoke();
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, AllOf(HasSubstr("g1 is forgotten"), HasSubstr("revoked at its provider, too")));
  ASSERT_EQ(revoked_.size(), 1u);
  EXPECT_EQ(revoked_[0].tenant(), "default");
  EXPECT_EQ(revoked_[0].subject(), "bob");
  EXPECT_EQ(revoked_[0].grant_id(), "g1");
  at_provider_ = false;
  const CommandResult half = Revoke();
  EXPECT_EQ(half.code, 0);
  EXPECT_THAT(half.out, AllOf(HasSubstr("g1 is forgotten"), HasSubstr("has not confirmed yet"),
                              Not(HasSubstr("revoked at its provider, too"))));
}

TEST_F(GrantsRevokeTest, OnATerminalNothingIsDoneWithoutAYes) {
  const auto [code, screen] = Answering("y\n");
  EXPECT_EQ(code, 6);
  EXPECT_THAT(screen, AllOf(HasSubstr("Revoke grant g1 of bob?"), HasSubstr("nothing was changed")));
  EXPECT_TRUE(revoked_.empty());
  const auto [yes, shown] = Answering("yes\n");
  EXPECT_EQ(yes, 0);
  EXPECT_THAT(shown, HasSubstr("g1 is forgotten"));
  EXPECT_EQ(revoked_.size(), 1u);
}

TEST_F(GrantsRevokeTest, OnATerminalYesAsksNobody) {
  Terminal terminal;
  const MemoryFile out;
  EXPECT_EQ(
      cli::RunCommandLine(Arguments({"--yes"}), {.in = terminal.fd(), .out = out.fd(), .err = terminal.fd()}),
      0);
  EXPECT_EQ(revoked_.size(), 1u);
}

TEST_F(GrantsRevokeTest, AGrantThatIsNotThereIsNotFound) {
  service_.revoke_grant = [](const v1::RevokeGrantRequest&, v1::RevokeGrantResponse&) {
    return StatusWithReason(grpc::StatusCode::NOT_FOUND, "grant_id: no such grant", "GRANT_NOT_FOUND");
  };
  const CommandResult result = Revoke();
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, AllOf(HasSubstr("revoke grant g1"), HasSubstr("grants list")));
}

}  // namespace
}  // namespace grantkeep::testing
