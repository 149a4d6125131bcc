// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TESTS_E2E_CALLER_H_
#define GRANTKEEP_TESTS_E2E_CALLER_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "grantkeep/v1/auth.grpc.pb.h"
#include "grantkeep/v1/vault_admin.grpc.pb.h"

namespace grantkeep::testing {

// How a call ended, with the standard status details taken apart.
struct CallStatus {
  grpc::StatusCode code = grpc::StatusCode::UNKNOWN;
  std::string message;
  std::string reason;  // ErrorInfo.reason, of domain "grantkeep"
  std::string field;   // the first field of BadRequest
  std::optional<std::chrono::milliseconds> retry_after;

  static CallStatus From(const grpc::Status& status);
  bool ok() const { return code == grpc::StatusCode::OK; }
  friend std::ostream& operator<<(std::ostream& out, const CallStatus& status);
};

template <typename Response>
struct Answer {
  CallStatus status;
  Response value;

  bool ok() const { return status.ok(); }
  const Response* operator->() const { return &value; }
};

// A workload that calls the service through the generated stubs. Thread-safe.
class Caller {
 public:
  explicit Caller(const std::string& address);

  Answer<v1::StartAuthResponse> StartAuth(const v1::StartAuthRequest& request) const;
  Answer<v1::CompleteAuthResponse> CompleteAuth(const v1::CompleteAuthRequest& request) const;
  Answer<v1::RefreshResponse> Refresh(const v1::RefreshRequest& request,
                                      std::chrono::milliseconds timeout = std::chrono::seconds(20)) const;
  Answer<v1::GetGrantResponse> GetGrant(const v1::GetGrantRequest& request) const;
  Answer<v1::RevokeGrantResponse> RevokeGrant(const v1::RevokeGrantRequest& request) const;
  Answer<v1::GetStaticSecretResponse> GetStaticSecret(const v1::GetStaticSecretRequest& request) const;
  Answer<v1::PutStaticSecretResponse> PutStaticSecret(const v1::PutStaticSecretRequest& request) const;
  Answer<v1::DeleteStaticSecretResponse> DeleteStaticSecret(
      const v1::DeleteStaticSecretRequest& request) const;
  Answer<v1::ListStaticSecretsResponse> ListStaticSecrets(const v1::ListStaticSecretsRequest& request) const;
  Answer<v1::ListGrantsResponse> ListGrants(const v1::ListGrantsRequest& request) const;
  Answer<v1::GetServerStatusResponse> GetServerStatus(
      const v1::GetServerStatusRequest& request,
      std::chrono::milliseconds timeout = std::chrono::seconds(20)) const;

 private:
  std::unique_ptr<v1::AuthService::Stub> auth_;
  std::unique_ptr<v1::VaultAdmin::Stub> vault_;
};

}  // namespace grantkeep::testing

#endif  // GRANTKEEP_TESTS_E2E_CALLER_H_
