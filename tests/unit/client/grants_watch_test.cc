// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/client/command_run.h"
#include "tests/unit/client/fake_service.h"

namespace grantkeep::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class GrantsWatchTest : public ::testing::Test {
 protected:
  GrantsWatchTest() {
    service_.watch_grants = [this](grpc::ServerContext&, const v1::WatchGrantsRequest& request,
                                   grpc::ServerWriter<v1::WatchGrantsResponse>& writer) {
      request_ = request;
      for (const auto& news : says_) writer.Write(news);
      return ends_;
    };
  }
  CommandResult Run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--address", service_.address(), "--subject", "alice"});
    return RunCommand(arguments);
  }
  v1::WatchGrantsResponse& Say(v1::GrantState state, uint64_t generation = 1) {
    v1::WatchGrantsResponse& news = says_.emplace_back();
    news.mutable_grant()->set_grant_id("g1");
    news.mutable_grant()->set_state(state);
    news.mutable_grant()->set_generation(generation);
    return news;
  }

  v1::WatchGrantsRequest request_;
  std::vector<v1::WatchGrantsResponse> says_;
  grpc::Status ends_;
  FakeService service_;
};

TEST_F(GrantsWatchTest, EachChangeIsALineWithoutTheToken) {
  Say(v1::GRANT_STATE_ACTIVE, 3).set_access_token("s3cret");
  Say(v1::GRANT_STATE_NEEDS_REAUTH, 3).mutable_grant()->set_state_reason("INVALID_GRANT");
  Say(v1::GRANT_STATE_ACTIVE, 4).set_unverified(true);
  Say(v1::GRANT_STATE_REVOKED, 4);
  Say(v1::GRANT_STATE_UNSPECIFIED).set_not_found(true);
  Say(v1::GRANT_STATE_UNSPECIFIED).set_unverified(true);
  const CommandResult result = Run({"grants", "watch", "g1", "g2"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out,
            "g1  ACTIVE  generation 3  token expires not known\n"
            "g1  NEEDS_REAUTH (INVALID_GRANT)  generation 3  token expires not known\n"
            "g1  ACTIVE  generation 4  token expires not known  not verified: the store does not answer\n"
            "g1  REVOKED\n"
            "g1  there is no such grant of this subject\n"
            "g1  not known: the store does not answer\n");
  EXPECT_EQ(request_.grants_size(), 2);
  EXPECT_EQ(request_.tenant(), "default");
  EXPECT_EQ(request_.grants(1).grant_id(), "g2");
  EXPECT_EQ(request_.grants(1).subject(), "alice");
}

TEST_F(GrantsWatchTest, AsJsonEachIsADocumentOnALineWithoutTheToken) {
  Say(v1::GRANT_STATE_ACTIVE, 3).set_access_token("s3cret");
  Say(v1::GRANT_STATE_REVOKED, 3);
  const CommandResult result = Run({"grants", "watch", "g1", "--output", "json"});
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 2);
  EXPECT_THAT(result.out, HasSubstr(R"("generation":"3")"));
  EXPECT_THAT(result.out, HasSubstr(R"("has_token":true})"));
  EXPECT_THAT(result.out, HasSubstr(R"("has_token":false})"));
  EXPECT_THAT(result.out, Not(HasSubstr("s3cret")));
}

TEST_F(GrantsWatchTest, WhatATerminalWouldObeyIsShownEscaped) {
  Say(v1::GRANT_STATE_ACTIVE).mutable_grant()->set_state_reason("\x1b[31m");
  EXPECT_THAT(Run({"grants", "watch", "g1"}).out, HasSubstr("\\x1b[31m"));
}

TEST_F(GrantsWatchTest, AStreamThatBreaksOffIsAFailure) {
  Say(v1::GRANT_STATE_ACTIVE);
  ends_ = StatusWithReason(grpc::StatusCode::UNAVAILABLE, "the server is shutting down", "SHUTTING_DOWN");
  const CommandResult result = Run({"grants", "watch", "g1"});
  EXPECT_EQ(result.code, 5);
  EXPECT_THAT(result.out, HasSubstr("g1  ACTIVE"));
  EXPECT_THAT(result.err, HasSubstr("cannot watch grants"));
}

}  // namespace
}  // namespace grantkeep::testing
