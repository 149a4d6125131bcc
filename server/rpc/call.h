// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_CALL_H_
#define GRANTKEEP_RPC_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/async_unary_call.h>
#include <grpcpp/support/byte_buffer.h>

#include <atomic>
#include <string>

#include "absl/status/status.h"
#include "base/call.h"
#include "rpc/error_model.h"
#include "rpc/poller.h"

namespace grantkeep::rpc {

struct Edge;
class SingleAnswerMethod;

// One unary RPC, from the moment we ask gRPC for it until its last event has come out of the
// queue. It has one owner at a time: the poller that received it, or, after it was handed to the
// loop, the coroutine there (InHand). The owner answers exactly once and lets go.
//
// Lifetime: two events follow the arrival, "the answer is out" and "the RPC is over" (sent, or
// given up by the client), in any order; the second deletes the object. An owner on another
// thread must therefore not touch it after answering.
class UnaryCall {
 public:
  // Asks for the next call of `method` on the poller's queue. The queue must not be shut down;
  // a server that is being shut down answers at once that there is none.
  static void AskFor(Edge& edge, SingleAnswerMethod& method, Poller& poller);

  UnaryCall(const UnaryCall&) = delete;
  UnaryCall& operator=(const UnaryCall&) = delete;

  // The message as it came from the wire. The poller's, before the call is handed on.
  grpc::ByteBuffer& request() { return request_; }
  Edge& edge() { return edge_; }

  // Who calls, until when, under which request id: the call as the domain sees it. Without a
  // deadline of the caller's own, rpc/deadline.h says which applies.
  Call Describe();
  // The client has left, or its deadline has passed. Any thread that owns the call.
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

  // Answers; once. Failures are logged with request id, method, code and reason.
  void Succeed(const grpc::ByteBuffer& response);
  void Fail(const absl::Status& status);
  void Fail(const Failure& failure);

 private:
  // An event of this call in the queue, named after the member function that it runs.
  template <void (UnaryCall::*Run)(bool)>
  struct Event final : Completion {
    explicit Event(UnaryCall& owner) : call(owner) {}
    void Complete(bool ok) override { (call.*Run)(ok); }
    UnaryCall& call;
  };

  UnaryCall(Edge& edge, SingleAnswerMethod& method, Poller& poller);
  ~UnaryCall() = default;

  void Arrived(bool ok);
  void AnswerOut(bool ok);
  void Over(bool ok);
  void ReleaseOne();
  const std::string& request_id();

  Edge& edge_;
  SingleAnswerMethod& method_;
  Poller& poller_;
  grpc::ServerContext context_;
  grpc::ByteBuffer request_;
  grpc::ServerAsyncResponseWriter<grpc::ByteBuffer> writer_;
  Event<&UnaryCall::Arrived> arrived_{*this};
  Event<&UnaryCall::AnswerOut> answer_out_{*this};
  Event<&UnaryCall::Over> over_{*this};
  std::atomic<int> events_to_come_{2};
  std::atomic<bool> cancelled_{false};
  std::string request_id_;  // made when first needed
};

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_CALL_H_
