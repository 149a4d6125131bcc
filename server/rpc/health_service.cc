// SPDX-License-Identifier: Apache-2.0
#include "rpc/health_service.h"

#include <functional>
#include <string>
#include <utility>

#include "base/reason.h"
#include "grantkeep/v1/auth.pb.h"
#include "grantkeep/v1/vault_admin.pb.h"
#include "grpc/health/v1/health.pb.h"
#include "rpc/call.h"
#include "rpc/wire.h"

namespace grantkeep::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::ServiceDescriptor;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

constexpr size_t kMaxHealthRequest = 1024;

const ServiceDescriptor& ServiceBeside(const Descriptor* message) { return *message->file()->service(0); }

bool IsVaultAdmin(const std::string& service) {
  return service == ServiceBeside(v1::PutStaticSecretRequest::descriptor()).full_name();
}

bool IsKnown(const std::string& service) {
  return service.empty() || IsVaultAdmin(service) ||
         service == ServiceBeside(v1::StartAuthRequest::descriptor()).full_name();
}

// A method of its own kind, because the protocol prescribes its one error.
class Check final : public SingleAnswerMethod {
 public:
  Check(const std::atomic<bool>& serving, ReadyToServe ready)
      : SingleAnswerMethod(MethodLimits{.max_request_bytes = kMaxHealthRequest, .asked_ahead = 2}),
        serving_(serving),
        ready_(std::move(ready)) {}

  void Handle(UnaryCall& call) override {
    HealthCheckRequest request;
    if (auto failure = Parse(call.request(), limits().max_request_bytes, request)) return call.Fail(*failure);
    if (!IsKnown(request.service())) {
      return call.Fail(FieldError("service", "there is no such service here", Reason::kServiceUnknown));
    }
    const std::function<bool()>& ready = IsVaultAdmin(request.service()) ? ready_.vault_admin : ready_.auth;
    HealthCheckResponse response;
    response.set_status(serving_ && (ready == nullptr || ready()) ? HealthCheckResponse::SERVING
                                                                  : HealthCheckResponse::NOT_SERVING);
    call.Succeed(Serialize(response));
  }

 private:
  const std::atomic<bool>& serving_;
  const ReadyToServe ready_;
};

}  // namespace

std::unique_ptr<RawService> MakeHealthService(const std::atomic<bool>& serving, ReadyToServe ready) {
  auto service = std::make_unique<RawService>(ServiceBeside(HealthCheckRequest::descriptor()));
  service->Bind("Check", std::make_unique<Check>(serving, std::move(ready)));
  return service;
}

}  // namespace grantkeep::rpc
