// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_RPC_LISTEN_ADDRESS_H_
#define GRANTKEEP_RPC_LISTEN_ADDRESS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "access/access.h"

namespace grantkeep::rpc {

// Where the server listens.
struct ListenAddress {
  Transport transport = Transport::kUnixSocket;
  std::string path;  // kUnixSocket
  std::string host;  // kLoopback: "127.0.0.1", "[::1]"
  int port = 0;      // kLoopback; 0: any free one

  // As people write it and as gRPC takes it: "unix:/path", "127.0.0.1:7450".
  std::string ToString() const;
};

// Reads "unix:PATH", "unix:///PATH", "127.0.0.1:PORT" (any 127/8 address) or "[::1]:PORT", which are
// what clients accept. Other addresses are refused, because callers cannot be authenticated there yet,
// and so are names. kInvalidField with the field `field`.
absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text, std::string_view field);

// Whether the port can be listened on now; fails naming `field` and why. Asked before gRPC is, which
// gives no reason but lines for its own developers.
absl::Status CheckPortIsFree(const ListenAddress& address, std::string_view field);

// Whether a socket can be made at `path`: its folder is there and may be written.
absl::Status CheckSocketFolder(const std::string& path);

// Makes `path` free to listen on: removes the socket that a dead process has left behind. Fails
// when a process answers there, when the file is not a socket, or when the folder is missing.
absl::Status ClearStaleSocket(const std::string& path);

}  // namespace grantkeep::rpc

#endif  // GRANTKEEP_RPC_LISTEN_ADDRESS_H_
