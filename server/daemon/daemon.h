// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_DAEMON_H_
#define GRANTKEEP_DAEMON_DAEMON_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "daemon/settings.h"

namespace grantkeep {

// The service: all rooms, wired together. Used by one thread.
//
// It serves as soon as it can, and is ready when the store was reached and checked, too. Before that
// every call that needs the store fails with UNAVAILABLE and a time to come back, and health says
// NOT_SERVING. An embedded store is ready or has failed when Start() returns. A Redis usually is; one that
// cannot be reached is waited for, for as long as it takes.
class Daemon {
 public:
  // `settings` must outlive the daemon. `on_prepared` is called once when prepared() has an answer, from
  // a thread of the daemon, and must not block.
  Daemon(const Settings& settings, std::function<void()> on_prepared);
  // Stops.
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Opens the store, starts the loop and serves; once. Waits up to 3 s for a Redis. What it has opened
  // when it fails is closed by the destructor.
  absl::Status Start();
  // OK when the store is in use; what is wrong for good, with the store or its key, when it never will be:
  // the daemon should be stopped then. Nothing while it is not known. Any thread.
  std::optional<absl::Status> prepared() const;
  // Ends everything in order: new calls, calls, flights, queues, loop. Takes no longer than
  // drain_timeout, one call to a provider and one to the store. Idempotent.
  void Stop();

  // What it serves; after Start() has succeeded.
  const std::string& address() const;
  int pollers() const;
  size_t providers() const;

 private:
  class Rooms;
  std::unique_ptr<Rooms> rooms_;
};

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_DAEMON_H_
