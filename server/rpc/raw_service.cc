// SPDX-License-Identifier: Apache-2.0
#include "rpc/raw_service.h"

#include <fmt/format.h>
#include <grpc/support/log.h>

#include <string>
#include <utility>

#include "base/reason.h"
#include "rpc/call.h"

namespace grantkeep::rpc {
namespace {

// A method whose time has not come.
class NotImplemented final : public SingleAnswerMethod {
 public:
  NotImplemented() : SingleAnswerMethod(MethodLimits{.asked_ahead = 1}) {}
  void Handle(UnaryCall& call) override {
    call.Fail(Error(Reason::kNotImplemented, fmt::format("{} is not implemented in this version", name())));
  }
};

}  // namespace

RawService::RawService(const google::protobuf::ServiceDescriptor& service) : descriptor_(service) {
  const int count = service.method_count();
  methods_.resize(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    names_.push_back(fmt::format("/{}/{}", service.full_name(), service.method(i)->name()));
  }
  for (int i = 0; i < count; ++i) {
    const char* name = names_[static_cast<size_t>(i)].c_str();
    const auto type = service.method(i)->server_streaming() ? grpc::internal::RpcMethod::SERVER_STREAMING
                                                            : grpc::internal::RpcMethod::NORMAL_RPC;
    AddMethod(new grpc::internal::RpcServiceMethod(name, type, nullptr));
    MarkMethodRaw(i);
    Install(i, std::make_unique<NotImplemented>());
  }
}

void RawService::Install(int index, std::unique_ptr<Method> method) {
  const auto at = static_cast<size_t>(index);
  method->service_ = this;
  method->index_ = index;
  method->name_ = names_[at];
  methods_[at] = std::move(method);
}

void RawService::Bind(std::string_view method, std::unique_ptr<Method> bound) {
  const google::protobuf::MethodDescriptor* found = descriptor_.FindMethodByName(std::string(method));
  GPR_ASSERT(found != nullptr && !found->client_streaming());
  Install(found->index(), std::move(bound));
}

void RawService::AskAhead(Edge& edge, Poller& poller) {
  for (const auto& method : methods_) {
    for (int i = 0; i < method->limits().asked_ahead; ++i) method->AskFor(edge, poller);
  }
}

void RawService::Request(const Method& method, grpc::ServerContext& context, grpc::ByteBuffer& request,
                         grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>& writer,
                         grpc::ServerCompletionQueue& queue, Completion* arrived) {
  RequestAsyncUnary(method.index(), &context, &request, &writer, &queue, &queue, arrived);
}

void RawService::Request(const Method& method, grpc::ServerContext& context, grpc::ByteBuffer& request,
                         grpc::ServerAsyncWriter<grpc::ByteBuffer>& writer,
                         grpc::ServerCompletionQueue& queue, Completion* arrived) {
  RequestAsyncServerStreaming(method.index(), &context, &request, &writer, &queue, &queue, arrived);
}

}  // namespace grantkeep::rpc
