// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/health.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <future>
#include <utility>

#include "grpc/health/v1/health.pb.h"

namespace grantkeep::testing {

std::optional<bool> HealthOf(const std::string& address, const std::string& service) {
  grpc::health::v1::HealthCheckRequest message;
  message.set_service(service);
  grpc::GenericStub stub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  const grpc::Slice slice(message.SerializeAsString());
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  std::promise<grpc::Status> status;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &response,
                 [&](grpc::Status ended) { status.set_value(std::move(ended)); });
  grpc::Slice whole;
  grpc::health::v1::HealthCheckResponse answer;
  if (!status.get_future().get().ok() || !response.DumpToSingleSlice(&whole).ok() ||
      !answer.ParseFromArray(whole.begin(), static_cast<int>(whole.size()))) {
    return std::nullopt;
  }
  return answer.status() == grpc::health::v1::HealthCheckResponse::SERVING;
}

}  // namespace grantkeep::testing
