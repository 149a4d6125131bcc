// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_DAEMON_H_
#define GRANTKEEP_DAEMON_DAEMON_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "daemon/settings.h"

namespace grantkeep {

// The service: all rooms, wired together. Used by one thread.
class Daemon {
 public:
  // `settings` must outlive the daemon.
  explicit Daemon(const Settings& settings);
  // Stops.
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Opens the store, starts the loop and serves; once. What it has opened when it fails is closed by
  // the destructor.
  absl::Status Start();
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
