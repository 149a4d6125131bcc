// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_RAW_SERVICE_H_
#define GRANTKEEP_RPC_RAW_SERVICE_H_

#include <google/protobuf/descriptor.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/async_unary_call.h>
#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rpc/method.h"
#include "rpc/poller.h"

namespace grantkeep::rpc {

struct Edge;

// A service whose requests reach us as bytes, so that one which does not parse is answered with
// details like every other mistake. (With typed requests gRPC answers by itself: INTERNAL,
// "Unable to parse request".) It does what the generated WithRawMethod_* classes do, for all
// methods of a descriptor at once.
//
// A method that nobody bound answers UNIMPLEMENTED, reason NOT_IMPLEMENTED.
class RawService final : public grpc::Service {
 public:
  explicit RawService(const google::protobuf::ServiceDescriptor& service);

  // Before the server starts. The method must exist in the descriptor; with one that streams its answers goes
  // a StreamMethod, with every other a SingleAnswerMethod.
  void Bind(std::string_view method, std::unique_ptr<Method> bound);

  // Asks for calls of every method on the poller's queue; after the server has started.
  void AskAhead(Edge& edge, Poller& poller);
  // Asks for one call.
  void Request(const Method& method, grpc::ServerContext& context, grpc::ByteBuffer& request,
               grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>& writer, grpc::ServerCompletionQueue& queue,
               Completion* arrived);
  void Request(const Method& method, grpc::ServerContext& context, grpc::ByteBuffer& request,
               grpc::ServerAsyncWriter<grpc::ByteBuffer>& writer, grpc::ServerCompletionQueue& queue,
               Completion* arrived);

 private:
  void Install(int index, std::unique_ptr<Method> method);

  const google::protobuf::ServiceDescriptor& descriptor_;
  // By index, as in the descriptor. gRPC keeps pointers to the names.
  std::vector<std::string> names_;
  std::vector<std::unique_ptr<Method>> methods_;
};

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_RAW_SERVICE_H_
