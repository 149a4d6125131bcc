// SPDX-License-Identifier: Apache-2.0
// Each method through a real socket.
#include <gmock/gmock.h>

#include <atomic>
#include <string>

#include "grpc/health/v1/health.pb.h"
#include "tests/unit/rpc/server_fixture.h"

namespace grantkeep {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ServerFixture;
using AuthStub = v1::AuthService::Stub;
using VaultStub = v1::VaultAdmin::Stub;

class Methods : public ServerFixture {
 protected:
  void SetUp() override { StartServer(); }

  static v1::PutStaticSecretRequest PutOf(const std::string& name, const std::string& value) {
    v1::PutStaticSecretRequest request;
    request.set_tenant("t");
    request.set_name(name);
    request.set_value(value);
    return request;
  }
  std::pair<grpc::Status, v1::PutStaticSecretResponse> Put(v1::PutStaticSecretRequest request) {
    return CallAnd(*vault_, &VaultStub::PutStaticSecret, std::move(request));
  }
  std::pair<grpc::Status, v1::GetStaticSecretResponse> Get(const std::string& name, uint64_t version = 0) {
    v1::GetStaticSecretRequest request;
    request.set_tenant("t");
    request.set_name(name);
    request.set_version(version);
    return CallAnd(*auth_, &AuthStub::GetStaticSecret, std::move(request));
  }
};

TEST_F(Methods, RefreshAndGetStaticSecretFromMemoryAreAnsweredWhileTheLoopStandsStill) {
  rooms_.PutGrant("g", std::chrono::hours(1), [](storage::v1::Grant& grant) {
    grant.add_scopes("read");
    grant.add_scopes("write");
  });
  ASSERT_TRUE(Put(PutOf("bot", "hush")).first.ok());

  auto refreshed = Start(*auth_, &AuthStub::Refresh, RefreshOf("g"));
  const auto [status, answer] = refreshed.get();  // nobody runs the loop
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(answer.access_token(), "at-1");
  EXPECT_EQ(answer.token_type(), "Bearer");
  EXPECT_EQ(answer.generation(), 1u);
  EXPECT_EQ(answer.freshness(), v1::FRESHNESS_FRESH);
  EXPECT_EQ(answer.scopes_size(), 2);
  const int64_t expires = ToMicros(rooms_.clock.Now()) / 1'000'000 + 3600;
  EXPECT_EQ(answer.expire_time().seconds(), expires);

  v1::GetStaticSecretRequest request;
  request.set_tenant("t");
  request.set_name("bot");
  auto got = Start(*auth_, &AuthStub::GetStaticSecret, request);
  const auto [secret_status, secret] = got.get();
  ASSERT_TRUE(secret_status.ok()) << secret_status.error_message();
  EXPECT_EQ(secret.value(), "hush");
}

TEST_F(Methods, AGrantThatIsNotInMemoryIsReadOnTheLoop) {
  const auto [status, answer] = Refresh(RefreshOf("none"));
  EXPECT_EQ(status.error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(ReasonIn(status), "GRANT_NOT_FOUND");
}

TEST_F(Methods, WhatIsServedWhileTheStoreIsAwaySaysThatItIsUnverified) {
  rooms_.PutGrant("g", std::chrono::hours(1));
  ASSERT_TRUE(Put(PutOf("bot", "hush")).first.ok());
  v1::GetGrantRequest get;
  get.set_tenant("t");
  get.set_subject("u");
  get.set_grant_id("g");
  EXPECT_FALSE(Get("bot").second.unverified());
  EXPECT_FALSE(CallAnd(*auth_, &AuthStub::GetGrant, get).second.unverified());

  rooms_.store->failure = Error(Reason::kStoreUnavailable, "away");
  rooms_.store->current_until = rooms_.clock.Steady();
  EXPECT_EQ(Refresh(RefreshOf("g")).second.freshness(), v1::FRESHNESS_UNVERIFIED);
  EXPECT_EQ(Refresh(RefreshOf("g")).second.access_token(), "at-1");
  EXPECT_TRUE(Get("bot").second.unverified());
  EXPECT_EQ(Get("bot").second.value(), "hush");
  EXPECT_TRUE(CallAnd(*auth_, &AuthStub::GetGrant, get).second.unverified());
}

TEST_F(Methods, WithoutTheStoreCallersAreToldWhenToTryAgain) {
  rooms_.store->failure = Error(Reason::kStoreUnavailable, "away");
  v1::StartAuthRequest start;
  start.set_tenant("t");
  start.set_provider("p");
  start.set_subject("u");
  start.set_redirect_uri("https://app.example/cb");
  start.set_session_binding("0123456789abcdef");
  for (const grpc::Status& status : {CallAnd(*auth_, &AuthStub::StartAuth, start).first,
                                     Refresh(RefreshOf("g")).first, Get("bot").first}) {
    EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE) << status.error_message();
    EXPECT_EQ(ReasonIn(status), "STORE_UNAVAILABLE");
    EXPECT_EQ(DetailIn<details::RetryInfo>(status, "RetryInfo").retry_delay().seconds(), 1);
  }
}

TEST_F(Methods, MinTtlIsFromZeroTo24Hours) {
  rooms_.PutGrant("g", std::chrono::hours(1));
  for (const auto& [seconds, nanos, good] :
       {std::tuple(0, 0, true), {86'400, 0, true}, {86'400, 1, false}, {-1, 0, false}, {0, -1, false}}) {
    v1::RefreshRequest request = RefreshOf("g");
    request.mutable_min_ttl()->set_seconds(seconds);
    request.mutable_min_ttl()->set_nanos(nanos);
    const auto [status, answer] = Refresh(request);
    if (good) {
      EXPECT_NE(status.error_code(), StatusCode::INVALID_ARGUMENT) << seconds;
    } else {
      EXPECT_EQ(ReasonIn(status), "INVALID_FIELD") << seconds;
      EXPECT_EQ(FieldIn(status), "min_ttl") << seconds;
    }
  }
}

TEST_F(Methods, AViolationIsRefusedOnThePollerBeforeAnythingElse) {
  v1::StartAuthRequest request;
  request.set_tenant("t");
  auto refused = Start(*auth_, &AuthStub::StartAuth, request);
  const auto [status, answer] = refused.get();
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldIn(status), "provider");
}

