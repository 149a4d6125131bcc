// SPDX-License-Identifier: Apache-2.0
#ifndef GRANTKEEP_DAEMON_PROCESS_H_
#define GRANTKEEP_DAEMON_PROCESS_H_

#include <signal.h>

namespace grantkeep {

// Blocks the signals that end the daemon, which main waits for and threads inherit, and returns
// them. Turns off core dumps: they would hold secrets. Before any thread is started.
sigset_t PrepareProcess();

// What gRPC and protobuf have to say goes to our log; they log neither messages nor metadata.
void RouteLibraryLogs();

}  // namespace grantkeep

#endif  // GRANTKEEP_DAEMON_PROCESS_H_
