// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_TELEMETRY_REDACT_H_
#define GRANTKEEP_TELEMETRY_REDACT_H_

#include <google/protobuf/message.h>

#include <string>
#include <utility>

namespace grantkeep {

// Overwrites and empties every field marked (grantkeep.v1.secret), in submessages too. The
// fields of a message type are looked up once.
void WipeSecrets(google::protobuf::Message& message);

// One line for logs: like ShortDebugString, with secret fields shown as "[secret]".
std::string SafeDebugString(const google::protobuf::Message& message);

// A message whose secret fields are wiped when it goes.
template <typename M>
class Wiped {
 public:
  Wiped() = default;
  explicit Wiped(M message) : message_(std::move(message)) {}
  Wiped(Wiped&& other) noexcept { message_.Swap(&other.message_); }
  Wiped& operator=(Wiped&& other) noexcept {
    message_.Swap(&other.message_);
    return *this;
  }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { WipeSecrets(message_); }

  Wiped Clone() const { return Wiped(message_); }
  M& operator*() { return message_; }
  const M& operator*() const { return message_; }
  M* operator->() { return &message_; }
  const M* operator->() const { return &message_; }

 private:
  M message_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_TELEMETRY_REDACT_H_
