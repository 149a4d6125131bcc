// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_IN_HAND_H_
#define GRANTKEEP_RPC_IN_HAND_H_

#include <grpcpp/support/byte_buffer.h>

#include <boost/intrusive/list.hpp>

#include "absl/status/status.h"

namespace grantkeep::rpc {

class InHand;
class UnaryCall;

// A coroutine's right to answer one call. Used on the loop only.
class Reply
    : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  // From here on the coroutine owns `call`. Answered at once when calls have been cut off.
  Reply(InHand& in_hand, UnaryCall& call);
  // A call that was not answered fails as a bug of ours, so that its caller does not wait.
  ~Reply();
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;

  bool answered() const { return call_ == nullptr; }
  // Once answered, these do nothing.
  void Succeed(const grpc::ByteBuffer& response);
  void Fail(const absl::Status& status);

 private:
  // The call, which is the taker's to answer; null once answered.
  UnaryCall* Take();
  UnaryCall* call_;
};

// The calls that coroutines are working on, so that a shutdown can answer those that take too
// long. Used on the loop only.
class InHand {
 public:
  // Answers all of them with `status`, and every later one as soon as it gets here. Their
  // coroutines run on; what they answer goes nowhere.
  void CutOff(const absl::Status& status);

 private:
  friend class Reply;
  boost::intrusive::list<Reply, boost::intrusive::constant_time_size<false>> replies_;
  absl::Status cut_off_;
};

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_IN_HAND_H_
