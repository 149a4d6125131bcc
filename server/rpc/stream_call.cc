// SPDX-License-Identifier: Apache-2.0
#include "rpc/stream_call.h"

#include <boost/asio/post.hpp>
#include <string_view>

#include "base/reason.h"
#include "rpc/deadline.h"
#include "rpc/edge.h"
#include "rpc/raw_service.h"

namespace grantkeep::rpc {

void ManyAnswersMethod::AskFor(Edge& edge, Poller& poller) { StreamCall::AskFor(edge, *this, poller); }

StreamCall::StreamCall(Edge& edge, ManyAnswersMethod& method, Poller& poller)
    : edge_(edge), method_(method), poller_(poller), writer_(&context_) {}

void StreamCall::AskFor(Edge& edge, ManyAnswersMethod& method, Poller& poller) {
  auto* call = new StreamCall(edge, method, poller);
  call->context_.AsyncNotifyWhenDone(&call->over_);
  method.service().Request(method, call->context_, call->request_, call->writer_, *poller.queue(),
                           &call->arrived_);
}

void StreamCall::Arrived(bool ok) {
  if (!ok) {
    // The server shuts down; no further event comes.
    delete this;
    return;
  }
  // While this call lives the server's shutdown cannot end, so the queue is open.
  AskFor(edge_, method_, poller_);
  request_id_ = edge_.request_ids.Next();
  const bool no_place = edge_.in_flight.fetch_add(1, std::memory_order_relaxed) >= edge_.max_in_flight;
  const bool no_stream = edge_.streams.fetch_add(1, std::memory_order_relaxed) >= edge_.max_streams();
  if (no_place || no_stream) {
    Fail(RetryableError(Reason::kOverloaded,
                        no_place ? "too many calls are in flight" : "too many streams are open",
                        kOverloadRetry));
    return;
  }
  method_.Handle(*this);
}

std::shared_ptr<AnswerStream> StreamCall::OpenStream() {
  stream_ = std::make_shared<AnswerStream>(*this, edge_.clock);
  return stream_;
}

void StreamCall::Written(bool ok) {
  boost::asio::post(edge_.loop, [stream = stream_, ok] { stream->Sent(ok); });
}

void StreamCall::EndOut(bool) { ReleaseOne(); }

void StreamCall::Over(bool) {
  if (stream_ != nullptr) boost::asio::post(edge_.loop, [stream = stream_] { stream->Left(); });
  ReleaseOne();
}

void StreamCall::ReleaseOne() {
  // Both events come out of the same queue, one after the other.
  if (--events_to_come_ != 0) return;
  edge_.streams.fetch_sub(1, std::memory_order_relaxed);
  edge_.in_flight.fetch_sub(1, std::memory_order_relaxed);
  delete this;
}

Call StreamCall::Describe() {
  Call call;
  call.caller = edge_.access.Authenticate();
  call.deadline = DeadlineIn(context_.raw_deadline(), edge_.clock.Steady());
  call.request_id = request_id_;
  return call;
}

void StreamCall::Write(const grpc::ByteBuffer& message) { writer_.Write(message, &written_); }

void StreamCall::Succeed() { writer_.Finish(grpc::Status::OK, &end_out_); }

void StreamCall::Fail(const absl::Status& status) {
  if (!ReasonOf(status).has_value()) {
    const std::string_view message(status.message().data(), status.message().size());
    edge_.log.error("bug: a failure without a reason: request={} method={} code={} {}", request_id_,
                    method_.name(), status.raw_code(), message);
  }
  Fail(ToFailure(status));
}

void StreamCall::Fail(const Failure& failure) {
  edge_.log.debug("ended: request={} method={} code={} reason={} field={}", request_id_, method_.name(),
                  static_cast<int>(failure.code), failure.reason, failure.field);
  writer_.Finish(ToGrpcStatus(failure, request_id_), &end_out_);
}

}  // namespace grantkeep::rpc
