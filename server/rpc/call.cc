// SPDX-License-Identifier: Apache-2.0
#include "rpc/call.h"

#include "base/reason.h"
#include "rpc/deadline.h"
#include "rpc/edge.h"
#include "rpc/method.h"
#include "rpc/raw_service.h"

namespace grantkeep::rpc {

void SingleAnswerMethod::AskFor(Edge& edge, Poller& poller) { UnaryCall::AskFor(edge, *this, poller); }

UnaryCall::UnaryCall(Edge& edge, SingleAnswerMethod& method, Poller& poller)
    : edge_(edge), method_(method), poller_(poller), writer_(&context_) {}

void UnaryCall::AskFor(Edge& edge, SingleAnswerMethod& method, Poller& poller) {
  auto* call = new UnaryCall(edge, method, poller);
  call->context_.AsyncNotifyWhenDone(&call->over_);
  method.service().Request(method, call->context_, call->request_, call->writer_, *poller.queue(),
                           &call->arrived_);
}

void UnaryCall::Arrived(bool ok) {
  if (!ok) {
    // The server shuts down; no further event comes.
    delete this;
    return;
  }
  // While this call lives the server's shutdown cannot end, so the queue is open.
  AskFor(edge_, method_, poller_);
  if (edge_.in_flight.fetch_add(1, std::memory_order_relaxed) >= edge_.max_in_flight) {
    Fail(RetryableError(Reason::kOverloaded, "too many calls are in flight", kOverloadRetry));
    return;
  }
  method_.Handle(*this);
}

void UnaryCall::AnswerOut(bool) { ReleaseOne(); }

void UnaryCall::Over(bool) {
  if (context_.IsCancelled()) cancelled_.store(true, std::memory_order_relaxed);
  ReleaseOne();
}

void UnaryCall::ReleaseOne() {
  // Both events come out of the same queue, one after the other.
  if (--events_to_come_ != 0) return;
  edge_.in_flight.fetch_sub(1, std::memory_order_relaxed);
  delete this;
}

const std::string& UnaryCall::request_id() {
  if (request_id_.empty()) request_id_ = edge_.request_ids.Next();
  return request_id_;
}

Call UnaryCall::Describe() {
  Call call;
  call.caller = edge_.access.Authenticate();
  call.deadline = DeadlineIn(context_.raw_deadline(), edge_.clock.Steady());
  call.request_id = request_id();
  return call;
}

void UnaryCall::Succeed(const grpc::ByteBuffer& response) {
  writer_.Finish(response, grpc::Status::OK, &answer_out_);
}

void UnaryCall::Fail(const absl::Status& status) {
  if (!ReasonOf(status).has_value()) {
    const std::string_view message(status.message().data(), status.message().size());
    edge_.log.error("bug: a failure without a reason: request={} method={} code={} {}", request_id(),
                    method_.name(), status.raw_code(), message);
  }
  Fail(ToFailure(status));
}

void UnaryCall::Fail(const Failure& failure) {
  edge_.log.debug("failed: request={} method={} code={} reason={} field={}", request_id(), method_.name(),
                  static_cast<int>(failure.code), failure.reason, failure.field);
  writer_.FinishWithError(ToGrpcStatus(failure, request_id()), &answer_out_);
}

}  // namespace grantkeep::rpc
