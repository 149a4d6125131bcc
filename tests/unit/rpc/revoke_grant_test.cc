// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "tests/unit/rpc/server_fixture.h"

namespace grantkeep {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ScriptedHttp;
using testing::ServerFixture;
using AuthStub = v1::AuthService::Stub;
using VaultStub = v1::VaultAdmin::Stub;

class RevokeGrant : public ServerFixture {
 protected:
  void SetUp() override {
    StartServer();
    rooms_.PutGrant("g", std::chrono::hours(1), [](storage::v1::Grant& grant) { grant.add_scopes("read"); });
    Answer(200);
  }
  void Answer(int status) {
    rooms_.http.OnRequest([status](const ScriptedHttp::Seen&) { return ScriptedHttp::Json(status, ""); });
  }
  template <typename Request>
  static Request Of(const std::string& grant, const std::string& subject = "u") {
    Request request;
    request.set_tenant("t");
    request.set_subject(subject);
    request.set_grant_id(grant);
    return request;
  }
  std::pair<grpc::Status, v1::RevokeGrantResponse> Revoke(const std::string& grant,
                                                          const std::string& subject = "u") {
    return CallAnd(*auth_, &AuthStub::RevokeGrant, Of<v1::RevokeGrantRequest>(grant, subject));
  }
};

TEST_F(RevokeGrant, SaysBothThatItIsForgottenAndThatTheProviderHasConfirmed) {
  const auto [status, answer] = Revoke("g");
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(answer.forgotten());
  EXPECT_TRUE(answer.revoked_at_provider());
  const auto [again, same] = Revoke("g");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(same.SerializeAsString(), answer.SerializeAsString());
  EXPECT_EQ(rooms_.http.seen().size(), 1u);
}

TEST_F(RevokeGrant, IsDoneHereWhenTheProviderFails) {
  Answer(503);
  const auto [status, answer] = Revoke("g");
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(answer.forgotten());
  EXPECT_FALSE(answer.revoked_at_provider());
  EXPECT_EQ(ReasonIn(Refresh(RefreshOf("g")).first), "GRANT_NOT_FOUND");
}

TEST_F(RevokeGrant, OfAnotherSubjectIsNotFoundAsOneThatDoesNotExist) {
  const auto theirs = Revoke("g", "mallory").first;
  const auto none = Revoke("none").first;
  EXPECT_EQ(theirs.error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonIn(theirs), "GRANT_NOT_FOUND");
  EXPECT_EQ(theirs.error_message(), none.error_message());
  EXPECT_TRUE(Refresh(RefreshOf("g")).first.ok());
  v1::RevokeGrantRequest empty;
  EXPECT_EQ(CallAnd(*auth_, &AuthStub::RevokeGrant, empty).first.error_code(), StatusCode::INVALID_ARGUMENT);
}

TEST_F(RevokeGrant, LeavesATombstoneThatGetGrantAndListGrantsShowWithoutTokens) {
  Answer(503);
  ASSERT_TRUE(Revoke("g").first.ok());
  const auto [status, got] = CallAnd(*auth_, &AuthStub::GetGrant, Of<v1::GetGrantRequest>("g"));
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(got.grant().state(), v1::GRANT_STATE_REVOKED);
  EXPECT_EQ(got.grant().state_reason(), "REVOKE_GRANT");
  EXPECT_TRUE(got.grant().has_state_time());
  EXPECT_EQ(got.grant().provider(), "p");
  EXPECT_EQ(got.grant().scopes_size(), 0);
  EXPECT_FALSE(got.grant().refreshable());
  EXPECT_FALSE(got.grant().has_access_token_expire_time());
  EXPECT_EQ(ReasonIn(CallAnd(*auth_, &AuthStub::GetGrant, Of<v1::GetGrantRequest>("g", "mallory")).first),
            "GRANT_NOT_FOUND");

  v1::ListGrantsRequest list;
  list.set_tenant("t");
  const auto [listed, page] = CallAnd(*vault_, &VaultStub::ListGrants, list);
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(page.grants_size(), 1);
  EXPECT_EQ(page.grants(0).state(), v1::GRANT_STATE_REVOKED);
  for (const std::string& bytes : {got.SerializeAsString(), page.SerializeAsString()}) {
    EXPECT_THAT(bytes, Not(HasSubstr("at-1")));
    EXPECT_THAT(bytes, Not(HasSubstr("rt-1")));
  }
}

}  // namespace
}  // namespace grantkeep
