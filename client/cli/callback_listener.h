// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_CLIENT_CLI_CALLBACK_LISTENER_H_
#define GRANTKEEP_CLIENT_CLI_CALLBACK_LISTENER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/callback_request.h"

struct pollfd;

namespace grantkeep::cli {

inline constexpr char kNobodyCame[] = "nobody finished signing in; --wait gives it longer";

// Receives the redirect at the end of a sign-in on a loopback port (RFC 8252 section 7.3).
// Open it before the flow begins and destroy it when the callback is there. Every process on
// this machine can connect, so connections are bounded in number, size and time; none of them
// can keep the right one out. One thread at a time.
class CallbackListener {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  struct Limits {
    // With more, the oldest is closed.
    size_t max_connections = 32;
    // Bytes of a request's head. CompleteAuth takes a callback URL of 16 KiB.
    size_t max_head = size_t{24} * 1024;
    // From connecting to the last byte.
    std::chrono::milliseconds connection_time{5000};
  };

  // Listens on 127.0.0.1:`port`; 0 lets the system choose, which is what everybody should do.
  // The port is shared with nobody (no SO_REUSEADDR, no SO_REUSEPORT).
  static absl::StatusOr<std::unique_ptr<CallbackListener>> Open(uint16_t port, Limits limits);
  static absl::StatusOr<std::unique_ptr<CallbackListener>> Open(uint16_t port) {
    return Open(port, Limits());
  }
  ~CallbackListener();
  CallbackListener(const CallbackListener&) = delete;
  CallbackListener& operator=(const CallbackListener&) = delete;

  uint16_t port() const { return port_; }
  // "http://127.0.0.1:PORT/callback"
  std::string redirect_uri() const;

  // Serves until the callback with this state arrives and returns its whole URL;
  // DEADLINE_EXCEEDED at `deadline`. `tick` is called about ten times a second; CANCELLED as soon as
  // it returns true.
  absl::StatusOr<std::string> Wait(std::string_view state, Deadline deadline,
                                   const std::function<bool()>& tick);
  // Serves the page that the browser was sent to, until it has it or `deadline` is reached.
  void ServeDonePage(Deadline deadline);

 private:
  struct Connection;
  CallbackListener(int fd, uint16_t port, Limits limits);

  // Serves until `finished` says so; false at the deadline, or when `tick` returns true.
  bool Serve(Deadline deadline, const std::function<bool()>& finished, const std::function<bool()>& tick);
  void HandleReady(const std::vector<pollfd>& ready);
  void Accept();
  void Read(Connection& connection);
  void Answer(Connection& connection);
  void CloseExpired(Deadline now);

  const int fd_;
  const uint16_t port_;
  const Limits limits_;
  ExpectedCallback expected_;
  std::string callback_target_;
  bool done_page_served_ = false;
  // Oldest first.
  std::list<Connection> connections_;
};

}  // namespace grantkeep::cli

#endif  // GRANTKEEP_CLIENT_CLI_CALLBACK_LISTENER_H_
