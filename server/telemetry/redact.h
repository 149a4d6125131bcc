// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TELEMETRY_REDACT_H_
#define GRANTKEEP_TELEMETRY_REDACT_H_

#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <utility>

#include "telemetry/spare_messages.h"

namespace grantkeep {

// Overwrites and empties every field marked (grantkeep.v1.secret), in submessages too. The
// fields of a message type are looked up once.
void WipeSecrets(google::protobuf::Message& message);

// One line for logs: like ShortDebugString, with secret fields shown as "[secret]".
std::string SafeDebugString(const google::protobuf::Message& message);

// A message whose secret fields are wiped when it goes. After a move the source holds nothing: it
// can only be assigned to or destroyed.
template <typename M>
class Wiped {
 public:
  Wiped() : message_(SpareMessages<M>::Take()) {}
  explicit Wiped(M message) : Wiped() { message_->Swap(&message); }
  Wiped(Wiped&& other) noexcept = default;
  Wiped& operator=(Wiped&& other) noexcept {
    message_.swap(other.message_);
    return *this;
  }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() {
    if (message_ == nullptr) return;
    WipeSecrets(*message_);
    SpareMessages<M>::Keep(std::move(message_));
  }

  Wiped Clone() const { return Wiped(*message_); }
  M& operator*() { return *message_; }
  const M& operator*() const { return *message_; }
  M* operator->() { return message_.get(); }
  const M* operator->() const { return message_.get(); }

 private:
  std::unique_ptr<M> message_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_TELEMETRY_REDACT_H_
