// SPDX-License-Identifier: Apache-2.0
// A grant's token on a caller's own gRPC calls.
#include "grantkeep/grant_credentials.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "tests/support/eventually.h"
#include "tests/unit/client/fake_service.h"

namespace grantkeep::testing {
namespace {

using ::testing::HasSubstr;

// Any service will do for the API that is called: it is asked which token has come.
class Api final : public v1::AuthService::Service {
 public:
  Api() {
    char folder[] = "/tmp/grantkeep-api-XXXXXX";
    folder_ = mkdtemp(folder);
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address(), grpc::experimental::LocalServerCredentials(UDS));
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~Api() override {
    server_->Shutdown(std::chrono::system_clock::now());
    unlink((folder_ + "/s").c_str());
    rmdir(folder_.c_str());
  }
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;
  std::string address() const { return "unix:" + folder_ + "/s"; }

 private:
  grpc::Status GetGrant(grpc::ServerContext* context, const v1::GetGrantRequest*,
                        v1::GetGrantResponse* response) override {
    for (const auto& [name, value] : context->client_metadata()) {
      if (name == "authorization")
        response->mutable_grant()->set_issuer(std::string(value.data(), value.size()));
    }
    return grpc::Status::OK;
  }

  std::string folder_;
  std::unique_ptr<grpc::Server> server_;
};

class GrantCredentialsTest : public ::testing::Test {
 protected:
  GrantCredentialsTest() {
    service_.watch_grants = [this](grpc::ServerContext& context, const v1::WatchGrantsRequest&,
                                   grpc::ServerWriter<v1::WatchGrantsResponse>& writer) {
      v1::WatchGrantsResponse news;
      news.mutable_grant()->set_grant_id("g");
      news.mutable_grant()->set_subject("u");
      news.mutable_grant()->set_state(v1::GRANT_STATE_ACTIVE);
      news.mutable_grant()->set_generation(1);
      news.set_access_token("from-memory");
      if (told_) writer.Write(news);
      while (!context.IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      return grpc::Status::OK;
    };
    service_.refresh = [this](const v1::RefreshRequest&, v1::RefreshResponse& response) {
      response.set_access_token("asked-for");
      response.set_generation(1);
      return refusal_;
    };
  }
  void Open() {
    TokenSourceOptions options;
    options.address = service_.address();
    source_ = std::move(TokenSource::Create(options)).value();
    tokens_ = source_->Add("u", "g");
  }
  std::pair<grpc::Status, std::string> Call() {
    grpc::ClientContext context;
    context.set_credentials(GrantCredentials(tokens_));
    v1::GetGrantResponse response;
    grpc::Status status = api_stub_->GetGrant(&context, v1::GetGrantRequest(), &response);
    return {status, response.grant().issuer()};
  }

  std::atomic<bool> told_ = true;
  grpc::Status refusal_;
  FakeService service_;
  std::unique_ptr<TokenSource> source_;
  std::shared_ptr<GrantTokens> tokens_;
  Api api_;
  std::unique_ptr<v1::AuthService::Stub> api_stub_ = v1::AuthService::NewStub(
      grpc::CreateChannel(api_.address(), grpc::experimental::LocalCredentials(UDS)));
};

TEST_F(GrantCredentialsTest, ATokenInMemoryIsAttached) {
  Open();
  ASSERT_TRUE(Eventually([&] { return tokens_->InMemory() != nullptr; }));
  const auto [status, authorization] = Call();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(authorization, "Bearer from-memory");
}

TEST_F(GrantCredentialsTest, ATokenThatIsNotInMemoryIsAskedFor) {
  told_ = false;
  Open();
  const auto [status, authorization] = Call();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(authorization, "Bearer asked-for");
}

TEST_F(GrantCredentialsTest, WithoutATokenTheCallFailsAndSaysWhy) {
  told_ = false;
  refusal_ = StatusWithReason(grpc::StatusCode::FAILED_PRECONDITION, "sign in again", "NEEDS_REAUTH");
  Open();
  const auto refused = Call().first;
  EXPECT_FALSE(refused.ok());
  EXPECT_THAT(refused.error_message(), HasSubstr("NEEDS_REAUTH: sign in again"));
  refusal_ = StatusWithReason(grpc::StatusCode::UNAVAILABLE, "later", "STORE_UNAVAILABLE");
  const auto unavailable = Call().first;
  EXPECT_EQ(unavailable.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(unavailable.error_message(), HasSubstr("STORE_UNAVAILABLE: later"));
}

}  // namespace
}  // namespace grantkeep::testing
