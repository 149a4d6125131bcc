// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_STREAM_CALL_H_
#define GRANTKEEP_RPC_STREAM_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/call.h"
#include "rpc/answer_stream.h"
#include "rpc/error_model.h"
#include "rpc/method.h"
#include "rpc/poller.h"

namespace grantkeep::rpc {

struct Edge;
class StreamCall;

// A method that streams its answers: what happens with a call that has arrived.
class ManyAnswersMethod : public Method {
 public:
  using Method::Method;
  void AskFor(Edge& edge, Poller& poller) final;
  // On the poller. Fails the call or opens its stream; never waits.
  virtual void Handle(StreamCall& call) = 0;
};

// One RPC that streams its answers, from the moment we ask gRPC for it until its last event has come out of
// the queue; the sibling of UnaryCall. The poller that received it owns it, and after OpenStream() the loop,
// through the AnswerStream. The owner ends it exactly once, when no message is with gRPC, and lets go.
//
// Lifetime: as of a UnaryCall. Two events follow the arrival, "the end is out" and "the RPC is over", in any
// order; the second deletes the object.
class StreamCall {
 public:
  static void AskFor(Edge& edge, ManyAnswersMethod& method, Poller& poller);

  StreamCall(const StreamCall&) = delete;
  StreamCall& operator=(const StreamCall&) = delete;

  // The message as it came from the wire. The poller's, before the stream is open.
  grpc::ByteBuffer& request() { return request_; }
  Edge& edge() { return edge_; }
  // As UnaryCall::Describe(); its deadline is nothing to go by, because gRPC ends the call then. On the
  // poller.
  Call Describe();
  // Hands the call on to the loop. On the poller, once, and not after Fail().
  std::shared_ptr<AnswerStream> OpenStream();

  // The owner's. A message is with gRPC until AnswerStream::Sent.
  void Write(const grpc::ByteBuffer& message);
  // Makes a message that is with gRPC, and the call, fail soon.
  void Cancel() { context_.TryCancel(); }
  // End the call. Failures are logged with request id, method, code and reason.
  void Succeed();
  void Fail(const absl::Status& status);
  void Fail(const Failure& failure);

 private:
  // An event of this call in the queue, named after the member function that it runs.
  template <void (StreamCall::*Run)(bool)>
  struct Event final : Completion {
    explicit Event(StreamCall& owner) : call(owner) {}
    void Complete(bool ok) override { (call.*Run)(ok); }
    StreamCall& call;
  };

  StreamCall(Edge& edge, ManyAnswersMethod& method, Poller& poller);
  ~StreamCall() = default;

  void Arrived(bool ok);
  void Written(bool ok);
  void EndOut(bool ok);
  void Over(bool ok);
  void ReleaseOne();

  Edge& edge_;
  ManyAnswersMethod& method_;
  Poller& poller_;
  grpc::ServerContext context_;
  grpc::ByteBuffer request_;
  grpc::ServerAsyncWriter<grpc::ByteBuffer> writer_;
  Event<&StreamCall::Arrived> arrived_{*this};
  Event<&StreamCall::Written> written_{*this};
  Event<&StreamCall::EndOut> end_out_{*this};
  Event<&StreamCall::Over> over_{*this};
  int events_to_come_ = 2;  // the poller's
  std::string request_id_;  // made on arrival
  std::shared_ptr<AnswerStream> stream_;
};

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_STREAM_CALL_H_
