// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_METHOD_H_
#define GRANTKEEP_RPC_METHOD_H_

#include <cstddef>
#include <string>

namespace grantkeep::rpc {

struct Edge;
class Poller;
class RawService;
class UnaryCall;

// What all methods accept unless they say otherwise.
inline constexpr size_t kMaxMessage = size_t{64} * 1024;

struct MethodLimits {
  // Larger requests are refused before they are parsed.
  size_t max_request_bytes = kMaxMessage;
  // Calls asked of gRPC in advance on each queue, so that a burst finds takers.
  int asked_ahead = 4;
};

// One method of a service.
class Method {
 public:
  explicit Method(MethodLimits limits) : limits_(limits) {}
  virtual ~Method() = default;

  // Asks gRPC for the next call, to arrive on the poller's queue, which must not be shut down; a server that
  // is being shut down answers at once that there is none.
  virtual void AskFor(Edge& edge, Poller& poller) = 0;

  const MethodLimits& limits() const { return limits_; }
  // Set when the method is bound to its service.
  RawService& service() const { return *service_; }
  int index() const { return index_; }
  const std::string& name() const { return name_; }  // "/grantkeep.v1.AuthService/Refresh"

 private:
  friend class RawService;
  MethodLimits limits_;
  RawService* service_ = nullptr;
  int index_ = 0;
  std::string name_;
};

// A method with one answer: what happens with a call that has arrived.
class SingleAnswerMethod : public Method {
 public:
  using Method::Method;
  void AskFor(Edge& edge, Poller& poller) final;
  // On the poller. Answers the call or hands it on; never waits.
  virtual void Handle(UnaryCall& call) = 0;
};

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_METHOD_H_
