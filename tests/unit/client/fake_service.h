// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_UNIT_CLIENT_FAKE_SERVICE_H_
#define GRANTKEEP_TESTS_UNIT_CLIENT_FAKE_SERVICE_H_

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include "client/status_details.h"
#include "grantkeep/details/status_details.pb.h"
#include "grantkeep/v1/auth.grpc.pb.h"
#include "grantkeep/v1/vault_admin.grpc.pb.h"

namespace grantkeep::testing {

// A gRPC status with the standard details, as the service makes it; `field`: the one that is refused.
inline grpc::Status StatusWithReason(grpc::StatusCode code, const std::string& message,
                                     const std::string& reason, const std::string& field = "") {
  details::ErrorInfo info;
  info.set_domain("grantkeep");
  info.set_reason(reason);
  details::Status details;
  details.set_code(code);
  details.set_message(message);
  details.add_details()->set_type_url(client::kErrorInfoUrl);
  details.mutable_details(0)->set_value(info.SerializeAsString());
  if (!field.empty()) {
    details::BadRequest bad;
    bad.add_field_violations()->set_field(field);
    bad.mutable_field_violations(0)->set_description(message);
    details.add_details()->set_type_url(client::kBadRequestUrl);
    details.mutable_details(1)->set_value(bad.SerializeAsString());
  }
  return {code, message, details.SerializeAsString()};
}

// Both services behind a unix socket in a folder of its own, each call answered by a function
// that the test sets. Unset: UNIMPLEMENTED.
class FakeService {
 public:
  template <typename Request, typename Response>
  using Handler = std::function<grpc::Status(const Request&, Response&)>;

  FakeService() : auth_(*this), admin_(*this) {
    char folder[] = "/tmp/grantkeep-fake-XXXXXX";
    folder_ = mkdtemp(folder);
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address(), grpc::InsecureServerCredentials());
    builder.RegisterService(&auth_);
    builder.RegisterService(&admin_);
    server_ = builder.BuildAndStart();
  }
  ~FakeService() {
    server_->Shutdown(std::chrono::system_clock::now());
    unlink((folder_ + "/s").c_str());
    rmdir(folder_.c_str());
  }
  FakeService(const FakeService&) = delete;
  FakeService& operator=(const FakeService&) = delete;

  std::string address() const { return "unix:" + folder_ + "/s"; }

  Handler<v1::StartAuthRequest, v1::StartAuthResponse> start_auth;
  Handler<v1::CompleteAuthRequest, v1::CompleteAuthResponse> complete_auth;
  Handler<v1::RefreshRequest, v1::RefreshResponse> refresh;
  Handler<v1::GetGrantRequest, v1::GetGrantResponse> get_grant;
  Handler<v1::RevokeGrantRequest, v1::RevokeGrantResponse> revoke_grant;
  Handler<v1::GetStaticSecretRequest, v1::GetStaticSecretResponse> get_static_secret;
  Handler<v1::PutStaticSecretRequest, v1::PutStaticSecretResponse> put_static_secret;
  Handler<v1::DeleteStaticSecretRequest, v1::DeleteStaticSecretResponse> delete_static_secret;
  Handler<v1::ListStaticSecretsRequest, v1::ListStaticSecretsResponse> list_static_secrets;
  Handler<v1::ListGrantsRequest, v1::ListGrantsResponse> list_grants;
  Handler<v1::GetServerStatusRequest, v1::GetServerStatusResponse> get_server_status;
  Handler<v1::AdoptStoreRequest, v1::AdoptStoreResponse> adopt_store;
  std::function<grpc::Status(grpc::ServerContext&, const v1::WatchGrantsRequest&,
                             grpc::ServerWriter<v1::WatchGrantsResponse>&)>
      watch_grants;

 private:
  template <typename Request, typename Response>
  static grpc::Status Answer(const Handler<Request, Response>& handler, const Request* request,
                             Response* response) {
    if (!handler) return {grpc::StatusCode::UNIMPLEMENTED, "the test expects no such call"};
    return handler(*request, *response);
  }

#define GK_FAKE(Method, handler)                                                \
  grpc::Status Method(grpc::ServerContext*, const v1::Method##Request* request, \
                      v1::Method##Response* response) override {                \
    return Answer(fake.handler, request, response);                             \
  }
  struct Auth final : v1::AuthService::Service {
    explicit Auth(FakeService& owner) : fake(owner) {}
    GK_FAKE(StartAuth, start_auth)
    GK_FAKE(CompleteAuth, complete_auth)
    GK_FAKE(Refresh, refresh)
    GK_FAKE(GetGrant, get_grant)
    GK_FAKE(RevokeGrant, revoke_grant)
    GK_FAKE(GetStaticSecret, get_static_secret)
    grpc::Status WatchGrants(grpc::ServerContext* context, const v1::WatchGrantsRequest* request,
                             grpc::ServerWriter<v1::WatchGrantsResponse>* writer) override {
      if (!fake.watch_grants) return {grpc::StatusCode::UNIMPLEMENTED, "the test expects no such call"};
      return fake.watch_grants(*context, *request, *writer);
    }
    FakeService& fake;
  };
  struct Admin final : v1::VaultAdmin::Service {
    explicit Admin(FakeService& owner) : fake(owner) {}
    GK_FAKE(PutStaticSecret, put_static_secret)
    GK_FAKE(DeleteStaticSecret, delete_static_secret)
    GK_FAKE(ListStaticSecrets, list_static_secrets)
    GK_FAKE(ListGrants, list_grants)
    GK_FAKE(GetServerStatus, get_server_status)
    GK_FAKE(AdoptStore, adopt_store)
    FakeService& fake;
  };
#undef GK_FAKE

  std::string folder_;
  Auth auth_;
  Admin admin_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_UNIT_CLIENT_FAKE_SERVICE_H_
