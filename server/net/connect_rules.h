// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_NET_CONNECT_RULES_H_
#define GRANTKEEP_NET_CONNECT_RULES_H_

#include <boost/asio/ip/address.hpp>
#include <string>
#include <vector>

#include "net/address.h"

namespace grantkeep {

// Which addresses a request's sockets may connect to.
struct ConnectRules {
  std::vector<CidrBlock> allow_private;
  bool allow_loopback = false;

  bool Allow(const boost::asio::ip::address& address) const;
  // Equal for equal rules. Connections are pooled by it, so that no request travels on a
  // connection that was opened under laxer rules than its own.
  std::string Key() const;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_NET_CONNECT_RULES_H_
