// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_STREAM_METHOD_H_
#define GRANTKEEP_RPC_STREAM_METHOD_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include "base/call.h"
#include "rpc/answer_stream.h"
#include "rpc/edge.h"
#include "rpc/request_check.h"
#include "rpc/stream_call.h"
#include "rpc/wire.h"
#include "telemetry/redact.h"

namespace grantkeep::rpc {

// The adapter for methods that stream their answers, beside UnaryMethod: parses and checks the request on the
// poller, and runs the handler as a coroutine on the loop. The status that it returns ends the stream, unless
// something else has: the caller, its deadline, a shutdown.
template <typename Request>
class StreamMethod final : public ManyAnswersMethod {
 public:
  // What the bounds of the fields do not say. On the poller: never waits.
  using FurtherCheck = std::function<absl::Status(const Request& request)>;
  // On the loop. Once stream->ended(), it has to return soon (AnswerStream::EndListener tells).
  using Handler = std::function<boost::asio::awaitable<absl::Status>(Call call, Wiped<Request> request,
                                                                     std::shared_ptr<AnswerStream> stream)>;

  StreamMethod(Handler handler, FurtherCheck further_check, MethodLimits limits)
      : ManyAnswersMethod(limits),
        handler_(std::make_shared<const Handler>(std::move(handler))),
        further_check_(std::move(further_check)),
        check_(Request::descriptor()) {}

  void Handle(StreamCall& call) override {
    Wiped<Request> request;
    if (auto failure = Parse(call.request(), limits().max_request_bytes, *request))
      return call.Fail(*failure);
    if (absl::Status status = check_.Check(*request); !status.ok()) return call.Fail(status);
    if (absl::Status status = further_check_(*request); !status.ok()) return call.Fail(status);
    Edge& edge = call.edge();
    Call described = call.Describe();
    // The loop's from here on.
    boost::asio::co_spawn(
        edge.loop,
        Run(handler_, edge.open_streams, call.OpenStream(), std::move(described), std::move(request)),
        [](const std::exception_ptr& error) {
          // Handlers catch what libraries throw: anything that gets here is a bug.
          if (error) std::rethrow_exception(error);
        });
  }

 private:
  // Holds what it needs: it may outlive the method and its server.
  static boost::asio::awaitable<void> Run(std::shared_ptr<const Handler> handler,
                                          std::shared_ptr<OpenStreams> open,
                                          std::shared_ptr<AnswerStream> stream, Call call,
                                          Wiped<Request> request) {
    stream->Join(*open);
    if (stream->ended()) co_return;
    const absl::Status status = co_await (*handler)(std::move(call), std::move(request), stream);
    stream->End(status);
  }

  const std::shared_ptr<const Handler> handler_;
  const FurtherCheck further_check_;
  const RequestCheck check_;
};

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_STREAM_METHOD_H_
