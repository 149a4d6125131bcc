// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_UNARY_METHOD_H_
#define GRANTKEEP_RPC_UNARY_METHOD_H_

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "base/call.h"
#include "base/reason.h"
#include "rpc/call.h"
#include "rpc/edge.h"
#include "rpc/in_hand.h"
#include "rpc/method.h"
#include "rpc/request_check.h"
#include "rpc/wire.h"
#include "telemetry/redact.h"

namespace grantkeep::rpc {

// The one adapter between gRPC and the domain: parses and checks the request, answers from memory
// on the poller where it can, and otherwise runs the handler as a coroutine on the loop.
template <typename Request, typename Response>
class UnaryMethod final : public SingleAnswerMethod {
 public:
  // The answer, or nothing when it is not in memory. On the poller: never waits.
  using FromMemory = std::function<std::optional<absl::StatusOr<Response>>(const Request& request)>;
  // On the loop.
  using Handler =
      std::function<boost::asio::awaitable<absl::StatusOr<Response>>(Call call, Wiped<Request> request)>;

  explicit UnaryMethod(Handler handler, FromMemory from_memory = nullptr, MethodLimits limits = {})
      : SingleAnswerMethod(limits),
        handler_(std::move(handler)),
        from_memory_(std::move(from_memory)),
        check_(Request::descriptor()) {}

  void Handle(UnaryCall& call) override {
    Wiped<Request> request;
    if (auto failure = Parse(call.request(), limits().max_request_bytes, *request))
      return call.Fail(*failure);
    if (absl::Status status = check_.Check(*request); !status.ok()) return call.Fail(status);
    if (from_memory_) {
      if (std::optional<absl::StatusOr<Response>> answer = from_memory_(*request)) {
        return Send(*std::move(answer), call);
      }
    }
    boost::asio::co_spawn(call.edge().loop, Run(call, std::move(request)),
                          [](const std::exception_ptr& error) {
                            // Handlers catch what libraries throw: anything that gets here is a bug.
                            if (error) std::rethrow_exception(error);
                          });
  }

 private:
  // `to` is the call itself or the coroutine's right to answer it.
  template <typename To>
  static void Send(absl::StatusOr<Response> answer, To& to) {
    if (!answer.ok()) return to.Fail(answer.status());
    Wiped<Response> response(*std::move(answer));
    to.Succeed(Serialize(*response));
  }

  boost::asio::awaitable<void> Run(UnaryCall& call, Wiped<Request> request) {
    Reply reply(call.edge().in_hand, call);
    if (reply.answered()) co_return;
    if (call.cancelled()) {
      reply.Fail(Error(Reason::kDeadline, "the caller has left"));
      co_return;
    }
    Call described = call.Describe();
    absl::StatusOr<Response> answer = co_await handler_(std::move(described), std::move(request));
    Send(std::move(answer), reply);
  }

  const Handler handler_;
  const FromMemory from_memory_;
  const RequestCheck check_;
};

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_UNARY_METHOD_H_
