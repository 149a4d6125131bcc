// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_PROCESS_H_
#define GRANTKEEP_DAEMON_PROCESS_H_

#include <signal.h>

namespace grantkeep {

// What the daemon tells main with: there is something to look at. From outside it does nothing.
inline constexpr int kNewsSignal = SIGUSR1;

struct Signals {
  sigset_t ends;     // SIGTERM and SIGINT
  sigset_t awaited;  // these, and kNewsSignal
};

// Blocks the signals that main waits for, which threads inherit, and returns them. Turns off core dumps:
// they would hold secrets. Before any thread is started.
Signals PrepareProcess();

// What gRPC and protobuf have to say goes to our log; they log neither messages nor metadata.
void RouteLibraryLogs();

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_PROCESS_H_