TEST_F(Methods, StartAuthAnswersUrlStateAndEnd) {
  v1::StartAuthRequest request;
  request.set_tenant("t");
  request.set_provider("p");
  request.set_subject("u");
  request.add_scopes("read");
  request.set_redirect_uri("https://app.example/cb");
  request.set_session_binding(std::string(16, 'b'));
  const auto [status, answer] = CallAnd(*auth_, &AuthStub::StartAuth, request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(answer.authorization_url(), HasSubstr("https://as.example/authorize?"));
  EXPECT_THAT(answer.authorization_url(), HasSubstr(answer.state()));
  EXPECT_EQ(answer.expire_time().seconds(), ToMicros(rooms_.clock.Now()) / 1'000'000 + 600);
}

TEST_F(Methods, CompleteAuthNeedsOneFormOfTheCallback) {
  v1::CompleteAuthRequest request;
  request.set_tenant("t");
  request.set_session_binding(std::string(16, 'b'));
  const auto [none, answer] = CallAnd(*auth_, &AuthStub::CompleteAuth, request);
  EXPECT_EQ(FieldIn(none), "callback");
  request.set_callback_url("https://app.example/cb?state=unknown&code=c");
  EXPECT_EQ(ReasonIn(CallAnd(*auth_, &AuthStub::CompleteAuth, request).first), "FLOW_NOT_FOUND");
  auto* parameter = request.mutable_callback_parameters()->add_parameters();
  parameter->set_name("state");
  parameter->set_value("unknown");
  parameter = request.mutable_callback_parameters()->add_parameters();
  parameter->set_name("code");
  parameter->set_value("c");
  EXPECT_EQ(ReasonIn(CallAnd(*auth_, &AuthStub::CompleteAuth, request).first), "FLOW_NOT_FOUND");
}

TEST_F(Methods, GetGrantHidesTokensAndOtherSubjectsGrants) {
  rooms_.PutGrant("g", std::chrono::hours(1));
  v1::GetGrantRequest request;
  request.set_tenant("t");
  request.set_subject("u");
  request.set_grant_id("g");
  const auto [status, answer] = CallAnd(*auth_, &AuthStub::GetGrant, request);
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(answer.grant().provider(), "p");
  EXPECT_EQ(answer.grant().tenant(), "t");
  EXPECT_THAT(answer.SerializeAsString(), ::testing::Not(HasSubstr("at-1")));
  request.set_subject("somebody-else");
  EXPECT_EQ(ReasonIn(CallAnd(*auth_, &AuthStub::GetGrant, request).first), "GRANT_NOT_FOUND");
}

TEST_F(Methods, GetGrantSaysThatRefreshesFailAndWhenTheNextIsTried) {
  const Time next = rooms_.clock.Now() + std::chrono::seconds(42);
  rooms_.PutGrant("g", std::chrono::hours(1), [&](storage::v1::Grant& grant) {
    grant.set_failures(3);
    grant.set_not_before_us(ToMicros(next));
  });
  v1::GetGrantRequest request;
  request.set_tenant("t");
  request.set_subject("u");
  request.set_grant_id("g");
  const auto [status, answer] = CallAnd(*auth_, &AuthStub::GetGrant, request);
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(answer.grant().failed_refreshes(), 3u);
  EXPECT_EQ(answer.grant().next_refresh_time().seconds(), ToMicros(next) / 1'000'000);
}

TEST_F(Methods, AStaticSecretIsPutReadListedAndDeleted) {
  v1::PutStaticSecretRequest put = PutOf("bot", std::string("any\0bytes\xff", 10));
  put.set_provider("discord");
  ASSERT_TRUE(Put(put).first.ok());
  put.set_value("second");
  EXPECT_EQ(Put(put).second.version(), 2u);

  const auto [status, latest] = Get("bot");
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(latest.value(), "second");
  EXPECT_EQ(latest.header_name(), "Authorization");
  EXPECT_EQ(latest.header_value_prefix(), "Bot ");
  EXPECT_EQ(Get("bot", 1).second.value(), std::string("any\0bytes\xff", 10));

  v1::ListStaticSecretsRequest list;
  list.set_tenant("t");
  const auto [list_status, page] = CallAnd(*vault_, &VaultStub::ListStaticSecrets, list);
  ASSERT_EQ(page.static_secrets_size(), 1);
  EXPECT_EQ(page.static_secrets(0).size(), 6u);
  EXPECT_EQ(page.static_secrets(0).provider(), "discord");
  EXPECT_THAT(page.next_page_token(), IsEmpty());

  v1::DeleteStaticSecretRequest remove;
  remove.set_tenant("t");
  remove.set_name("bot");
  remove.set_expected_version(1);
  EXPECT_EQ(ReasonIn(CallAnd(*vault_, &VaultStub::DeleteStaticSecret, remove).first), "VERSION_MISMATCH");
  remove.set_expected_version(2);
  EXPECT_TRUE(CallAnd(*vault_, &VaultStub::DeleteStaticSecret, remove).first.ok());
  EXPECT_EQ(ReasonIn(Get("bot").first), "SECRET_NOT_FOUND");
}

TEST_F(Methods, AStaticSecretsProviderMustBeStatic) {
  v1::PutStaticSecretRequest put = PutOf("bot", "hush");
  put.set_provider("p");
  const grpc::Status with_flow = Put(put).first;
  EXPECT_EQ(ReasonIn(with_flow), "PROVIDER_NOT_STATIC");
  EXPECT_EQ(FieldIn(with_flow), "provider");
  put.set_provider("unheard-of");
  EXPECT_EQ(ReasonIn(Put(put).first), "PROVIDER_NOT_FOUND");
}

TEST_F(Methods, AValueOf64KiBFitsAndOneByteMoreNamesTheField) {
  EXPECT_TRUE(Put(PutOf("big", std::string(65'536, 'v'))).first.ok());
  EXPECT_EQ(Get("big").second.value().size(), 65'536u);
  const grpc::Status status = Put(PutOf("big", std::string(65'537, 'v'))).first;
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldIn(status), "value");
}

TEST_F(Methods, APageSizeAboveAThousandIsRefused) {
  v1::ListGrantsRequest request;
  request.set_tenant("t");
  request.set_page_size(1001);
  EXPECT_EQ(FieldIn(CallAnd(*vault_, &VaultStub::ListGrants, request).first), "page_size");
  v1::ListStaticSecretsRequest secrets;
  secrets.set_tenant("t");
  secrets.set_page_size(1001);
  EXPECT_EQ(FieldIn(CallAnd(*vault_, &VaultStub::ListStaticSecrets, secrets).first), "page_size");
}

TEST_F(Methods, ListGrantsFiltersByProviderWithoutTokens) {
  rooms_.PutGrant("g1", std::chrono::hours(1));
  rooms_.PutGrant("g2", std::chrono::hours(1),
                  [](storage::v1::Grant& grant) { grant.set_provider("other"); });
  v1::ListGrantsRequest request;
  request.set_tenant("t");
  std::vector<std::string> found;
  request.set_provider("other");
  do {
    const auto [status, page] = CallAnd(*vault_, &VaultStub::ListGrants, request);
    ASSERT_TRUE(status.ok()) << status.error_message();
    for (const v1::Grant& grant : page.grants()) found.push_back(grant.grant_id());
    EXPECT_THAT(page.SerializeAsString(), ::testing::Not(HasSubstr("at-1")));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(found, ::testing::ElementsAre("g2"));
}

TEST_F(Methods, WhatIsNotImplementedYetSaysSo) {
  for (const char* method : {"/grantkeep.v1.AuthService/GetSchema", "/grantkeep.v1.AuthService/ValidateToken",
                             "/grantkeep.v1.VaultAdmin/RotateKeys", "/grantkeep.v1.VaultAdmin/GetKeyStatus",
                             "/grantkeep.v1.VaultAdmin/GetServerStatus"}) {
    const grpc::Status status = CallRaw(method, "");
    EXPECT_EQ(status.error_code(), StatusCode::UNIMPLEMENTED) << method;
    EXPECT_EQ(ReasonIn(status), "NOT_IMPLEMENTED") << method;
    EXPECT_THAT(status.error_message(), HasSubstr("not implemented")) << method;
  }
}

TEST_F(Methods, AnAdoptionIsHandedOnAndAnsweredWithTheNewIdentity) {
  v1::AdoptStoreRequest request;
  request.set_adoption(v1::STORE_ADOPTION_CLONE);
  request.set_store_id(std::string(32, 'a'));
  const auto [status, response] = CallAnd(*vault_, &VaultStub::AdoptStore, request);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.store_id(), request.store_id());
  EXPECT_EQ(response.epoch(), 2u);
}

TEST_F(Methods, BytesThatAreNoRequestAreInvalidArgumentWithOurDetails) {
  for (const char* method : {"/grantkeep.v1.AuthService/Refresh", "/grantkeep.v1.AuthService/StartAuth"}) {
    for (const std::string bytes : {"\x0a\x02\xff\xfe", "\x0a\x7f", "\x07"}) {
      const grpc::Status status = CallRaw(method, bytes);
      EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT) << method;
      EXPECT_EQ(ReasonIn(status), "INVALID_FIELD") << method;
    }
  }
}

TEST_F(Methods, AMessageBeyondTheMethodsLimitIsRefused) {
  const grpc::Status status = CallRaw("/grantkeep.v1.AuthService/Refresh", std::string(65'537, 'x'));
  EXPECT_EQ(status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ReasonIn(status), "MESSAGE_TOO_LARGE");
  const grpc::Status huge = CallRaw("/grantkeep.v1.AuthService/Refresh", std::string(1 << 20, 'x'));
  EXPECT_EQ(huge.error_code(), StatusCode::RESOURCE_EXHAUSTED) << huge.error_message();
}

TEST_F(Methods, ACompressedRequestIsRefused) {
  auto result =
      Start(*auth_, &AuthStub::Refresh, RefreshOf(std::string(60, 'g')),
            [](grpc::ClientContext& context) { context.set_compression_algorithm(GRPC_COMPRESS_GZIP); });
  RunUntilReady(result);
  EXPECT_EQ(result.get().first.error_code(), StatusCode::UNIMPLEMENTED);
}

TEST_F(Methods, AnUnknownMethodIsUnimplemented) {
  EXPECT_EQ(CallRaw("/grantkeep.v1.AuthService/Nonsense", "").error_code(), StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(CallRaw("/nobody.Service/Refresh", "").error_code(), StatusCode::UNIMPLEMENTED);
}

TEST_F(Methods, HealthKnowsItsServices) {
  grpc::health::v1::HealthCheckRequest request;
  for (const char* service : {"", "grantkeep.v1.AuthService", "grantkeep.v1.VaultAdmin"}) {
    request.set_service(service);
    EXPECT_TRUE(CallRaw("/grpc.health.v1.Health/Check", request.SerializeAsString()).ok()) << service;
  }
  request.set_service("nobody.Service");
  EXPECT_EQ(CallRaw("/grpc.health.v1.Health/Check", request.SerializeAsString()).error_code(),
            StatusCode::NOT_FOUND);
  EXPECT_EQ(CallRaw("/grpc.health.v1.Health/Watch", "").error_code(), StatusCode::UNIMPLEMENTED);
}

TEST_F(Methods, HealthIsPerServiceAndAskedAnew) {
  std::atomic<bool> auth = false;
  std::atomic<bool> vault_admin = true;
  ready_ = {.auth = [&] { return auth.load(); }, .vault_admin = [&] { return vault_admin.load(); }};
  Drain();
  server_.reset();
  StartServer();
  const auto serves = [&](const char* service) {
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    std::string bytes;
    EXPECT_TRUE(CallRaw("/grpc.health.v1.Health/Check", request.SerializeAsString(), &bytes).ok());
    grpc::health::v1::HealthCheckResponse response;
    EXPECT_TRUE(response.ParseFromString(bytes));
    return response.status() == grpc::health::v1::HealthCheckResponse::SERVING;
  };
  for (const bool swapped : {false, true}) {
    auth = swapped;
    vault_admin = !swapped;
    EXPECT_EQ(serves(""), swapped);
    EXPECT_EQ(serves("grantkeep.v1.AuthService"), swapped);
    EXPECT_EQ(serves("grantkeep.v1.VaultAdmin"), !swapped);
  }
  auth = vault_admin = true;
  server_->StopServing();
  EXPECT_FALSE(serves(""));
  EXPECT_FALSE(serves("grantkeep.v1.VaultAdmin"));
  Drain();
  server_.reset();
}

}  // namespace
}  // namespace grantkeep
