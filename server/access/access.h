// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_ACCESS_ACCESS_H_
#define GRANTKEEP_ACCESS_ACCESS_H_

#include "base/call.h"

namespace grantkeep {

// How a connection reached us.
enum class Transport {
  kUnixSocket,  // mode 0600: the kernel lets in this user and root only
  kLoopback,    // any process of this machine
};

// Says who is calling. Every listener is a unix socket or a loopback address (rpc refuses
// others), so the machine's own access control is what keeps strangers out, and everybody
// who gets through is the one caller "local". Thread-safe; costs nothing.
class Access {
 public:
  explicit Access(Transport transport) : transport_(transport) {}

  // The caller at the other end; valid as long as this object.
  const Caller& Authenticate() const { return local_; }
  Transport transport() const { return transport_; }

 private:
  Transport transport_;
  Caller local_{"local"};
};

}  // namespace grantkeep

#endif  // GRANTKEEP_ACCESS_ACCESS_H_
