// SPDX-License-Identifier: Apache-2.0
#include "net/idle_sockets.h"

#include <sys/socket.h>

#include <vector>

namespace grantkeep {
namespace {

// Unread bytes would hide the end from libcurl, which peeks at one.
void DrainAndShutDown(int socket) {
  shutdown(socket, SHUT_RDWR);
  char ignored[4096];
  while (recv(socket, ignored, sizeof(ignored), MSG_DONTWAIT) > 0) {
  }
}

}  // namespace

void IdleSockets::Add(int socket, bool multiplexed) {
  Remove(socket);
  const int events = multiplexed ? POLLRDHUP : POLLRDHUP | POLLIN;
  sockets_.push_back({.fd = socket, .events = static_cast<short>(events), .revents = 0});
}

void IdleSockets::Remove(int socket) {
  std::erase_if(sockets_, [socket](const pollfd& entry) { return entry.fd == socket; });
}

void IdleSockets::ShutDownEnded() {
  if (sockets_.empty() || poll(sockets_.data(), sockets_.size(), 0) <= 0) return;
  std::erase_if(sockets_, [](const pollfd& entry) {
    if (entry.revents == 0) return false;
    DrainAndShutDown(entry.fd);
    return true;
  });
}

}  // namespace grantkeep
