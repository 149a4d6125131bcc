// SPDX-License-Identifier: Apache-2.0
#include "rpc/in_hand.h"

#include <utility>

#include "base/reason.h"
#include "rpc/call.h"

namespace grantkeep::rpc {

Reply::Reply(InHand& in_hand, UnaryCall& call) : call_(&call) {
  if (in_hand.cut_off_.ok()) {
    in_hand.replies_.push_back(*this);
  } else {
    Fail(in_hand.cut_off_);
  }
}

Reply::~Reply() {
  if (!answered()) Fail(Error(Reason::kInternal, "the request ended without an answer"));
}

UnaryCall* Reply::Take() {
  unlink();
  return std::exchange(call_, nullptr);
}

void Reply::Succeed(const grpc::ByteBuffer& response) {
  if (UnaryCall* call = Take()) call->Succeed(response);
}

void Reply::Fail(const absl::Status& status) {
  if (UnaryCall* call = Take()) call->Fail(status);
}

void InHand::CutOff(const absl::Status& status) {
  cut_off_ = status;
  while (!replies_.empty()) replies_.front().Fail(status);
}

}  // namespace grantkeep::rpc
