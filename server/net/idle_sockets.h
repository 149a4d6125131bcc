// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_NET_IDLE_SOCKETS_H_
#define GRANTKEEP_NET_IDLE_SOCKETS_H_

#include <poll.h>

#include <vector>

namespace grantkeep {

// The sockets of kept connections that no request uses at the moment.
//
// libcurl 7.88 takes a connection for alive when there is something to read, and that may be the
// server's TLS close_notify. A request would then go into a closed connection, and its outcome
// be in doubt. This finds such connections first and ends them so that libcurl sees it.
class IdleSockets {
 public:
  // `multiplexed`: HTTP/2, where frames may arrive on an idle connection. libcurl reads them
  // before the next request, and heeds a GOAWAY.
  void Add(int socket, bool multiplexed);
  // When the socket is used again or closed; knowing it or not.
  void Remove(int socket);
  // Shuts down those whose server has ended the connection, or, in HTTP/1.1, has said anything.
  void ShutDownEnded();

 private:
  std::vector<pollfd> sockets_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_NET_IDLE_SOCKETS_H_
